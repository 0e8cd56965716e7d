"""What had better be there before what it replaces goes: it may fail to be made; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diff import in_order_of_needs
from reconciler.kinds.base import Kind
from reconciler.model import Action, How, Resource, ResourceKey, Step, StepKey, Verb
from reconciler.plan.edges import Edge, Makers

Going = Mapping[ResourceKey, Resource]


def wishes_of(steps: Mapping[StepKey, Step], makers: Makers, kinds: Mapping[str, Kind]) -> Iterator[Edge]:
    """Yield the edges from what makes the needs of a replacement, and of its parts, to the deletion of the old one.

    What stands on the old one falls on its account, and so not before that either.
    """
    going = _going(steps, kinds)
    needed, below = _needed(steps, going, makers), _below(steps, going)
    for key in in_order_of_needs(going):
        for ground in (need.key for need in going[key].needs if need.how is How.STANDS_ON):
            needed[key] |= needed.get(ground, {})
        for maker in needed[key]:
            # What is changed under the old one, or made anew there, comes after that has gone.
            if maker.key not in below[key] or kinds[maker.key.kind].create_before_delete:
                yield maker, StepKey(key, Verb.DELETE)


def _going(steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]) -> dict[ResourceKey, Resource]:
    """What is unmade before its replacement is made, as it is."""
    return {
        key.key: step.change.observed
        for key, step in steps.items()
        if key.verb is Verb.DELETE and step.change.action is Action.REPLACE and step.change.observed
        if not kinds[key.key.kind].create_before_delete
    }


def _needed(steps: Mapping[StepKey, Step], going: Going, makers: Makers) -> dict[ResourceKey, dict[StepKey, None]]:
    """The steps that make what the replacements and their parts need for more than order."""
    found: dict[ResourceKey, dict[StepKey, None]] = {key: {} for key in going}
    for key, step in steps.items():
        if key.verb is Verb.CREATE and step.change.desired:
            solid = [need.key for need in step.change.desired.needs if need.how is not How.AFTER]
            for whole in _wholes(step.change.desired, going):
                found[whole] |= {maker: None for each in solid for maker in makers.get(each, ())}
    return found


def _below(steps: Mapping[StepKey, Step], going: Going) -> dict[ResourceKey, set[ResourceKey]]:
    """What the old ones and their parts need."""
    found: dict[ResourceKey, set[ResourceKey]] = {key: set() for key in going}
    for key, step in steps.items():
        if key.verb is Verb.DELETE and step.change.observed:
            for whole in _wholes(step.change.observed, going):
                found[whole] |= {need.key for need in step.change.observed.needs}
    return found


def _wholes(resource: Resource, going: Going) -> Iterator[ResourceKey]:
    """Yield the resource itself and what it is part of, as far as these are replaced."""
    yield from (each for each in (resource.key, resource.part_of) if each and each in going)
