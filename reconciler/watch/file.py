"""The topology as its file says it, read again when that changes; while it is wrong, the last good one is in force."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import ReconcilerError
from reconciler.host.inotify import Files
from reconciler.kinds.base import Kind
from reconciler.model import Topology
from reconciler.topology import load


class File:
    """A topology file, with all that it includes and its files of variables; FileInvalid if it is wrong at first."""

    def __init__(self, path: str, *, kinds: Mapping[str, Kind], name: str | None) -> None:
        self._path, self._kinds, self._name = path, kinds, name
        self.files = Files()
        self.wrong = ""
        """What is wrong with the file as it is now."""
        self.topology = self._read()

    def _read(self) -> Topology:
        opened: set[str] = set()
        try:
            return load(self._path, kinds=self._kinds, name=self._name, opened=opened)
        finally:
            self.files.follow(opened)

    def reread(self) -> bool:
        """Read it once more, and tell whether anything is new: what it says, or what is wrong with it."""
        before = self.topology, self.wrong
        try:
            found, self.wrong = self._read(), ""
            if found.name == self.topology.name:
                self.topology = found
            else:
                self.wrong = f"{self._path}: the topology's name is {found.name!r} now: watch that one instead"
        except ReconcilerError as error:
            self.wrong = str(error)
        return before != (self.topology, self.wrong)
