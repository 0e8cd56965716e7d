"""The file that a namespace's name is mounted on; it holds the namespace's mark, for the time when nothing is mounted.

A kill between the file and the mount, or between the unmount and the file's removal, leaves it behind, known as ours.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 4096
_NO_UNNAMED_FILES = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT)
"""What open(2) says where the file system, or the kernel, has no files without a name (O_TMPFILE)."""


def make(path: Path, text: str) -> None:
    """Make a file that has its text from the first moment on; one that is there already makes way."""
    path.unlink(missing_ok=True)
    try:
        fd = os.open(path.parent, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        path.touch(mode=0)
        return
    try:
        os.write(fd, text.encode())
        # With a descriptor among the arguments it is linkat(2), which follows the link in /proc: open(2), O_TMPFILE.
        os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)
    finally:
        os.close(fd)


def left(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file on which nothing is mounted; what may not be read is none of ours."""
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        device = directory.stat().st_dev
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_dev == device:
                    yield entry.name, _text(entry.path)


def _text(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(fd, _LONGEST).decode(errors="replace")
    finally:
        os.close(fd)
