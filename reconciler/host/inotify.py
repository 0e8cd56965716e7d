"""Which files change, by the folders that they are in: so one that is made, replaced or moved is heard of as well."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator

from reconciler.host.libc import inotify, inotify_watch

_EVENT = struct.Struct("=iIII")  # struct inotify_event: watch, mask, cookie, length of the name
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_Q_OVERFLOW, _IGNORED, _ONLYDIR, _EXCL_UNLINK = 0x4000, 0x8000, 0x1000000, 0x4000000
_EVENTS = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR | _EXCL_UNLINK
_ROOM = 64 * 1024


class Files:
    """Tells when one of some files is written, made, moved or removed; close it when it is no longer wanted."""

    def __init__(self) -> None:
        self.fd = inotify()
        self._folders: dict[int, str] = {}
        self._files: frozenset[str] = frozenset()

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)

    def follow(self, files: Collection[str]) -> None:
        """Tell of these files from now on, and of what a link leads to; a folder that is not there is left out."""
        self._files = frozenset(each for path in files for each in _places(path))
        for folder in {os.path.dirname(each) for each in self._files}:  # noqa: PTH120 - as text, like all of this
            try:
                self._folders[inotify_watch(self.fd, folder, _EVENTS)] = folder
            except OSError:  # not there, or not ours to look into: the next look at the file tries again
                continue

    def changed(self) -> set[str]:
        """Return which of the files have changed since one asked last; all of them where events were lost."""
        found: set[str] = set()
        for number, mask, name in self._events():
            if mask & _Q_OVERFLOW:
                return set(self._files)
            folder = self._folders.pop(number, "") if mask & _IGNORED else self._folders.get(number, "")
            found |= {each for each in self._files if mask & _IGNORED and os.path.dirname(each) == folder}  # noqa: PTH120
            found |= {os.path.join(folder, name)} & self._files  # noqa: PTH118
        return found

    def _events(self) -> Iterator[tuple[int, int, str]]:
        while True:
            try:
                buffer = os.read(self.fd, _ROOM)
            except BlockingIOError:
                return
            at = 0
            while at < len(buffer):
                number, mask, _, length = _EVENT.unpack_from(buffer, at)
                at += _EVENT.size + length
                yield number, mask, os.fsdecode(buffer[at - length : at].rstrip(b"\0"))


def _places(path: str) -> Iterator[str]:
    """Yield where a change of a file shows: in its folder, and in that of what it leads to."""
    here = os.path.abspath(path)  # noqa: PTH100 - a link stays one
    yield os.path.join(os.path.realpath(os.path.dirname(here)), os.path.basename(here))  # noqa: PTH118, PTH119, PTH120
    yield os.path.realpath(here)
