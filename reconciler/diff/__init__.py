"""Compare desired with observed, attribute by attribute; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.diff.carry_over import both_ours, cascade, evicted
from reconciler.diff.fields import field_changes
from reconciler.diff.order import in_order_of_needs
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, FieldChange, Resource, ResourceKey, Topology

NOT_DECLARED = "not declared"
_ASKED_FOR = "asked for"


def diff(
    desired: Topology,
    observed: Topology,
    *,
    kinds: Mapping[str, Kind],
    keep: Collection[str] = (),
    force: Collection[ResourceKey] = (),
    reason: str = NOT_DECLARED,
) -> Changes:
    """Compare two topologies; kinds in `keep` are not deleted, keys of ours in `force` are replaced in any case.

    `reason` is what is said of that which is deleted.
    """
    keys = sorted({*desired.resources, *observed.resources} - unseen(desired, observed))
    by_key: dict[ResourceKey, Change] = {}
    for key in keys:
        want, have = desired.resources.get(key), observed.resources.get(key)
        if want is not None:
            by_key[key] = _change(want, have, kinds)
        elif have is not None and have.owned and key.kind not in keep:
            by_key[key] = Change(key, Action.DELETE, reason, None, have)
    for key in force:
        if key in by_key and both_ours(by_key[key]):
            by_key[key] = replace(by_key[key], action=Action.REPLACE, reason=_ASKED_FOR)
    return Changes(desired, observed, _followed(evicted(by_key), kinds))


def promoted(changes: Changes, keys: Collection[ResourceKey], *, kinds: Mapping[str, Kind]) -> Changes:
    """Return the changes with those of some resources turned into replacements in any case."""
    reason = "cannot be changed in any other order"
    turned = {key: replace(changes.by_key[key], action=Action.REPLACE, reason=reason, if_changed=()) for key in keys}
    return replace(changes, by_key=_followed({**changes.by_key, **turned}, kinds))


def _followed(by_key: Mapping[ResourceKey, Change], kinds: Mapping[str, Kind]) -> Mapping[ResourceKey, Change]:
    """Carry changes over to what they mean something for, and say of all replacements what becomes of the contents."""
    found = cascade(by_key, kinds=kinds)
    for key, change in found.items():
        if change.action is Action.REPLACE and change.observed:
            found[key] = replace(change, contents=kinds[key.kind].contents(change.observed))
    return MappingProxyType(found)


def _change(want: Resource, have: Resource | None, kinds: Mapping[str, Kind]) -> Change:
    if have is None:
        return Change(want.key, Action.CREATE, "absent", want, None)
    found = field_changes(want, have, kinds[want.key.kind]) if want.owned else ()
    return Change(want.key, _action(found), "", want, have, found)


def unseen(desired: Topology, observed: Topology) -> set[ResourceKey]:
    """Return the declared keys of the kinds that could not be observed, and of all that needs them."""
    found: set[ResourceKey] = set()
    if any(map(desired.of_kind, observed.unavailable)):
        for key in in_order_of_needs(desired.resources):
            needs = desired.resources[key].needs
            if key.kind in observed.unavailable or any(need.key in found for need in needs):
                found.add(key)
    return found


def _action(found: tuple[FieldChange, ...]) -> Action:
    if not found:
        return Action.NOOP
    return Action.REPLACE if any(each.forces for each in found) else Action.UPDATE


__all__ = ["diff", "in_order_of_needs", "promoted", "unseen"]
