"""What forbids a run, or a step of it, before the first one is taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.errors import EngineForbidden, HostRefuses, NotPermitted, ReconcilerError, Usage
from reconciler.host import Host
from reconciler.host.engine.errors import EngineRefuses
from reconciler.host.privilege import missing, remedy
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, ResourceKey, Topology
from reconciler.reconcile.adopt import by_which, is_adopted
from reconciler.reconcile.hints import hint_for


def check_keys(
    desired: Topology, observed: Topology, *, target: Collection[ResourceKey], replaced: Collection[ResourceKey]
) -> None:
    """Refuse keys that name nothing, or what is not ours to replace."""
    for key in (*target, *replaced):
        if key not in desired.resources and key not in observed.resources:
            hint = hint_for(key, {**desired.resources, **observed.resources})
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


def perhaps_there(changes: Changes, host: Host, declared: Topology) -> Iterator[ReconcilerError]:
    """Say why a topology of which the name alone is known cannot be looked at whole: else half of it would go.

    What may not be looked at is refused only where something of ours may be there.
    """
    for error in changes.observed.unavailable.values() if declared.is_name_alone else ():
        refused = isinstance(error, EngineForbidden | EngineRefuses)
        if refused or (isinstance(error, HostRefuses) and host.may_hold(declared.name)):
            yield error


def not_permitted(changes: Changes, *, kinds: Mapping[str, Kind]) -> Iterator[NotPermitted]:
    """Say before the first step what of it this process may not do, and which capabilities that takes."""
    found = {kind: missing(kinds[kind].privileges()) for kind in sorted({each.key.kind for each in changes.pending})}
    pending = [each.key for each in changes.pending if found[each.key.kind]]
    lacking = sorted({name for names in found.values() for name in names})
    if pending:
        few = _few(pending)
        yield NotPermitted(f"{few}: changing what is in the kernel is not permitted: {remedy(lacking)}")
