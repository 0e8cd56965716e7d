"""Taking over what is not ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from reconciler.errors import Usage
from reconciler.model import Resource, ResourceKey, Topology

_MARKED: Mapping[str, Any] = MappingProxyType({"marked": True})


def adopted(observed: Topology, desired: Topology, keys: Collection[ResourceKey]) -> Topology:
    """Take over what has the place of the given keys: it is observed as ours, without our mark."""
    resources = dict(observed.resources)
    for key in keys:
        if key not in desired.resources:
            raise Usage(f"{key}: only what the file declares can be adopted")
        found = next((each for each in observed if _same_name(each, desired.resources[key])), None)
        if found and key not in resources:
            del resources[found.key]
            resources[key] = replace(found, key=key, owned=True)
    return replace(observed, resources=MappingProxyType(resources))


def still_adopted(former: Topology, now: Topology, keys: Collection[ResourceKey]) -> Topology:
    """What was adopted stays ours, as it was otherwise; what was not yet is none of our business."""
    resources = dict(former.resources)
    for key in set(keys) & resources.keys():
        was = resources.pop(key)
        if key in now.resources or not any(_same_name(each, was) for each in now):
            resources[key] = replace(was, spec=replace(was.spec, **_MARKED))
    return replace(former, resources=MappingProxyType(resources))


def _same_name(foreign: Resource, wanted: Resource) -> bool:
    """Tell whether this is what has the place of the wanted: its live name, or, where a kind has none, its claims."""
    if foreign.owned or foreign.key.kind != wanted.key.kind or not foreign.key.name.startswith("@"):
        return False
    name = getattr(wanted.spec, "name", "")
    if name:
        return foreign.key.name == f"@{name}"
    return any(theirs.overlaps(ours) for theirs in foreign.claims for ours in wanted.claims)
