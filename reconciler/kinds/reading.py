"""Reading the files that a topology names, none of which may hang us or fill our memory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from reconciler.model import STANDARD_INPUT

LARGEST = 8 << 20
"""How many bytes of a file are read: a topology of thirteen thousand containers, as many as are read, has less."""


_PIECE = 1 << 20


def located(text: str) -> Path:
    """Return the path that a text of the file names: pathlib takes none that is secret, which messages hide anyway."""
    return Path(str.__str__(text))


def read_file(path: Path, largest: int = LARGEST) -> bytes:
    """Return the content of a regular file; an OSError that says why if it is none, is too large or cannot be read."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return read_stream(file, str(path), largest)


def is_stream(path: str) -> bool:
    """Tell whether a path names standard input, or what else is read once and never again, such as a pipe."""
    if path == STANDARD_INPUT:
        return True
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - of whatever text
        is_gone = not os.path.lexists(os.path.realpath(path))  # but for a descriptor, as of a here-document
    except (OSError, ValueError):
        return False
    return is_gone or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def read_stream(stream: IO[bytes], name: str, largest: int = LARGEST) -> bytes:
    """Return all that a stream gives; an OSError if that is too much."""
    content = b"".join(_pieces(stream, largest + 1))
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest >> 20} MiB", name)
    return content


def _pieces(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """Read no more than that: the room for all that is asked for is taken beforehand."""
    while most > 0 and (piece := stream.read(min(most, _PIECE))):
        yield piece
        most -= len(piece)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to would be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)
