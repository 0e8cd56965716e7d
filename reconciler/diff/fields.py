"""Which attributes of a resource differ; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
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


def field_changes(desired: Resource, observed: Resource, kind: Kind) -> Iterator[FieldChange]:
    """Yield the attributes in which a resource differs, nested ones by their path."""
    for path, have, want, hidden in differences(desired.spec, observed.spec):
        forces = not kind.mutable(path, observed, desired)
        yield FieldChange(path, have, want, forces=forces, secret=hidden)


def differences(
    desired: Spec, observed: Spec, prefix: str = "", *, hidden: bool = False
) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield (path, observed, desired, secret) of what differs between two specs of one type."""
    if desired == observed:
        return
    for name, is_chosen, is_secret in _compared(type(desired)):  # type: ignore[arg-type] # a class can be hashed
        want, have = getattr(desired, name), getattr(observed, name)
        if want != have and not (want is None and is_chosen):
            yield from _descend(f"{prefix}{name}", have, want, hidden or is_secret)


@cache
def _compared(spec: type[Spec]) -> tuple[tuple[str, bool, bool], ...]:
    """The fields of a class of specs that are compared, and which of them are chosen by the host, and secret."""
    return tuple(
        (each.name, "chosen" in each.metadata, "secret" in each.metadata)
        for each in fields(spec)
        if "uncompared" not in each.metadata
    )


def _descend(path: str, have: Any, want: Any, hidden: bool) -> Iterator[tuple[str, Any, Any, bool]]:
    if isinstance(want, FrozenMap) and isinstance(have, FrozenMap):
        for key in sorted({*want, *have}):
            yield from _descend(f"{path}.{key}", have.get(key, ABSENT), want.get(key, ABSENT), hidden)
    elif isinstance(want, Spec) and type(want) is type(have):
        yield from differences(want, have, f"{path}.", hidden=hidden)
    elif want != have:
        yield path, have, want, hidden or has_secret(have) or has_secret(want)
