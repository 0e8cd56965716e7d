"""Attributes: specs, their hashable values, and what a field may be marked as."""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterator, Mapping, ValuesView
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from reconciler.secret import Secret
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.model.resource import Resource

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

    def values(self) -> ValuesView[V]:
        """The values; this view and the next are the dictionary's own, which is much faster than by single keys."""
        return self._items.values()

    def items(self) -> ItemsView[str, V]:
        """The pairs."""
        return self._items.items()

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, FrozenMap) else other)

    def __repr__(self) -> str:
        return f"FrozenMap({self._items!r})"


EMPTY: FrozenMap[Any] = FrozenMap()


@dataclass(frozen=True)
class Spec:
    """The attributes of a resource; hashable; an undeclared field holds its default.

    What derives from it is declared with `reconciler.value.dataclass(frozen=True)`.
    """

    within: ClassVar[bool] = False
    """Whether a person reads them as those of the resource that theirs is a part of."""

    @classmethod
    def of(cls, resource: Resource) -> Self:
        """Return the spec of a resource whose kind has this class for its specs."""
        assert isinstance(resource.spec, cls)  # noqa: S101 - a kind is given its own resources
        return resource.spec

    def said(self, path: str) -> str:
        """Say in words that an attribute differs, where its values tell a person nothing; empty where they do."""
        del path
        return ""


def chosen(default: Any = None) -> Any:
    """Mark a field that the host chooses for each object: None in a desired spec is not compared."""
    return field(default=default, metadata={"chosen": True})


def uncompared(default: Any = None) -> Any:
    """Mark a field that a step needs and a diff does not compare."""
    return field(default=default, metadata={"uncompared": True})


def secret(default: Any = EMPTY) -> Any:
    """Mark a field whose values never appear in plans, reports or logs."""
    return field(default=default, metadata={"secret": True})


def has_secret(value: Any) -> bool:
    """Tell whether there is a secret anywhere in a value."""
    return isinstance(value, Secret) or any(True for _ in secret_paths(value))


def secret_paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where in a spec there are secrets: the names of fields and of entries; a list counts as a whole."""
    if isinstance(value, Secret):
        yield path
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from secret_paths(each, (*path, str(name)))
    elif isinstance(value, Spec):
        for each in fields(value):
            yield from secret_paths(getattr(value, each.name), (*path, each.name))
    elif isinstance(value, tuple | list | frozenset) and any(map(has_secret, value)):
        yield path


def with_secret(value: Any, path: tuple[str, ...]) -> Any:
    """Return a value in which what stands at a path is secret; what has nothing there is as it was."""
    if not path:
        return _secret(value)
    name, *rest = path
    if isinstance(value, FrozenMap) and name in value:
        return FrozenMap({**value, name: with_secret(value[name], tuple(rest))})
    if isinstance(value, Spec) and hasattr(value, name):
        return replace(value, **{name: with_secret(getattr(value, name), tuple(rest))})
    return value


def spelled(value: Any) -> str:
    """Return the text of a value letter by letter, secrets included, for digests: `repr` does not tell those."""
    if isinstance(value, str):
        return repr(str.__str__(value))
    if isinstance(value, Spec):
        told = (f"{each.name}={spelled(getattr(value, each.name))}" for each in fields(value))
        return f"{type(value).__qualname__}({', '.join(told)})"
    if isinstance(value, FrozenMap):
        return f"FrozenMap({{{', '.join(f'{spelled(name)}: {spelled(each)}' for name, each in value.items())}}})"
    if isinstance(value, tuple):
        return f"({', '.join(map(spelled, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(spelled, value))}]"
    if isinstance(value, Collection) and not isinstance(value, bytes):
        raise TypeError(f"what is in a {type(value).__name__} would not be spelled")
    return repr(value)


def _secret(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_secret, value))
    return Secret(value) if isinstance(value, str) else value
