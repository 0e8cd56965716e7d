"""The nouns: immutable values without behaviour beyond properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import networkx

    from reconciler.errors import ReconcilerError

V = TypeVar("V")
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
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


class FrozenMap(Mapping[str, V], Generic[V]):
    """A hashable mapping with sorted keys, for specs."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, V] | None = None) -> None:
        self._items: dict[str, V] = {key: items[key] for key in sorted(items)} if items else {}

    def __getitem__(self, key: str) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, FrozenMap) else other)

    def __repr__(self) -> str:
        return f"FrozenMap({self._items!r})"


EMPTY: FrozenMap[Any] = FrozenMap()


@dataclass(frozen=True)
class Spec:
    """The attributes of a resource; hashable; an undeclared field holds its default."""


def chosen() -> Any:
    """Mark a field that the host chooses for each object: None in a desired spec is not compared."""
    return field(default=None, metadata={"chosen": True})


def uncompared(default: Any = None) -> Any:
    """Mark a field that a step needs and a diff does not compare."""
    return field(default=default, metadata={"uncompared": True})


def secret(default: Any = EMPTY) -> Any:
    """Mark a field whose values never appear in plans, reports or logs."""
    return field(default=default, metadata={"secret": True})


class How(StrEnum):
    """In which way a resource depends on another."""

    STANDS_ON = "stands on"
    REFERS = "refers to"
    AFTER = "after"


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """What a resource depends on; `via` is the attribute that says so, `condition` what to wait for."""

    key: ResourceKey
    via: str
    how: How = How.STANDS_ON
    condition: str = ""


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


@dataclass(frozen=True)
class Resource:
    """One thing, desired or observed.

    `part_of` is the resource under which a person reads it, `ready` the condition for which apply waits at its
    end, `live` what a host tells beyond the spec (ids, indexes, addresses), which is never compared.
    """

    key: ResourceKey
    spec: Spec
    needs: tuple[Need, ...] = ()
    claims: tuple[Claim, ...] = ()
    owned: bool = True
    part_of: ResourceKey | None = None
    ready: str = ""
    live: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False, hash=False)


@dataclass(frozen=True)
class Topology:
    """A set of resources, desired or observed.

    `unavailable` maps the kinds that could not be observed to the reason, `source` names the file, `digest` its
    content.
    """

    name: str
    resources: Mapping[ResourceKey, Resource] = field(default_factory=lambda: MappingProxyType({}))
    unavailable: Mapping[str, ReconcilerError] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    source: str = field(default="", compare=False)
    digest: str = field(default="", compare=False)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources.values())

    def __len__(self) -> int:
        return len(self.resources)

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of one kind."""
        return tuple(each for each in self if each.key.kind == kind)


class Action(StrEnum):
    """What becomes of a resource."""

    NOOP = "no-op"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute that differs; `forces` tells that it cannot be changed in place."""

    path: str
    observed: Any
    desired: Any
    forces: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Change:
    """The difference of one resource.

    `if_changed` names the resources whose steps decide, when they run, whether this change is needed at all.
    """

    key: ResourceKey
    action: Action
    reason: str = ""
    desired: Resource | None = None
    observed: Resource | None = None
    fields: tuple[FieldChange, ...] = ()
    if_changed: tuple[ResourceKey, ...] = ()

    @property
    def resource(self) -> Resource:
        """The desired resource, or the observed one where none is desired."""
        found = self.desired or self.observed
        assert found is not None  # noqa: S101 - a change has at least one side by construction
        return found

    @property
    def paths(self) -> frozenset[str]:
        """The top-level names of the attributes that differ."""
        return frozenset(each.path.partition(".")[0] for each in self.fields)


@dataclass(frozen=True)
class Changes:
    """All differences between a desired and an observed topology, no-ops included, sorted by key."""

    desired: Topology
    observed: Topology
    by_key: Mapping[ResourceKey, Change]

    def __iter__(self) -> Iterator[Change]:
        return iter(self.by_key.values())

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are not no-ops."""
        return tuple(each for each in self if each.action is not Action.NOOP)


class Verb(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, order=True)
class StepKey:
    """The identity of a step within a plan."""

    key: ResourceKey
    verb: Verb
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.key}" + (f" ({self.condition})" if self.condition else "")


@dataclass(frozen=True)
class Step:
    """One call; `carries` holds the changes that it carries out along with its own, `carried_by` the converse."""

    key: StepKey
    change: Change
    carries: tuple[Change, ...] = ()
    carried_by: StepKey | None = None

    @property
    def verb(self) -> Verb:
        """What the step does."""
        return self.key.verb


@dataclass(frozen=True)
class Plan:
    """The steps and their order: a directed acyclic graph whose nodes are step keys."""

    changes: Changes
    steps: Mapping[StepKey, Step]
    graph: networkx.DiGraph[StepKey]

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def ordered(self) -> tuple[Step, ...]:
        """The steps in one deterministic order that respects every edge."""
        import networkx

        return tuple(self.steps[key] for key in networkx.lexicographical_topological_sort(self.graph))


class Status(StrEnum):
    """What became of a step."""

    DONE = "done"
    UNCHANGED = "unchanged"
    NOT_NEEDED = "not needed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of a step; `cause` is the failed step on whose account it was skipped."""

    step: Step
    status: Status
    error: ReconcilerError | None = None
    cause: StepKey | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What became of all steps, and what still differs after looking again."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    remaining: tuple[Change, ...] = ()
    reverted: Report | None = None
    interrupted: int = 0

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes of the steps that failed."""
        return tuple(each for each in self.outcomes if each.status is Status.FAILED)

    @property
    def converged(self) -> bool:
        """Tell whether every step succeeded and nothing differs any more."""
        return not self.remaining and all(each.status not in (Status.FAILED, Status.SKIPPED) for each in self.outcomes)
