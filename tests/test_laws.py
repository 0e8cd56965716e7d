"""The laws that everything keeps: from any topology to any other, over a strict world in memory."""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import networkx
import pytest
from drawn import FOREIGN, Drift, drifts, topologies, transitions
from entries import NAME, Entries, host_with, picture, put, topology
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from memory import KINDS, Killed, MemoryHost, MemorySpec, Thing, World

from reconciler import reconcile
from reconciler.claims import taken
from reconciler.diff import in_order_of_needs
from reconciler.diff.fields import differences
from reconciler.errors import Conflict
from reconciler.model import (
    Claim,
    How,
    Need,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Spec,
    Status,
    StepKey,
    Topology,
    Verb,
)
from reconciler.observe import observe
from reconciler.reconcile import Options

NOTHING_KEPT = Options(jobs=4, keep=frozenset())


def apply(entries: Entries, host: MemoryHost, options: Options = NOTHING_KEPT) -> Report:
    return reconcile.apply(topology(entries), host, kinds=KINDS, options=options)


def plan(entries: Entries, host: MemoryHost, options: Options = NOTHING_KEPT) -> Plan:
    return reconcile.prepare(topology(entries), host, kinds=KINDS, options=options)


def after(before: Entries, drifted: list[Drift]) -> MemoryHost:
    """A host on which a topology was applied, after which somebody changed things by hand."""
    host = host_with(FOREIGN)
    assert_converged(apply(before, host))
    for each in drifted:
        each(host.world)
    host.world.log.clear()
    return host


def assert_converged(report: Report) -> None:
    failed = [
        f"{each.step.key}: {each.status} {each.error or each.cause or ''}" for each in report.outcomes if each.error
    ]
    left = [f"{each.key}: {each.action} {each.reason} {each.fields}" for each in report.remaining]
    assert report.converged, "\n".join([*failed, *left])


def of_others(world: World) -> dict[int, Thing]:
    return {each.identity: each for each in world.things.values() if each.owner != NAME}


def seen(host: MemoryHost) -> dict[ResourceKey, tuple[Spec, tuple[Need, ...]]]:
    """What is ours, as an observation tells it."""
    return {each.key: (each.spec, each.needs) for each in observe(host, topology({}), kinds=KINDS) if each.owned}


def text(made: Plan) -> str:
    """A plan, byte for byte."""
    steps = [f"{each.key} {each.change.reason} {each.carried_by} {each.carries}" for each in made.ordered]
    return "\n".join([*steps, *(f"{a} < {b}" for a, b in made.graph.edges)])


def steps_to_fail(made: Plan, numbers: Collection[int]) -> set[StepKey]:
    """Some of the steps that are sent, picked by number."""
    sent = [each.key for each in made.ordered if not each.carried_by]
    return {sent[number % len(sent)] for number in numbers if sent}


numbers = st.sets(st.integers(0, 40), min_size=1, max_size=2)


# 1 - converge and rest


@given(transitions(), drifts)
def test_from_any_topology_to_any_other_apply_converges_and_the_next_plan_is_empty(
    transition: tuple[Entries, Entries], drifted: list[Drift]
) -> None:
    before, desired = transition
    host = after(before, drifted)
    others = of_others(host.world)
    report = apply(desired, host)
    assert_converged(report)
    assert plan(desired, host).steps == {}
    assert picture(host.world).keys() == {key for key, each in topology(desired).resources.items() if each.owned}
    assert of_others(host.world) == others
    for each in report.outcomes:
        event(f"{each.step.verb}: {each.status}")
        event(f"reason: {' '.join(each.step.change.reason.split()[:2])}")


# 2 - least


@given(transitions(), drifts)
def test_only_what_differs_or_stands_on_it_is_touched(
    transition: tuple[Entries, Entries], drifted: list[Drift]
) -> None:
    before, desired = transition
    host = after(before, drifted)
    made = plan(desired, host)
    replaced, updated = due(topology(desired), made)
    was = dict(host.world.things)
    apply(desired, host)
    for identity, thing in was.items():
        if thing.owner == NAME and thing.key in topology(desired).resources:
            if thing.key not in replaced:
                assert identity in host.world.things, f"{thing.key} was replaced"
            if thing.key not in replaced | updated:
                assert host.world.things[identity].touched == thing.touched, f"{thing.key} was updated"


