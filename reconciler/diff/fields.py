"""Which attributes of a resource differ; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from reconciler.kinds.base import Kind
from reconciler.model import (
    FieldChange,
    FrozenMap,
    Resource,
    Spec,
    has_secret,
)

ABSENT = None
"""What stands in a field change for an entry that one side does not have."""
Difference = tuple[str, Any, Any, bool]


def field_changes(desired: Resource, observed: Resource, kind: Kind) -> tuple[FieldChange, ...]:
    """Return the attributes in which a resource differs, nested ones by their path."""
    return tuple(
        FieldChange(path, have, want, forces=not kind.mutable(path, observed, desired), secret=hidden)
        for path, have, want, hidden in differences(desired.spec, observed.spec)
    )


def differences(desired: Spec, observed: Spec) -> Iterable[Difference]:
    """Return (path, observed, desired, secret) of what differs between two specs of one type."""
    return () if desired == observed else _attributes(desired, observed, "", hidden=False)


def _attributes(desired: Spec, observed: Spec, prefix: str, *, hidden: bool) -> Iterator[Difference]:
    compared, values = _compared(type(desired))  # type: ignore[arg-type] # a class can be hashed
    for (name, is_chosen, is_secret), want, have in zip(compared, values(desired), values(observed), strict=True):
        if want != have and not (want is None and is_chosen):
            yield from _descend(f"{prefix}{name}", have, want, hidden or is_secret)


@cache
def _compared(spec: type[Spec]) -> tuple[Sequence[tuple[str, bool, bool]], Callable[[Spec], tuple[Any, ...]]]:
    """The fields of a class of specs that are compared, which are chosen by the host, and secret; how to read them."""
    found = [each for each in fields(spec) if "uncompared" not in each.metadata]
    names = [each.name for each in found]
    read = attrgetter(*names) if len(names) > 1 else lambda spec: tuple(getattr(spec, each) for each in names)
    return [(each.name, "chosen" in each.metadata, "secret" in each.metadata) for each in found], read


def _descend(path: str, have: Any, want: Any, hidden: bool) -> Iterator[Difference]:
    """Yield what differs of two values that do."""
    if isinstance(want, FrozenMap) and isinstance(have, FrozenMap):
        for key in sorted({*want, *have}):
            mine, theirs = want.get(key, ABSENT), have.get(key, ABSENT)
            if mine != theirs:
                yield from _descend(f"{path}.{key}", theirs, mine, hidden)
    elif isinstance(want, Spec) and type(want) is type(have):
        yield from _attributes(want, have, f"{path}.", hidden=hidden)
    else:
        yield path, have, want, hidden or has_secret(have) or has_secret(want)
