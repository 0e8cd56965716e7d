"""The file as the kinds read it: sections, names, references, and where each thing stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from reconciler.errors import Problem
from reconciler.kinds.reading import located
from reconciler.model import HOST, Claim, Need, Resource, ResourceKey, Spec

T = TypeVar("T")
Pointer = tuple[str | int, ...]
NODES = {"containers": "container", "namespaces": "namespace", "bridges": "bridge"}
"""The sections whose entries are nodes: they share one space of names."""

_NAMELESS = ("x-", "host", "defaults")
"""How the sections begin whose keys are no names of entries."""
_HINTED = 20_000
"""With how many names in all those that are not known are compared."""
_ENTRY = 2
"""How long the place of an entry is."""


class File(Protocol):
    """A validated document, as `reconciler.topology.document` reads it."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The content."""

    def problem(self, pointer: Sequence[str | int], message: str, hint: str = "") -> Problem:
        """Make a problem at a place."""

    def directory(self, pointer: Sequence[str | int]) -> Path:
        """The folder against which relative paths at that place are resolved."""

    def incomplete(self, pointer: Sequence[str | int]) -> bool:
        """Tell whether something that was wrong is missing at a place, below it, or with all around it."""

    def variable(self, pointer: Sequence[str | int], name: str) -> str | None:
        """What a variable stands for at a place; None if it is not set."""


class Source:
    """A validated document, with its problems so far and the place where each resource is declared."""

    def __init__(
        self,
        file: File,
        *,
        name: str,
        path: str = "",
        opened: set[str] | None = None,
    ) -> None:
        self.opened = set() if opened is None else opened
        self.file, self.name, self.path = file, name, path
        self.problems: list[Problem] = []
        self.places: dict[ResourceKey, Pointer] = {}
        self.claimed: dict[ResourceKey, dict[Claim, Pointer]] = defaultdict(dict)
        self._patience = _HINTED
        self._found: dict[Callable[[Source], Any], Any] = {}

    def variable(self, pointer: Pointer, name: str) -> str | None:
        """Return what a variable stands for at a place: in the environment, else beside the file that says it."""
        return self.file.variable(pointer, name)

    def once(self, function: Callable[[Source], T]) -> T:
        """Return what a function finds in the whole file; it looks only the first time."""
        if function not in self._found:
            self._found[function] = function(self)
        found: T = self._found[function]
        return found

    def forget(self) -> None:
        """Let go of what was found once: it points back here, and would stay until garbage is looked for."""
        self._found.clear()

    @property
    def prefix(self) -> str:
        """What stands before live names, with its dash."""
        prefix = self.file.data.get("prefix", self.name)
        return f"{prefix}-" if prefix else ""

    def section(self, name: str) -> Mapping[str, Any]:
        """Return the entries of a section; an empty one if the file has none."""
        found: Mapping[str, Any] = self.file.data.get(name) or {}
        return found

    def live(self, section: str, name: str) -> str:
        """Return the live name of an entry: its own `name:`, or the prefix and its name in the file."""
        entry = self.section(section).get(name) or {}
        own = entry.get("container_name") or entry.get("name")
        if own or entry.get("external"):
            return str(own or name)
        return f"{self.prefix}{name}"

    def node(self, pointer: Pointer, name: str, hint: str = "") -> ResourceKey | None:
        """Find a node by its name in the file; an unknown one is noted as a problem, with a hint of the caller's."""
        if name == "host":
            return HOST
        for section, kind in NODES.items():
            if name in self.section(section):
                return ResourceKey(kind, name)
        if any(self.incomplete((section, name)) for section in NODES):
            return None
        sections = [self.section(each) for each in NODES]
        patient = self.patient(sum(map(len, sections)))
        known = [*(each for section in sections for each in section), "host"] if patient else []
        self.problem(pointer, f"there is no node {name!r}", hint or self._elsewhere(name) or did_you_mean(name, known))
        return None

    def reference(
        self, pointer: Pointer, section: str, name: str, kind: str, *, otherwise: str = ""
    ) -> ResourceKey | None:
        """Find an entry of a section by its name; an unknown one is noted as a problem, with what to do `otherwise`."""
        if name in self.section(section):
            return ResourceKey(kind, name)
        if not self.incomplete((section, name)):
            known = self.section(section) if self.patient(len(self.section(section))) else ()
            elsewhere = "" if otherwise else self._elsewhere(name)
            hint = elsewhere or did_you_mean(name, known) or otherwise
            self.problem(pointer, f"there is no {name!r} in {section}", hint)
        return None

    def _elsewhere(self, name: str) -> str:
        """Say of which other section a name is an entry; empty if of none."""
        sections = {each: found for each, found in self.file.data.items() if isinstance(found, Mapping)}
        found = [each for each in sections if name in sections[each] and not each.startswith(_NAMELESS)]
        return f"it is an entry of {' and of '.join(found)}" if found else ""

    def patient(self, count: int) -> bool:
        """Tell whether to compare a name with so many others; nobody needs hints by the thousand."""
        self._patience -= count
        return self._patience > 0

    def incomplete(self, pointer: Pointer) -> bool:
        """Tell whether something that was wrong is missing at a place, below it, or with all around it.

        What follows from that alone is not told as well.
        """
        return self.file.incomplete(pointer)

    def problem(self, pointer: Pointer, message: str, hint: str = "") -> None:
        """Note what is wrong at a place of the file; nothing can be said of a value of which a part is not known."""
        if len(pointer) <= _ENTRY or not self.incomplete(pointer):
            self.problems.append(self.file.problem(pointer, message, hint))

    def directory(self, pointer: Pointer) -> Path:
        """Return the folder against which relative paths at that place are resolved."""
        return self.file.directory(pointer)

    def resource(
        self,
        pointer: Pointer,
        key: ResourceKey,
        spec: Spec,
        *,
        needs: Iterable[Need] = (),
        claims: Iterable[Claim] = (),
        owned: bool = True,
        part_of: ResourceKey | None = None,
        ready: str = "",
        at: Iterable[tuple[Claim, Pointer]] = (),
    ) -> Resource:
        """Make a desired resource and remember where it is declared, and `at` which places it claims what it does."""
        self.places[key] = pointer
        self.claimed[key].update(at)
        return Resource(key, spec, tuple(sorted(set(needs))), Claim.in_order(claims), owned, part_of, ready)


def home(text: str) -> Path:
    """Return a path, with the home directory for `~`; a ValueError if that is of nobody here."""
    try:
        return located(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text!r} is in the home directory of somebody who is not known here") from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint if something known is written nearly like that."""
    import difflib

    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
