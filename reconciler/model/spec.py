"""Attributes: specs, their hashable values, and what a field may be marked as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

V = TypeVar("V")


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
