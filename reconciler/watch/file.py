"""The topology as its file says it, read again when that changes; while it is wrong, the last good one is in force."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Mapping

from reconciler.errors import ReconcilerError
from reconciler.host.inotify import Files
from reconciler.kinds.base import Kind
from reconciler.model import Topology
from reconciler.topology import insist_on_a_folder, load

SETTLE = 0.5
"""Seconds without news of any of the files after which they are read: they may well change one after the other."""
_LONGEST = 10.0
"""Seconds after which they are read though somebody has one open for writing, and is silent, or they never rest."""


class File:
    """A topology file, with all that it includes and its files of variables; FileInvalid if it is wrong at first."""

    def __init__(
        self,
        path: str,
        *,
        kinds: Mapping[str, Kind],
        name: str | None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._kinds, self._name, self._environment = path, kinds, name, environment
        insist_on_a_folder(path)
        self._folder = "" if os.path.isabs(path) else os.getcwd()  # noqa: PTH109, PTH117 - as text, like what is followed
        self._first = self._last = math.inf
        self.files = Files()
        self.wrong = ""
        """What is wrong with the file as it is now."""
        self.topology = self._read()

    def _read(self) -> Topology:
        opened: set[str] = set()
        if self._folder:
            with contextlib.suppress(OSError):  # by its name, as another may have taken its place
                os.chdir(self._folder)
        try:
            return load(
                self._path,
                kinds=self._kinds,
                name=self._name,
                environment=self._environment,
                opened=opened,
                lasting=True,
            )
        finally:
            self.files.follow({os.path.join(self._folder, each) for each in opened})  # noqa: PTH118

    def hear(self) -> None:
        """Take in what has happened to the files."""
        if self.files.changed():
            self._last = time.monotonic()
            self._first = min(self._first, self._last)

    @property
    def due(self) -> float:
        """When to read them again: not while somebody writes one; infinity where nothing has changed."""
        if self.files.written:
            return self._last + _LONGEST
        return min(self._last + SETTLE, self._first + _LONGEST)

    def reread(self) -> bool:
        """Read it once more, and tell whether anything is new: what it says, or what is wrong with it.

        What changes while it is read is read later, when that has come to rest; what never rests counts as it was read,
        but not while somebody writes it.
        """
        first, self._first, self._last = self._first, math.inf, math.inf
        found = self._found()
        self.hear()
        if self.due < math.inf and (self.files.written or time.monotonic() < first + _LONGEST):
            self._first = min(first, self._first)
            return False
        is_new = found != (self.topology, self.wrong)
        if is_new:
            self.topology, self.wrong = found
        return is_new

    def _found(self) -> tuple[Topology, str]:
        """Return the topology that is to be in force, and what is wrong with the file."""
        try:
            found = self._read()
        except ReconcilerError as error:
            return self.topology, str(error)
        if found.name != self.topology.name:
            return self.topology, f"{self._path}: the topology's name is {found.name!r} now: watch that one instead"
        return found, ""
