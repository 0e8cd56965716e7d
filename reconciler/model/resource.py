"""What there is or should be: resources with their keys, needs and claims, and topologies of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reconciler.model.spec import Spec
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

T = TypeVar("T")


class ResourceKey(NamedTuple):
    """`kind/name`, the only identity in the program."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def of(cls, text: str) -> ResourceKey:
        """Read `kind/name`; a ValueError if it is not of that form."""
        kind, slash, name = text.partition("/")
        if not (kind and slash and name):
            raise ValueError(f"{text!r} is not of the form kind/name")
        return cls(kind, name)


HOST = ResourceKey("host", "host")
"""The key that stands for the host as a node; there is no such resource."""


class How(StrEnum):
    """In which way a resource depends on another."""

    STANDS_ON = "stands on"
    REFERS = "refers to"
    AFTER = "after"


class Need(NamedTuple):
    """What a resource depends on; `via` is the attribute that says so, `condition` what to wait for."""

    key: ResourceKey
    via: str
    how: How = How.STANDS_ON
    condition: str = ""


def reached(starts: Iterable[T], beyond: Callable[[T], Iterable[T]]) -> set[T]:
    """Return the starts, and what is beyond them, be it over others."""
    found: set[T] = set()
    todo = list(starts)
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += beyond(each)
    return found


_INTERVAL = attrgetter("scope", "low", "high")


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What only one may hold at a time: the interval low…high (both included) in a scope.

    An observed claim that is `chosen` by the host is held until its resource is replaced or deleted.
    """

    scope: str
    low: int = 0
    high: int = 0
    label: str = field(default="", compare=False)
    chosen: bool = field(default=False, compare=False)

    def overlaps(self, other: Claim) -> bool:
        """Tell whether both cannot be held at once."""
        return self.scope == other.scope and self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        return self.label or self.scope

    @staticmethod
    def in_order(claims: Iterable[Claim]) -> tuple[Claim, ...]:
        """Return claims sorted, each once; as tuples they are compared much faster than by themselves."""
        found: dict[tuple[str, int, int], Claim] = {}
        for each in claims:
            found.setdefault(_INTERVAL(each), each)
        return tuple(found[interval] for interval in sorted(found))

    @staticmethod
    def by_scope(claims: Iterable[Claim]) -> Mapping[str, list[Claim]]:
        """Return claims by their scopes, within which alone they overlap."""
        found: dict[str, list[Claim]] = defaultdict(list)
        for each in claims:
            found[each.scope].append(each)
        return dict(found)


@dataclass(frozen=True)
class Resource:
    """One thing, desired or observed.

    `part_of` is the resource under which a person reads it, `ready` the condition for which apply waits at its
    end. Never compared: `live` is what a host tells people and programs beyond the spec (ids, addresses, ports),
    `handle` what only a step needs to find the thing again, and may be of any shape.
    """

    key: ResourceKey
    spec: Spec
    needs: tuple[Need, ...] = ()
    claims: tuple[Claim, ...] = ()
    owned: bool = True
    part_of: ResourceKey | None = None
    ready: str = ""
    live: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False, hash=False)
    handle: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, hash=False, repr=False
    )


DEFAULT_FILE = "topology.yaml"
"""The file that is meant where none is named."""
STANDARD_INPUT = "-"
"""What names standard input where a file is named."""


@dataclass(frozen=True)
class Topology:
    """A set of resources, desired or observed.

    `unavailable` maps the kinds that could not be observed to the reason; `lacking` tells of desired resources what
    the host would have to have for them and has not; `source` names the file, `digest` its content. Where nothing
    observed has a mark of ours, `beside` names the topologies that were made from the same file.
    """

    name: str
    resources: Mapping[ResourceKey, Resource] = field(default_factory=lambda: MappingProxyType({}))
    unavailable: Mapping[str, ReconcilerError] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    source: str = field(default="", compare=False)
    digest: str = field(default="", compare=False)
    lacking: tuple[tuple[ResourceKey, str], ...] = field(default=(), compare=False)
    beside: tuple[str, ...] = field(default=(), compare=False)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources.values())

    def __len__(self) -> int:
        return len(self.resources)

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of one kind."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for each in self:
            found[each.key.kind].append(each)
        return {kind: tuple(resources) for kind, resources in found.items()}
