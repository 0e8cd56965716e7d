"""Turn changes into steps, and order them by needs and claims; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from reconciler.diff import promoted
from reconciler.errors import ReconcilerError
from reconciler.kinds.base import Kind
from reconciler.model import Action, Changes, How, Need, Plan, Resource, ResourceKey, Step, StepKey, Verb, reached
from reconciler.plan.ahead import wishes_of
from reconciler.plan.carry import Carriers, carriers_of, with_carriers
from reconciler.plan.claims import conflicts
from reconciler.plan.edges import edges_of, letting_go, makers_of
from reconciler.plan.graph import Graph, graph_of, knots_of, with_wishes

Standing = Mapping[ResourceKey, Sequence[ResourceKey]]
"""What stands on what."""
_VERBS = {
    Action.NOOP: (),
    Action.CREATE: (Verb.CREATE,),
    Action.UPDATE: (Verb.UPDATE,),
    Action.REPLACE: (Verb.DELETE, Verb.CREATE),
    Action.DELETE: (Verb.DELETE,),
}


def plan(
    changes: Changes,
    *,
    kinds: Mapping[str, Kind],
    wait: bool = True,
    within: Callable[[Changes], Changes] = lambda changes: changes,
) -> Plan:
    """Order the steps that close the differences; with `wait`, also wait for what is to become ready.

    A cycle among steps passes through one that is carried, which then goes by itself, or through an update, which
    becomes a replacement; then the plan is made again. `within` picks the changes that the plan is about, each time
    anew: what falls with a replacement is among them.
    """
    while True:
        chosen = within(changes)
        steps = _steps(chosen, wait=wait)
        if not steps:
            return Plan(chosen, MappingProxyType({}))
        carriers, graph, knots = _untied(chosen, steps, kinds)
        if not knots:
            successors = {key: tuple(sorted(after)) for key, after in graph.items()}
            return Plan(chosen, MappingProxyType(with_carriers(steps, carriers)), MappingProxyType(successors))
        changes = promoted(changes, _to_promote(knots, changes, steps, kinds), kinds=kinds)


def _steps(changes: Changes, *, wait: bool) -> dict[StepKey, Step]:
    name, source = changes.desired.name, changes.desired.source
    made = {
        (key := StepKey(change.key, verb)): Step(key, change, topology=name, source=source)
        for change in changes.pending
        for verb in _VERBS[change.action]
    }
    waits = {
        StepKey(need.key, Verb.WAIT, need.condition): changes.by_key[need.key]
        for step in made.values()
        for need in _conditions(step)
        if need.key in changes.by_key
    }
    if wait:
        ready = [each for each in made.values() if each.verb is not Verb.DELETE and _desired(each).ready]
        waits |= {StepKey(each.key.key, Verb.WAIT, _desired(each).ready): each.change for each in ready}
    return made | {key: Step(key, waits[key]) for key in sorted(waits)}


def _desired(step: Step) -> Resource:
    assert step.change.desired is not None  # noqa: S101 - only a deletion has no desired side
    return step.change.desired


def _conditions(step: Step) -> Iterator[Need]:
    if step.verb is not Verb.DELETE:
        yield from (need for need in _desired(step).needs if need.condition)


def _untied(
    changes: Changes, steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]
) -> tuple[Carriers, Graph, list[set[StepKey]]]:
    """Build the graph, and let go by itself what is on a cycle with the step that carries it; tell the cycles left."""
    makers = makers_of(changes, steps)
    edges = dict.fromkeys(edges_of(steps, makers, kinds))
    carriers = carriers_of(changes, steps, kinds)
    graph = graph_of(steps, edges, carriers, kinds)
    knots = knots_of(graph)
    while tied := {
        each for knot in knots for each in carriers if not knot.isdisjoint((each, carriers.outermost(each)))
    }:
        carriers = carriers.without(tied)
        graph = graph_of(steps, edges, carriers, kinds)
        knots = knots_of(graph)
    if not knots:
        graph = with_wishes(graph, wishes_of(steps, makers, kinds), carriers)
    return carriers, graph, knots


def _to_promote(
    knots: Sequence[Collection[StepKey]], changes: Changes, steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]
) -> set[ResourceKey]:
    """One resource of each knot whose replacement unties it at the least cost: what it lets go it lets go earlier."""
    place = {key: number for number, knot in enumerate(knots) for key in knot}
    updates = {
        before
        for before, after in letting_go(steps, kinds)
        if before.verb is Verb.UPDATE and place.get(before, -1) == place.get(after)
    }
    standing = _standing(changes)
    return {_cheapest(knot, updates, standing, steps, kinds) for knot in knots}


def _cheapest(
    knot: Collection[StepKey],
    updates: Collection[StepKey],
    standing: Standing,
    steps: Mapping[StepKey, Step],
    kinds: Mapping[str, Kind],
) -> ResourceKey:
    recoverable = {each.key for each in knot if each in updates and not kinds[each.key.kind].irrecoverable}
    found = recoverable or {each.key for each in knot if steps[each].change.if_changed}
    if not found:
        raise ReconcilerError("the steps need each other in a circle: " + ", ".join(map(str, sorted(knot))))
    return min(found, key=lambda each: (_falling(each, standing), each))


def _standing(changes: Changes) -> Standing:
    found: dict[ResourceKey, list[ResourceKey]] = defaultdict(list)
    for change in changes:
        for need in change.desired.needs if change.desired else ():
            if need.how is How.STANDS_ON:
                found[need.key].append(change.key)
    return found


def _falling(key: ResourceKey, standing: Standing) -> int:
    """How many resources fall with one."""
    return len(reached([key], lambda each: standing.get(each, ())))


__all__ = ["conflicts", "plan"]
