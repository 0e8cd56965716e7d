"""What must happen before what: the edges of a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from reconciler.diff import in_order_of_needs
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, How, Resource, ResourceKey, Step, StepKey, Verb
from reconciler.plan.claims import release_before_taking

Edge = tuple[StepKey, StepKey]
"""The first before the second."""
Makers = Mapping[ResourceKey, tuple[StepKey, ...]]


def edges_of(steps: Mapping[StepKey, Step], makers: Makers, kinds: Mapping[str, Kind]) -> Iterator[Edge]:
    """Yield every pair of steps whose order matters."""
    for key, step in steps.items():
        if key.verb is Verb.DELETE:
            yield from _before_unmaking(key, step.change, steps, kinds)
        else:
            yield from _before_making(key, step.change, steps, makers)
        if key.verb is Verb.CREATE and step.change.action is Action.REPLACE:
            old = StepKey(key.key, Verb.DELETE)
            yield (key, old) if kinds[key.key.kind].create_before_delete else (old, key)
        for root in step.change.if_changed:
            yield from ((maker, key) for maker in makers[root] if maker != key)
    yield from letting_go(steps, kinds)
    yield from _before_the_old_goes(steps, kinds)


def letting_go(steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]) -> Iterator[Edge]:
    """Yield the edges from a step that lets go of something to the steps that wait for that."""
    for key, step in steps.items():
        if key.verb is Verb.UPDATE:
            yield from _before_it_is_unmade(key, step.change, steps)
    yield from release_before_taking(steps, kinds)


def makers_of(changes: Changes, steps: Mapping[StepKey, Step]) -> Makers:
    """The steps that make what steps need; of a resource that has none, those that make what it needs."""
    found: dict[ResourceKey, tuple[StepKey, ...]] = {
        key.key: (key,) for key in steps if key.verb in (Verb.CREATE, Verb.UPDATE)
    }
    needed = [each for step in steps.values() for each in _asked(step)]
    unmade = _with_all_they_need(changes, needed, found)
    for key in in_order_of_needs(unmade):
        below = (need.key for need in unmade[key].needs if need.how is not How.AFTER)
        found[key] = tuple(dict.fromkeys(maker for each in below for maker in found.get(each, ())))
    return found


def _asked(step: Step) -> Iterator[ResourceKey]:
    """The resources of which a step wants to know who makes them."""
    if step.verb is Verb.WAIT:
        yield step.key.key
    elif step.verb is not Verb.DELETE and step.change.desired:
        yield from (need.key for need in step.change.desired.needs)
    yield from step.change.if_changed


def _with_all_they_need(
    changes: Changes, todo: list[ResourceKey], made: Collection[ResourceKey]
) -> dict[ResourceKey, Resource]:
    """Find what is not made itself, down to what is."""
    found: dict[ResourceKey, Resource] = {}
    while todo:
        key = todo.pop()
        change = changes.by_key.get(key)
        if change and change.desired and key not in found and key not in made:
            found[key] = change.desired
            todo += [need.key for need in change.desired.needs]
    return found


def _before_making(key: StepKey, change: Change, steps: Mapping[StepKey, Step], makers: Makers) -> Iterator[Edge]:
    if key.verb is Verb.WAIT:
        yield from ((maker, key) for maker in makers.get(key.key, ()))
        return
    for need in change.desired.needs if change.desired else ():
        yield from ((maker, key) for maker in makers.get(need.key, ()))
        if need.condition and (condition := StepKey(need.key, Verb.WAIT, need.condition)) in steps:
            yield condition, key


def _before_unmaking(
    key: StepKey, change: Change, steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]
) -> Iterator[Edge]:
    # What is replaced by one made before, on what it stands on as that is by then, cannot come before that.
    made_first = change.action is Action.REPLACE and kinds[key.key.kind].create_before_delete
    verbs = (Verb.DELETE,) if made_first else (Verb.DELETE, Verb.UPDATE)
    for need in change.observed.needs if change.observed else ():
        for verb in verbs:
            if (below := StepKey(need.key, verb)) in steps:
                yield key, below


def _before_it_is_unmade(key: StepKey, change: Change, steps: Mapping[StepKey, Step]) -> Iterator[Edge]:
    """An update leaves what it needs no more before that is unmade; what it only came after binds it no longer."""
    kept = {need.key for need in change.desired.needs} if change.desired else set()
    for need in change.observed.needs if change.observed else ():
        if need.how is not How.AFTER and need.key not in kept and (left := StepKey(need.key, Verb.DELETE)) in steps:
            yield key, left


def _before_the_old_goes(steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]) -> Iterator[Edge]:
    """What goes over to a replacement that is made first does so before the old one is unmade."""
    for key, step in steps.items():
        for need in step.change.desired.needs if key.verb is Verb.UPDATE and step.change.desired else ():
            old = StepKey(need.key, Verb.DELETE)
            if old in steps and kinds[need.key.kind].create_before_delete:
                yield key, old
