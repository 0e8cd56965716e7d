"""What differs between a desired and an observed topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from reconciler.model.resource import Resource, ResourceKey, Topology
from reconciler.secret import MARKER
from reconciler.value import dataclass


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

    def __repr__(self) -> str:
        sides = (MARKER if self.secret and value else repr(value) for value in (self.observed, self.desired))
        return f"FieldChange({self.path!r}, {', '.join(sides)}, forces={self.forces})"


@dataclass(frozen=True)
class Change:
    """The difference of one resource.

    `if_changed` names the resources whose steps decide, when they run, whether this change is needed at all.
    `contents` says of a replacement what becomes of what is in the old one.
    """

    key: ResourceKey
    action: Action
    reason: str = ""
    desired: Resource | None = None
    observed: Resource | None = None
    fields: tuple[FieldChange, ...] = ()
    if_changed: tuple[ResourceKey, ...] = ()
    contents: str = ""

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

    @cached_property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are not no-ops."""
        return tuple(each for each in self if each.action is not Action.NOOP)
