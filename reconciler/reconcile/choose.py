"""What of all changes a run is about, and what forbids it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.errors import HostRefuses, NotPermitted, Usage
from reconciler.host import Host
from reconciler.host.privilege import missing, remedy
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, How, Need, ResourceKey, Topology, Verb, reached
from reconciler.reconcile.adopt import by_which, is_adopted
from reconciler.reconcile.alike import alike


def check_keys(
    desired: Topology, observed: Topology, *, target: Collection[ResourceKey], replaced: Collection[ResourceKey]
) -> None:
    """Refuse keys that name nothing, or what is not ours to replace."""
    for key in (*target, *replaced):
        if key not in desired.resources and key not in observed.resources:
            hint = alike(key, {**desired.resources, **observed.resources})
            raise Usage(f"{key}: there is no such resource, neither in the file nor on the host{hint}")
    for key in replaced:
        if not (desired.resources.get(key) or observed.resources[key]).owned:
            why = "declared external, and so " if key in desired.resources else ""
            raise Usage(f"{key}: it is {why}not ours to replace")


def check_within(changes: Changes, chosen: Changes, replaced: Collection[ResourceKey]) -> None:
    """Refuse to replace what the targets leave out of all changes."""
    for key in replaced:
        if key in changes.by_key and key not in chosen.by_key:
            raise Usage(f"{key}: it is to be replaced, and --target leaves it out: name it there as well")


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


def missing_externals(changes: Changes, *, kinds: Mapping[str, Kind]) -> list[str]:
    """Tell what is declared external and is not there; a part of what is missing itself is not worth a word."""
    missing = {
        each.key: each.resource.part_of
        for each in changes.pending
        if each.desired and not each.desired.owned and each.observed is None
    }
    return [f"{whole or key}: {kinds[key.kind].missing}" for key, whole in missing.items() if whole not in missing]


def lacking(changes: Changes) -> list[str]:
    """Tell what the host would have to have for what is pending, and has not."""
    pending = {each.key for each in changes.pending}
    return [f"{key}: {said}" for key, said in changes.observed.lacking if key in pending]


def irreplaceable(changes: Changes, *, kinds: Mapping[str, Kind], asked: Collection[ResourceKey]) -> list[str]:
    """Tell what would be replaced though its kind is only replaced when asked for."""
    return [
        f"{each.key}: {', '.join(sorted(each.paths))} cannot be changed in place, and a {each.key.kind} is never"
        f" replaced: {_kept_by(each)}, declare it external, or ask for `--replace {each.key}`{by_which(each)}"
        for each in changes.pending
        if each.action is Action.REPLACE and not kinds[each.key.kind].replaceable
        if each.key not in asked and not is_adopted(each)
    ]


def _kept_by(change: Change) -> str:
    """Say what of the file leaves something as it is."""
    name = next((each.observed for each in change.fields if each.path == "name"), "")
    return f"write `name: {name}`" if name else "leave it as it is"


def not_supported(changes: Changes, host: Host, *, kinds: Mapping[str, Kind]) -> Iterator[HostRefuses]:
    """Say before the first step which links are to be made of a type that this kernel does not have."""
    made: dict[str, list[ResourceKey]] = defaultdict(list)
    for each in changes.pending:
        if each.action in (Action.CREATE, Action.REPLACE) and (link := kinds[each.key.kind].link):
            made[link].append(each.key)
    for link, keys in sorted(made.items()):
        if host.lacks(link):
            yield HostRefuses(f"{_few(keys)}: this kernel has no {link}: `modprobe {link}`, or boot one that has it")


def hindered(changes: Changes, *, kinds: Mapping[str, Kind]) -> Iterator[HostRefuses]:
    """Say before the first step what of it this host lets nobody do."""
    found: dict[tuple[str, Action], list[ResourceKey]] = defaultdict(list)
    for each in changes.pending:
        found[each.key.kind, each.action].append(each.key)
    for (kind, action), keys in sorted(found.items()):
        if why := kinds[kind].hindrance(action):
            yield HostRefuses(f"{_few(keys)}: {why}")


def _few(keys: Sequence[ResourceKey]) -> str:
    return f"{keys[0]} and {len(keys) - 1} more" if len(keys) > 1 else str(keys[0])


def not_permitted(changes: Changes, *, kinds: Mapping[str, Kind]) -> Iterator[NotPermitted]:
    """Say before the first step what of it this process may not do, and which capabilities that takes."""
    found = {kind: missing(kinds[kind].privileges()) for kind in sorted({each.key.kind for each in changes.pending})}
    pending = [each.key for each in changes.pending if found[each.key.kind]]
    lacking = sorted({name for names in found.values() for name in names})
    if pending:
        few = _few(pending)
        yield NotPermitted(f"{few}: changing what is in the kernel is not permitted: {remedy(lacking)}")
