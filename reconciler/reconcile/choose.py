"""What of all changes a run is about; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, How, Need, ResourceKey, Topology, Verb, reached


def externals(topology: Topology) -> Topology:
    """Return what of a topology is external, but for what is within something of ours."""
    found = {
        key: each
        for key, each in topology.resources.items()
        if not each.owned and not any(_is_ours(topology, need.key) for need in each.needs)
    }
    return Topology(topology.name, MappingProxyType(found), source=topology.source)


def _is_ours(topology: Topology, key: ResourceKey) -> bool:
    return key in topology.resources and topology.resources[key].owned


def there(desired: Topology, observed: Topology) -> Topology:
    """Return of what is desired that which is there."""
    found = {key: each for key, each in desired.resources.items() if key in observed.resources}
    return replace(desired, resources=MappingProxyType(found))


def targeted(changes: Changes, target: Collection[ResourceKey], *, kinds: Mapping[str, Kind]) -> Changes:
    """Keep the changes of the targets, of their parts, of all that these need, and of what falls or fell with them."""
    todo = {key for key, each in changes.by_key.items() if key in target or each.resource.part_of in target}
    return _only(changes, todo, kinds)


def rested(changes: Changes, resting: Collection[ResourceKey], *, kinds: Mapping[str, Kind]) -> Changes:
    """Leave alone what rests, and what is to be made of that which needs it or waits for it.

    What falls with the others is not left alone. For what is as it should be nothing that it needs has to be done.
    """
    starts = [each.key for each in changes.pending if _is_of(each, resting) or _waits_for(each, resting)]
    if not starts:
        return changes
    above: dict[ResourceKey, list[ResourceKey]] = defaultdict(list)
    for each in changes.pending:
        for need in _wanted(each):
            above[need.key].append(each.key)
    left = reached(starts, above.__getitem__)
    chosen = _only(changes, {each.key for each in changes.pending} - left, kinds).by_key
    still = {key: each for key, each in changes.by_key.items() if key in chosen or each.action is Action.NOOP}
    return replace(changes, by_key=MappingProxyType(still))


def _is_of(change: Change, keys: Collection[ResourceKey]) -> bool:
    return change.key in keys or change.resource.part_of in keys


def _waits_for(change: Change, keys: Collection[ResourceKey]) -> bool:
    return any(need.condition and need.key in keys for need in _wanted(change))


def _wanted(change: Change) -> Sequence[Need]:
    return change.desired.needs if change.desired else ()


def _only(changes: Changes, todo: Collection[ResourceKey], kinds: Mapping[str, Kind]) -> Changes:
    """Keep some changes, and those of all that they need and of what falls or fell with them."""
    falling = _falling(changes)
    chosen: set[ResourceKey] = set()
    fell: set[ResourceKey] = set()

    def along(key: ResourceKey) -> list[ResourceKey]:
        needed = (need.key for need in _wanted(changes.by_key[key]))  # what goes needs nothing any more
        return [*(each for each in needed if each in changes.by_key), *falling[key]]

    while todo:
        chosen |= reached(todo, along)
        todo = _fallen(changes, chosen, fell, kinds)
        fell |= todo
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


def _fallen(
    changes: Changes, chosen: Collection[ResourceKey], fell: Collection[ResourceKey], kinds: Mapping[str, Kind]
) -> set[ResourceKey]:
    """What lives within something that is brought up, or stood on what did, is gone, and finds all else it needs.

    Nobody can tell whether it was there before, or is new: either way it is what the file says of the chosen.
    """
    return {
        each.key
        for each in changes.pending
        if each.action is Action.CREATE
        and each.key not in chosen
        and any(need.key in fell or _is_within(each, need, changes, chosen, kinds) for need in _grounds(each))
        and all(need.key in chosen or _is_up(each, need, changes, kinds) for need in each.resource.needs)
    }


def _grounds(change: Change) -> Iterator[Need]:
    return (need for need in change.resource.needs if need.how is How.STANDS_ON)


def _is_within(
    change: Change, need: Need, changes: Changes, chosen: Collection[ResourceKey], kinds: Mapping[str, Kind]
) -> bool:
    """Tell whether a ground that is chosen and changes takes the resource along when it goes down."""
    ground = changes.by_key.get(need.key)
    changing = ground is not None and ground.key in chosen and ground.action is not Action.NOOP
    return ground is not None and changing and kinds[ground.key.kind].carries(Verb.DELETE, ground, change)


def _is_up(change: Change, need: Need, changes: Changes, kinds: Mapping[str, Kind]) -> bool:
    """Tell whether a need that is not chosen is there as it is."""
    ground = changes.by_key.get(need.key)
    if ground is None or ground.action is Action.NOOP:
        return ground is not None
    return ground.action is Action.UPDATE and not kinds[ground.key.kind].carries(Verb.DELETE, ground, change)
