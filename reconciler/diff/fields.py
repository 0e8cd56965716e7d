"""Which attributes of a resource differ; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from reconciler.kinds.base import Kind
from reconciler.model import (
    FieldChange,
    FrozenMap,
    Resource,
    Spec,
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
    for each in fields(desired):
        want, have = getattr(desired, each.name), getattr(observed, each.name)
        if want == have or "uncompared" in each.metadata or (want is None and "chosen" in each.metadata):
            continue
        yield from _descend(f"{prefix}{each.name}", have, want, hidden or "secret" in each.metadata)


def _descend(path: str, have: Any, want: Any, hidden: bool) -> Iterator[tuple[str, Any, Any, bool]]:
    if isinstance(want, FrozenMap) and isinstance(have, FrozenMap):
        for key in sorted({*want, *have}):
            if want.get(key, ABSENT) != have.get(key, ABSENT):
                yield from _descend(f"{path}.{key}", have.get(key, ABSENT), want.get(key, ABSENT), hidden)
    elif isinstance(want, Spec) and type(want) is type(have):
        yield from differences(want, have, f"{path}.", hidden=hidden)
    else:
        yield path, have, want, hidden