def due(desired: Topology, made: Plan) -> tuple[set[ResourceKey], set[ResourceKey]]:
    """What may be replaced, and what may be updated, found in another way than a diff finds it."""
    observed = made.changes.observed.resources
    by_order = {each.key for each in made.changes if each.reason.startswith(("cannot be changed", "holds"))}
    replaced = {key for key in made.changes.by_key if key not in desired.resources or key not in observed} | by_order
    updated: set[ResourceKey] = set()
    for key in in_order_of_needs(desired.resources):
        want = desired.resources[key]
        if key in observed and want.owned:
            have, kind = observed[key], KINDS[key.kind]
            paths = {path for path, *_ in differences(want.spec, have.spec)}
            below = {need.key for need in have.needs if need.how is How.STANDS_ON}
            updated |= {key} if paths or any(need.key in replaced for need in want.needs) else set()
            fallen = {each for each in below & replaced if not (comes_out_the_same(each, made) and key not in updated)}
            if fallen or any(not kind.mutable(path, have, want) for path in paths):
                replaced.add(key)
    return replaced, updated


def comes_out_the_same(key: ResourceKey, made: Plan) -> bool:
    change = made.changes.by_key.get(key)
    if not change or not change.observed or not change.desired or key.kind != "image":
        return False
    paths = {each.path for each in change.fields}
    inputs = {each.spec.inputs.rstrip(",") for each in (change.observed, change.desired)}  # type: ignore[attr-defined]
    return paths <= {"inputs", "color"} and len(inputs) == 1


# 3 - ours alone


@given(transitions(), drifts, st.integers(0, 50), st.booleans())
def test_what_is_not_ours_is_a_conflict_before_the_first_step(
    transition: tuple[Entries, Entries], drifted: list[Drift], number: int, another: bool
) -> None:
    before, desired = transition
    host = after(before, drifted)
    pending = plan(desired, host).changes.pending
    wanted = [claim for each in pending for claim in taken(each) if not host.world.holder([claim], lambda _: False)]
    assume(wanted)
    put_stranger(host.world, wanted[number % len(wanted)], "another" if another else "")
    was = copy.copy(host.world.things)
    with pytest.raises(Conflict, match="is not ours"):
        apply(desired, host)
    assert host.world.log == []
    assert host.world.things == was


def put_stranger(world: World, claim: Claim, owner: str) -> None:
    kind, name, live = claim.scope.split() if " name " in claim.scope else ("leaf", "", "stranger")
    pool = claim.scope.removeprefix("pool ")
    holds = () if name else ((pool, claim.low, claim.high),)
    key = ResourceKey(kind, "stranger")
    put(world, Resource(key, MemorySpec(name=live, holds=holds)), owner)


# 4 - a failure stops only what waits for it


@given(transitions(), drifts, numbers)
def test_a_failure_stops_only_what_waits_for_it_and_running_again_finishes(
    transition: tuple[Entries, Entries], drifted: list[Drift], picked: set[int]
) -> None:
    before, desired = transition
    host = after(before, drifted)
    chosen = steps_to_fail(plan(desired, host), picked)
    host.world.failing = set(chosen)
    report = apply(desired, host)
    failed = {each.step.key for each in report.failed}
    graph: Any = report.plan.graph
    behind = {key for each in failed for key in networkx.descendants(graph, each)}
    for each in report.outcomes:
        if each.step.key in failed:
            assert each.step.key in chosen
        elif each.step.key in behind:
            assert each.status is Status.SKIPPED
            assert each.cause in failed & networkx.ancestors(graph, each.step.key)
        else:
            assert each.status not in (Status.SKIPPED, Status.FAILED)
    assert bool(failed) != report.converged
    host.world.failing = set()
    assert_converged(apply(desired, host))


kills = st.lists(st.tuples(st.integers(1, 20), st.sampled_from(["before", "half", "after"])), min_size=1, max_size=3)


@given(transitions(), drifts, kills)
def test_after_a_kill_at_any_step_running_again_finishes(
    transition: tuple[Entries, Entries], drifted: list[Drift], killed: list[tuple[int, str]]
) -> None:
    before, desired = transition
    world = after(before, drifted).world
    others = of_others(world)
    for number, how in killed:
        world.kill_at, world.kill_how = world.calls + number, how
        with contextlib.suppress(Killed):
            apply(desired, MemoryHost(world=world))
    world.kill_at = 0
    assert_converged(apply(desired, MemoryHost(world=world)))
    assert of_others(world) == others


# 5 - going back


@given(transitions(), drifts, st.integers(0, 40))
def test_going_back_after_a_failure_restores_what_was(
    transition: tuple[Entries, Entries], drifted: list[Drift], number: int
) -> None:
    before, desired = transition
    host = after(before, drifted)
    was, others = seen(host), of_others(host.world)
    host.world.failing = steps_to_fail(plan(desired, host), {number})
    report = apply(desired, host, replace(NOTHING_KEPT, revert=True))
    if report.reverted:
        assert_converged(report.reverted)
        assert seen(host) == was
    else:
        assert_converged(report)
    assert of_others(host.world) == others


