"""Compare desired with observed, attribute by attribute; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from reconciler.claims import Held, held_by_chance, taken
from reconciler.kinds.base import Kind
from reconciler.model import (
    Action,
    Change,
    Changes,
    FieldChange,
    FrozenMap,
    How,
    Need,
    Resource,
    ResourceKey,
    Spec,
    Topology,
)

ABSENT = None
"""What stands in a field change for an entry that one side does not have."""


def diff(
    desired: Topology,
    observed: Topology,
    *,
    kinds: Mapping[str, Kind],
    keep: Collection[str] = (),
    force: Collection[ResourceKey] = (),
) -> Changes:
    """Compare two topologies; kinds in `keep` are not deleted, keys of ours in `force` are replaced in any case."""
    out_of_reach = _out_of_reach(desired, observed)
    keys = sorted({*desired.resources, *observed.resources} - out_of_reach)
    found = {key: _change(key, desired, observed, kinds=kinds, keep=keep) for key in keys}
    by_key = {key: change for key, change in found.items() if change is not None}
    for key in force:
        if key in by_key and _both_ours(by_key[key]):
            by_key[key] = replace(by_key[key], action=Action.REPLACE, reason="asked for")
    return Changes(desired, observed, MappingProxyType(cascade(_evicted(by_key), kinds=kinds)))


def promoted(changes: Changes, keys: Collection[ResourceKey], *, kinds: Mapping[str, Kind]) -> Changes:
    """Return the changes with those of some resources turned into replacements in any case."""
    reason = "cannot be changed in any other order"
    turned = {key: replace(changes.by_key[key], action=Action.REPLACE, reason=reason, if_changed=()) for key in keys}
    by_key = cascade({**changes.by_key, **turned}, kinds=kinds)
    return replace(changes, by_key=MappingProxyType(by_key))


def _both_ours(change: Change) -> bool:
    return bool(change.observed and change.desired and change.desired.owned)


def _change(
    key: ResourceKey, desired: Topology, observed: Topology, *, kinds: Mapping[str, Kind], keep: Collection[str]
) -> Change | None:
    want, have = desired.resources.get(key), observed.resources.get(key)
    if want is None:
        assert have is not None  # noqa: S101 - the key comes from one of the two
        doomed = have.owned and key.kind not in keep
        return Change(key, Action.DELETE, "not declared", None, have) if doomed else None
    if have is None:
        return Change(key, Action.CREATE, "absent", want, None)
    found = tuple(field_changes(want, have, kinds[key.kind])) if want.owned else ()
    return Change(key, _action(found), "", want, have, found)


def _out_of_reach(desired: Topology, observed: Topology) -> set[ResourceKey]:
    """The keys of kinds that could not be observed, and of all that needs them."""
    found: set[ResourceKey] = set()
    if observed.unavailable:
        for key in in_order_of_needs(desired.resources):
            needs = desired.resources[key].needs
            if key.kind in observed.unavailable or any(need.key in found for need in needs):
                found.add(key)
    return found


def _action(found: tuple[FieldChange, ...]) -> Action:
    if not found:
        return Action.NOOP
    return Action.REPLACE if any(each.forces for each in found) else Action.UPDATE


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


def _evicted(by_key: Mapping[ResourceKey, Change]) -> dict[ResourceKey, Change]:
    """Replace what holds by chance what another is to take; the other comes first, lest it be chosen again."""
    held = Held((claim, each.key) for each in by_key.values() for claim in held_by_chance(each))
    result = dict(by_key)
    for taker in by_key.values():
        for wanted in taken(taker):
            for claim, holder in held.overlapping(wanted):
                if holder != taker.key:
                    reason = f"holds {claim}, which {taker.key} takes"
                    result[holder] = _giving_way(result[holder], reason, taker, result)
    return result


def _giving_way(change: Change, reason: str, taker: Change, by_key: Mapping[ResourceKey, Change]) -> Change:
    desired = change.desired
    if desired and not _is_needed(change.key, taker, by_key):
        after = Need(taker.key, "", How.AFTER)
        desired = replace(desired, needs=tuple(sorted({*desired.needs, after})))
    return replace(change, action=Action.REPLACE, reason=reason, desired=desired)


def _is_needed(key: ResourceKey, start: Change, by_key: Mapping[ResourceKey, Change]) -> bool:
    """Tell whether one resource is needed by another, be it over others."""
    seen, todo = {start.key}, [start.key]
    while todo:
        change = by_key.get(todo.pop())
        below = {need.key for need in change.desired.needs} if change and change.desired else set()
        todo += sorted(below - seen)
        seen |= below
    return key in seen


def cascade(by_key: Mapping[ResourceKey, Change], *, kinds: Mapping[str, Kind]) -> dict[ResourceKey, Change]:
    """Carry what is made or replaced over to what stands on it (a replace) and refers to it (an update)."""
    result = dict(by_key)
    for key in in_order_of_needs({key: each.desired for key, each in by_key.items() if each.desired}):
        if _both_ours(result[key]):
            result[key] = _disturbed(result[key], _remade(result[key], result), kinds)
    return result


def _remade(change: Change, by_key: Mapping[ResourceKey, Change]) -> dict[How, list[Change]]:
    """The changes of those needs that are made anew, by the way in which they are needed."""
    assert change.desired is not None  # noqa: S101 - asked only of what is both desired and observed
    found: dict[How, list[Change]] = {how: [] for how in How}
    for need in change.desired.needs:
        ground = by_key.get(need.key)
        if ground and ground.action in (Action.CREATE, Action.REPLACE) and not _moves_to(need, change):
            found[need.how].append(ground)
    return found


def _moves_to(need: Need, change: Change) -> bool:
    """Tell whether the change itself is what makes the resource need this, so that nothing pulls it away from under."""
    assert change.observed is not None  # noqa: S101 - as above
    by_itself = need.via.partition(".")[0] in change.paths
    return by_itself and all(each.key != need.key for each in change.observed.needs)


def _disturbed(change: Change, remade: dict[How, list[Change]], kinds: Mapping[str, Kind]) -> Change:
    due = change.action is not Action.NOOP and not change.if_changed
    if due and change.action is Action.REPLACE:
        return change
    if remade[How.STANDS_ON]:
        return _following(change, Action.REPLACE, remade, kinds=kinds, due=due)
    if remade[How.REFERS] and not due:
        return _following(change, Action.UPDATE, remade, kinds=kinds, due=due)
    return change


def _following(
    change: Change, action: Action, remade: dict[How, list[Change]], *, kinds: Mapping[str, Kind], due: bool
) -> Change:
    roots = [_roots(each, kinds) for how in _WORDS.values() for each in remade[how]]
    # What is due in any case may not hang on whether its ground comes out changed.
    conditional = not due and all(roots)
    if_changed = tuple(sorted({key for each in roots for key in each})) if conditional else ()
    how = _WORDS[action]
    reason = f"{how} {', '.join(str(each.key) for each in remade[how])}"
    return replace(change, action=action, reason=reason, if_changed=if_changed)


_WORDS = {Action.REPLACE: How.STANDS_ON, Action.UPDATE: How.REFERS}


def _roots(change: Change, kinds: Mapping[str, Kind]) -> tuple[ResourceKey, ...]:
    """The resources whose steps tell whether this change changes anything; none if it does in any case."""
    return (change.key,) if kinds[change.key.kind].tentative else change.if_changed


def in_order_of_needs(resources: Mapping[ResourceKey, Resource]) -> list[ResourceKey]:
    """Return the keys so that each stands behind those it needs; what lies on a cycle comes in order of its key."""
    done: dict[ResourceKey, None] = {}
    for start in sorted(resources):
        stack = [(start, iter(_needed(resources, start)))]
        seen = {start}
        while stack and start not in done:
            below = next((each for each in stack[-1][1] if each not in done and each not in seen), None)
            if below is None:
                done[stack.pop()[0]] = None
            else:
                seen.add(below)
                stack.append((below, iter(_needed(resources, below))))
    return list(done)


def _needed(resources: Mapping[ResourceKey, Resource], key: ResourceKey) -> list[ResourceKey]:
    return sorted(need.key for need in resources[key].needs if need.key in resources)
