"""One entry of `containers`, as the readers of its attributes see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import wraps
from typing import Any, TypeVar

from reconciler.kinds.source import Pointer, Source
from reconciler.value import dataclass

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """What the file says of a container, and where."""

    source: Source
    name: str
    data: Mapping[str, Any]
    found: dict[Callable[[Entry], Any], Any] = field(default_factory=dict, repr=False, compare=False)
    """What functions that look only once have found."""

    def get(self, attribute: str) -> Any:
        """Return the value of an attribute, None if it is not declared."""
        return self.data.get(attribute)

    def items(self, attribute: str) -> Iterator[tuple[int, Any]]:
        """Yield the elements of an attribute that is one value or a list of them, with their positions."""
        found = self.data.get(attribute)
        yield from enumerate(found if isinstance(found, list) else [] if found in (None, {}) else [found])

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Return an attribute that is one text or a list of them."""
        return tuple(str(each) for _, each in self.items(attribute))

    def pointer(self, *path: str | int) -> Pointer:
        """Return the place of something in this entry."""
        return ("containers", self.name, *path)

    def problem(self, path: Pointer, message: str, hint: str = "") -> None:
        """Note what is wrong at a place of this entry."""
        self.source.problem(self.pointer(*path), message, hint)

    def incomplete(self, *path: str | int) -> bool:
        """Tell whether something that was wrong is missing at a place of this entry."""
        return self.source.incomplete(self.pointer(*path))

    def read(self, path: Pointer, function: Callable[..., T], *values: Any, instead: T) -> T:
        """Apply a function that raises a ValueError where the form is wrong; that is noted as a problem."""
        try:
            return function(*values)
        except ValueError as error:
            self.problem(path, str(error))
            return instead


def found_once(function: Callable[[Entry], T]) -> Callable[[Entry], T]:
    """Let a function look into each entry but the first time, and return what it found then."""

    @wraps(function)
    def looked(entry: Entry) -> T:
        if function not in entry.found:
            entry.found[function] = function(entry)
        found: T = entry.found[function]
        return found

    return looked


def entries(source: Source) -> Iterable[Entry]:
    """Return the entries of `containers`."""
    return source.once(_entries).values()


def _entries(source: Source) -> Mapping[str, Entry]:
    return {name: Entry(source, name, data or {}) for name, data in source.section("containers").items()}


def entry_of(source: Source, name: str) -> Entry:
    """Return the entry of a container by its name; one that says nothing where there is none."""
    return source.once(_entries).get(name) or Entry(source, name, {})
