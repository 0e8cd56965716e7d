"""What one change means for others: what stands on it, refers to it, or is to have what it holds; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.claims import Held, held_by_chance, taken
from reconciler.diff.order import in_order_of_needs
from reconciler.kinds.base import Kind
from reconciler.model import (
    Action,
    Change,
    How,
    Need,
    ResourceKey,
    reached,
)


def evicted(by_key: Mapping[ResourceKey, Change]) -> dict[ResourceKey, Change]:
    """Replace what holds by chance what another is to take; the other comes first, lest it be chosen again."""
    ours = (each for each in by_key.values() if both_ours(each))
    held = Held((claim, each.key) for each in ours for claim in held_by_chance(each))
    result = dict(by_key)
    for taker in by_key.values() if held else ():
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

    def below(each: ResourceKey) -> list[ResourceKey]:
        change = by_key.get(each)
        return [need.key for need in change.desired.needs] if change and change.desired else []

    return key in reached([start.key], below)


def cascade(by_key: Mapping[ResourceKey, Change], *, kinds: Mapping[str, Kind]) -> dict[ResourceKey, Change]:
    """Carry what is made or replaced over to what stands on it (a replace) and refers to it (an update).

    What stood on something that goes or changes, and is to stand on something else, falls with it as well.
    """
    result = dict(by_key)
    above = _above_what_changes(by_key)
    order = in_order_of_needs({key: each.desired for key in above if (each := by_key[key]).desired})
    while True:
        for key in order:
            result[key] = _disturbed(result[key], _remade(result[key], result), kinds)
        fallen = _fallen(above, result, kinds)
        if not fallen:
            return result
        result |= fallen


def _above_what_changes(by_key: Mapping[ResourceKey, Change]) -> list[ResourceKey]:
    """What is both desired and observed as ours, and needs or needed something that changes, be it over others."""
    todo = [key for key, each in by_key.items() if each.action is not Action.NOOP]
    above: dict[ResourceKey, list[ResourceKey]] = defaultdict(list)
    for key, change in by_key.items() if todo else ():
        want, have = change.desired, change.observed
        if want and have and both_ours(change):
            for need in want.needs if want.needs == have.needs else (*want.needs, *have.needs):
                above[need.key].append(key)
    found: set[ResourceKey] = set()
    while todo:
        new = {*above.pop(todo.pop(), ())} - found
        found |= new
        todo += new
    return [key for key in by_key if key in found] if found else []


def _fallen(
    keys: Iterable[ResourceKey], by_key: Mapping[ResourceKey, Change], kinds: Mapping[str, Kind]
) -> dict[ResourceKey, Change]:
    """What is not replaced yet though what it stood on goes or changes, and it is to stand on something else."""
    found: dict[ResourceKey, Change] = {}
    for key in keys:
        change = by_key[key]
        if change.action is not Action.REPLACE:
            grounds = [by_key[each] for each in _stood_on(change) if each in by_key]
            grounds = [each for each in grounds if each.action is not Action.NOOP]
            if grounds:
                remade = {How.STANDS_ON: grounds, How.REFERS: []}
                due = change.action is not Action.NOOP and not change.if_changed
                follows = _following(change, Action.REPLACE, remade, kinds=kinds, due=due)
                found[key] = replace(follows, reason=f"stood on {', '.join(str(each.key) for each in grounds)}")
    return found


def _stood_on(change: Change) -> Iterator[ResourceKey]:
    """What a resource stands on and is to stand on no more, though nothing of its own says so."""
    assert change.observed is not None  # noqa: S101 - asked only of what is both desired and observed
    assert change.desired is not None  # noqa: S101 - likewise
    kept = {need.key for need in change.desired.needs}
    for need in change.observed.needs:
        if need.how is How.STANDS_ON and need.key not in kept and need.via.partition(".")[0] not in change.paths:
            yield need.key


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


def both_ours(change: Change) -> bool:
    """Tell whether a change is between what is declared as ours and what is there."""
    return bool(change.observed and change.desired and change.desired.owned)