@given(transitions(), drifts)
def test_what_was_observed_before_can_be_applied_again(
    transition: tuple[Entries, Entries], drifted: list[Drift]
) -> None:
    before, desired = transition
    host = after(before, drifted)
    former = observe(host, topology({}), kinds=KINDS)
    ours = {key: each for key, each in former.resources.items() if each.owned}
    was = seen(host)
    assert_converged(apply(desired, host))
    assert_converged(reconcile.apply(Topology(NAME, ours), host, kinds=KINDS, options=NOTHING_KEPT))
    assert seen(host) == was


@given(transitions(), drifts, numbers)
def test_what_cannot_be_made_again_is_deleted_only_after_all_else_succeeded(
    transition: tuple[Entries, Entries], drifted: list[Drift], picked: set[int]
) -> None:
    before, desired = transition
    host = after(before, drifted)
    made = plan(desired, host)
    host.world.failing = steps_to_fail(made, picked)
    report = apply(desired, host)
    order = {each: number for number, each in enumerate(host.world.log)}
    for last in [key for key in order if key.verb is Verb.DELETE and KINDS[key.key.kind].irrecoverable]:
        behind = networkx.descendants(made.graph, last)
        for each in report.outcomes:
            key = each.step.key
            if key not in behind and not (key.verb is Verb.DELETE and KINDS[key.key.kind].irrecoverable):
                assert each.status not in (Status.FAILED, Status.SKIPPED), f"{last} though {key} {each.status}"
                assert order.get(key, -1) < order[last]


# 8 - same in, same out


@given(transitions(), drifts, st.integers(0, 2**32 - 1))
def test_the_same_in_any_order_gives_the_same_plan_byte_for_byte(
    transition: tuple[Entries, Entries], drifted: list[Drift], seed: int
) -> None:
    before, desired = transition
    chance = random.Random(seed)
    host = after(before, drifted)
    expected = text(plan(desired, host))

    def shuffled(items: Mapping[Any, Any]) -> dict[Any, Any]:
        return dict(chance.sample(sorted(items.items(), key=lambda each: str(each[0])), len(items)))

    host.world.things = shuffled(host.world.things)
    again = topology(desired)
    again = replace(again, resources=shuffled(again.resources))
    assert text(reconcile.prepare(again, host, kinds=shuffled(KINDS), options=NOTHING_KEPT)) == expected


# What the options promise, from any topology to any other

FEWER = settings().max_examples // 2


@settings(max_examples=FEWER)
@given(transitions(), drifts, st.integers(0, 40))
def test_a_target_is_applied_with_what_it_needs_and_nothing_else(
    transition: tuple[Entries, Entries], drifted: list[Drift], number: int
) -> None:
    before, desired = transition
    host = after(before, drifted)
    everything = plan(desired, host).changes
    assume(everything.pending)
    target = sorted(everything.pending, key=lambda each: each.key)[number % len(everything.pending)].key
    options = replace(NOTHING_KEPT, target=(target,))
    was = dict(host.world.things)
    try:
        report = apply(desired, host, options)
    except Conflict:
        event("conflict")
        assert host.world.things == was
        return
    assert_converged(report)
    assert target in {each.step.key.key for each in report.outcomes}
    assert {each.step.key.key for each in report.outcomes} <= report.plan.changes.by_key.keys()
    left = {each.key for each in everything.pending} - report.plan.changes.by_key.keys()
    assert left <= {each.key for each in plan(desired, host).changes.pending}


@settings(max_examples=FEWER)
@given(transitions(), drifts)
def test_without_pruning_nothing_is_deleted_for_good(transition: tuple[Entries, Entries], drifted: list[Drift]) -> None:
    before, desired = transition
    host = after(before, drifted)
    was = seen(host)
    try:
        report = apply(desired, host, replace(NOTHING_KEPT, keep=frozenset(KINDS)))
    except Conflict:
        event("conflict")
        assert seen(host) == was
        return
    assert_converged(report)
    assert seen(host).keys() == was.keys() | picture(host.world).keys()


@settings(max_examples=FEWER)
@given(topologies(), drifts, st.sets(st.integers(0, 40), min_size=1, max_size=3))
def test_what_is_asked_for_is_replaced_though_nothing_differs(
    entries: Entries, drifted: list[Drift], picked: set[int]
) -> None:
    host = after(entries, drifted)
    ours = sorted(key for key, each in topology(entries).resources.items() if each.owned)
    assume(ours)
    keys = tuple(sorted({ours[number % len(ours)] for number in picked}))
    was = {each.key: each.identity for each in host.world.things.values()}
    assert_converged(apply(entries, host, replace(NOTHING_KEPT, replace=keys)))
    for key in keys:
        thing = host.world.current(NAME, key)
        assert thing
        assert (thing.identity != was.get(key)) or key.kind == "image"
