"""Which files change, by all that leads to them: so one that is made, replaced or moved is heard of as well."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections import defaultdict
from collections.abc import Collection, Iterator

from reconciler.errors import HostRefuses
from reconciler.host.libc import inotify, inotify_unwatch, inotify_watch

_EVENT = struct.Struct("=iIII")  # struct inotify_event: watch, mask, cookie, length of the name
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _Q_OVERFLOW, _IGNORED = 0x400, 0x800, 0x4000, 0x8000
_ONLYDIR, _DONT_FOLLOW, _EXCL_UNLINK, _MASK_ADD, _ISDIR = 0x1000000, 0x2000000, 0x4000000, 0x20000000, 0x40000000
_SELF = _MOVE_SELF | _DELETE_SELF | _MASK_ADD
"""What a folder on the way tells of itself: what happens in it besides is no business of ours."""
_LINK = _SELF | _ATTRIB | _DONT_FOLLOW
_FILE = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MASK_ADD
_NAMES = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR | _EXCL_UNLINK | _MASK_ADD
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG)
_USED_UP = "cannot hear of edits: {}: raise {} with sysctl"
_LINKS_MAX = 40  # man 7 path_resolution
_ROOM = 64 * 1024


class Files:
    """Tells when one of some files is written, made, moved or removed; close it when it is no longer wanted.

    `written` is those that somebody has begun to write and not closed yet; `deaf` says why some are not heard of.
    """

    def __init__(self) -> None:
        try:
            self.fd = inotify()
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            raise HostRefuses(_USED_UP.format("too many inotify instances", "fs.inotify.max_user_instances")) from error
        self.written: set[str] = set()
        self.deaf = ""
        self._files: frozenset[str] = frozenset()
        self._way: frozenset[str] = frozenset()
        self._watched: dict[int, set[str]] = {}

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)

    def follow(self, files: Collection[str]) -> None:
        """Tell of these files from now on, given by whole paths, and of all folders and links that lead to them."""
        self._files = frozenset(files)
        before: object = None
        while before != self._watched:  # what changed while one began to listen was not heard
            before = self._watched
            self._listen()
        self.written &= self._way

    def _listen(self) -> None:
        self.deaf = ""
        found = [step for path in sorted(self._files) for step in _way(path)]
        self._way = frozenset(name for name, _, _ in found)
        watched: dict[int, set[str]] = defaultdict(set)
        for place, events in dict.fromkeys((place, events) for _, place, events in found):
            try:
                watched[inotify_watch(self.fd, place, events)].add(place)
            except OSError as error:
                if error.errno not in _NOT_THERE:
                    self.deaf = self.deaf or _reason(error)
        for number in self._watched.keys() - watched.keys():
            inotify_unwatch(self.fd, number)
        self._watched = dict(watched)

    def changed(self) -> set[str]:
        """Return which names on the way to the files have changed since one asked last; all where events were lost."""
        found: set[str] = set()
        for number, mask, name in self._events():
            if mask & _Q_OVERFLOW:
                self.written.clear()
                found |= self._way
            places = self._watched.pop(number, set()) if mask & _IGNORED else self._watched.get(number, set())
            for path in {os.path.join(place, name) if name else place for place in places} & self._way:  # noqa: PTH118
                self._note(path, mask)
                found.add(path)
        if found:
            self.follow(self._files)
        return found

    def _note(self, path: str, mask: int) -> None:
        """Learn whether somebody is about to write a file: a new one is empty at first, unless it is but a new name."""
        if mask & _MODIFY or (mask & _CREATE and not mask & _ISDIR and _is_new(path)):
            self.written.add(path)
        elif not mask & _ATTRIB:
            self.written.discard(path)

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


def _way(path: str) -> Iterator[tuple[str, str, int]]:
    """Yield each name on the way to a file, with the place at which that is heard of, and by which events.

    A folder and a link tell of themselves; where something is not there, its folder tells when it comes.
    """
    at, todo, links = "/", _names(path), 0
    while todo:
        name = todo.pop()
        here = os.path.dirname(at) if name == ".." else os.path.join(at, name)  # noqa: PTH118, PTH120 - text is quicker
        try:
            mode = os.lstat(here).st_mode
        except OSError:
            yield here, at, _NAMES
            return
        if stat.S_ISLNK(mode) and links < _LINKS_MAX:
            yield here, here, _LINK
            links += 1
            target = _target(here)
            at = "/" if target.startswith("/") else at
            todo += _names(target)
        elif todo:
            yield here, here, _SELF
            at = here
        else:
            yield here, here, _FILE
            yield here, at, _NAMES


def _names(path: str) -> list[str]:
    """Return the names in a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - as text, like all of this
    except OSError:  # it is another thing by now, which is heard of
        return ""


def _is_new(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:  # man 2 inotify_add_watch
        return _USED_UP.format("no inotify watches are left", "fs.inotify.max_user_watches")
    return f"cannot hear of edits: {error.strerror}"
