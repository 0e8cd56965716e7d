"""Taking over what is not ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.claims import has_place_of
from reconciler.errors import Usage
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, Claim, Resource, ResourceKey, Topology
from reconciler.reconcile.hints import hint_for


def adopted(
    observed: Topology, desired: Topology, keys: Collection[ResourceKey], *, kinds: Mapping[str, Kind]
) -> Topology:
    """Take over what has the place of the given keys, with its parts: it is observed as ours, without our mark."""
    resources = dict(observed.resources)
    for key in keys:
        if key not in desired.resources:
            raise Usage(f"{key}: only what the file declares can be adopted{hint_for(key, desired.resources)}")
        if whole := kinds[key.kind].part_of:
            raise Usage(f"{key}: a {key.kind} goes with its {whole}, which alone can be adopted")
        found = next((each for each in resources.values() if has_place_of(each, desired.resources[key])), None)
        if found and key not in resources:
            parts = [each for each in resources.values() if each.part_of == found.key]
            for each in (found, *parts):
                del resources[each.key]
            resources[key] = _whole(key, found, parts)
    return replace(observed, resources=MappingProxyType(resources))


def _whole(key: ResourceKey, found: Resource, parts: Sequence[Resource]) -> Resource:
    """Return what is taken over with what its parts hold and need: they come and go with it."""
    needs = {need for each in (found, *parts) for need in each.needs if need.key not in (key, found.key)}
    claims = Claim.in_order(claim for each in (found, *parts) for claim in each.claims)
    return replace(found, key=key, owned=True, needs=tuple(sorted(needs)), claims=claims)


def not_adoptable(changes: Changes, *, kinds: Mapping[str, Kind]) -> list[str]:
    """Tell what is to be taken over, and can neither be marked as it is nor be replaced."""
    return [
        f"{each.key}: a {each.key.kind} that is not ours cannot be taken over, since it would have to be"
        f" replaced{by_which(each)}: declare it external"
        for each in changes.pending
        if is_adopted(each) and each.action is Action.REPLACE and not kinds[each.key.kind].replaceable
    ]


def by_which(change: Change) -> str:
    """Say what becomes of what is in something that is replaced."""
    return change.contents and f", by which {change.contents}"


def not_returnable(before: Topology, observed: Topology) -> list[str]:
    """Tell what is taken over: going back would leave it with our mark, or in the place of what was replaced."""
    return [
        f"{key}: what it is to take over from others cannot be given back to them: leave out `--on-failure revert`"
        for key in sorted(observed.resources.keys() - before.resources.keys())
    ]


def nothing_to_adopt(changes: Changes, keys: Collection[ResourceKey], *, kinds: Mapping[str, Kind]) -> list[str]:
    """Tell what is to be taken over as it is, by its name, and is not there.

    What is replaced for that may be gone already, by a run that did not come to its end.
    """
    return [
        f"{key}: nothing that could be adopted has its name or place: leave out `--adopt {key}`"
        for key in keys
        if key in changes.by_key and changes.by_key[key].observed is None and "engine" not in kinds[key.kind].uses
        if getattr(changes.desired.resources[key].spec, "name", "")
    ]


def is_adopted(change: Change) -> bool:
    """Tell whether a change takes over what has no mark of ours."""
    return "marked" in change.paths
