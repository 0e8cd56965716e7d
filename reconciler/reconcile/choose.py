"""What of all changes a run is about, and what forbids it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.errors import Usage
from reconciler.kinds.base import Kind
from reconciler.model import Action, Changes, How, ResourceKey, Topology


def check_keys(
    desired: Topology, observed: Topology, *, target: Collection[ResourceKey], replaced: Collection[ResourceKey]
) -> None:
    """Refuse keys that name nothing, or what is not ours to replace."""
    for key in (*target, *replaced):
        if key not in desired.resources and key not in observed.resources:
            raise Usage(f"{key}: there is no such resource, neither in the file nor on the host")
    for key in replaced:
        if key in desired.resources and not desired.resources[key].owned:
            raise Usage(f"{key}: it is declared external, and so not ours to replace")


def targeted(changes: Changes, target: Collection[ResourceKey]) -> Changes:
    """Keep the changes of the targets, of their parts, of all that these need, and of what falls with them."""
    chosen: set[ResourceKey] = set()
    todo = [key for key, each in changes.by_key.items() if key in target or each.resource.part_of in target]
    falling = _falling(changes)
    while todo:
        key = todo.pop()
        if key not in chosen and key in changes.by_key:
            chosen.add(key)
            todo += [need.key for need in changes.by_key[key].resource.needs]
            todo += falling[key]
    kept = {key: each for key, each in changes.by_key.items() if key in chosen}
    return replace(changes, by_key=MappingProxyType(kept))


def _falling(changes: Changes) -> Mapping[ResourceKey, list[ResourceKey]]:
    """What has to change as well where a resource is unmade: what stands on it, or refers to it."""
    found: dict[ResourceKey, list[ResourceKey]] = defaultdict(list)
    for change in changes.pending:
        for need in change.observed.needs if change.observed else ():
            ground = changes.by_key.get(need.key)
            if need.how is not How.AFTER and ground and ground.action in (Action.REPLACE, Action.DELETE):
                found[need.key].append(change.key)
    return found


def missing_externals(changes: Changes) -> list[str]:
    """Tell what is declared external and is not there."""
    return [
        f"{each.key}: declared external, but there is none: make it, or take `external` out"
        for each in changes.pending
        if each.desired and not each.desired.owned and each.observed is None
    ]


def irreplaceable(changes: Changes, *, kinds: Mapping[str, Kind], asked: Collection[ResourceKey]) -> list[str]:
    """Tell what would be replaced though its kind is only replaced when asked for."""
    return [
        f"{each.key}: {', '.join(sorted(each.paths))} cannot be changed in place, and a {each.key.kind} is never"
        f" replaced: leave it as it is, declare it external, or ask for `--replace {each.key}`"
        for each in changes.pending
        if each.action is Action.REPLACE and not kinds[each.key.kind].replaceable and each.key not in asked
    ]
