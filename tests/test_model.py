"""The nouns."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.model import (
    EMPTY,
    Action,
    Change,
    Changes,
    Claim,
    FieldChange,
    FrozenMap,
    Outcome,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
)

WEB = ResourceKey("container", "web")
RESOURCE = Resource(WEB, Spec())


def change(action: Action = Action.CREATE) -> Change:
    return Change(WEB, action, desired=RESOURCE)


def report(*statuses: Status, remaining: tuple[Change, ...] = ()) -> Report:
    step = Step(StepKey(WEB, Verb.CREATE), change())
    changes = Changes(Topology("t"), Topology("t"), MappingProxyType({}))
    return Report(Plan(changes, {}), tuple(Outcome(step, each) for each in statuses), remaining)


def test_a_key_reads_what_it_writes() -> None:
    assert ResourceKey.of("veth/blue:eth0--red/eth0") == ResourceKey("veth", "blue:eth0--red/eth0")
    assert str(ResourceKey.of("container/web")) == "container/web"


@pytest.mark.parametrize("text", ["", "web", "/web", "container/", "/"])
def test_a_key_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="kind/name"):
        ResourceKey.of(text)


@given(st.dictionaries(st.text(), st.integers()))
def test_a_frozen_map_is_a_hashable_mapping_whatever_the_order(items: dict[str, int]) -> None:
    frozen = FrozenMap(items)
    turned = FrozenMap(dict(reversed(items.items())))
    assert frozen == items
    assert frozen == turned
    assert hash(frozen) == hash(turned)
    assert list(frozen) == sorted(items)
    assert len(frozen) == len(items)
    assert repr(frozen) == repr(turned)


def test_an_empty_frozen_map_is_empty() -> None:
    assert FrozenMap() == FrozenMap({}) == EMPTY
    assert EMPTY != {"a": 1}
    assert repr(FrozenMap({"a": 1})) == "FrozenMap({'a': 1})"


@given(*[st.integers(0, 5)] * 4)
def test_claims_overlap_where_they_share_a_point(low: int, more: int, other: int, more_other: int) -> None:
    ours, theirs = Claim("port", low, low + more), Claim("port", other, other + more_other)
    shared = {*range(ours.low, ours.high + 1)} & {*range(theirs.low, theirs.high + 1)}
    assert ours.overlaps(theirs) == theirs.overlaps(ours) == bool(shared)
    assert not ours.overlaps(Claim("another", other, other + more_other))


def test_a_claim_is_called_by_its_label() -> None:
    assert str(Claim("port tcp 8080", label="host port 8080/tcp")) == "host port 8080/tcp"
    assert str(Claim("port tcp 8080")) == "port tcp 8080"
    assert Claim("x", label="one") == Claim("x", label="other", chosen=True)


def test_a_topology_is_iterated_by_resource() -> None:
    image = Resource(ResourceKey("image", "lab"), Spec())
    topology = Topology("t", {WEB: RESOURCE, image.key: image})
    assert list(topology) == [RESOURCE, image]
    assert len(topology) == 2
    assert topology.of_kind("image") == (image,)


def test_topologies_are_equal_if_their_resources_are_whatever_the_file_and_the_host() -> None:
    topology = Topology("t", {WEB: RESOURCE})
    unavailable, lacking = {"image": ReconcilerError("gone")}, ((WEB, "no memory"),)
    assert topology == Topology("t", {WEB: RESOURCE}, unavailable, "t.yaml", "1a2b", lacking)
    assert topology != Topology("t")
    assert topology != Topology("u", {WEB: RESOURCE})


def test_a_change_tells_its_resource_and_the_attributes_that_differ() -> None:
    fields = (FieldChange("labels.a", 1, 2), FieldChange("labels.b", 1, 2), FieldChange("image", 1, 2))
    assert Change(WEB, Action.UPDATE, desired=RESOURCE, fields=fields).paths == {"labels", "image"}
    assert change().resource is RESOURCE
    assert Change(WEB, Action.DELETE, observed=RESOURCE).resource is RESOURCE


def test_pending_changes_are_those_that_do_something() -> None:
    changes = Changes(Topology("t"), Topology("t"), {WEB: change(), ResourceKey("a", "b"): change(Action.NOOP)})
    assert changes.pending == (change(),)


def test_the_views_of_a_frozen_map_are_in_the_order_of_its_keys() -> None:
    some = FrozenMap({"b": 1, "a": 2})
    assert (list(some), list(some.values()), list(some.items())) == (["a", "b"], [2, 1], [("a", 2), ("b", 1)])


def test_a_step_is_called_by_what_it_does() -> None:
    assert str(StepKey(WEB, Verb.WAIT, "healthy")) == "wait container/web (healthy)"
    assert str(StepKey(WEB, Verb.CREATE)) == "create container/web"
    assert Step(StepKey(WEB, Verb.CREATE), change()).verb is Verb.CREATE


def test_a_plan_is_ordered_by_its_edges_and_else_by_key() -> None:
    keys = [StepKey(ResourceKey("a", name), Verb.CREATE) for name in "123"]
    steps = {key: Step(key, change()) for key in keys}
    plan = Plan(Changes(Topology("t"), Topology("t"), {}), steps, {keys[2]: [keys[0]]})
    assert [each.key for each in plan.ordered] == [keys[1], keys[2], keys[0]]
    assert plan.predecessors == {keys[0]: [keys[2]], keys[1]: (), keys[2]: ()}
    assert set(plan.graph) == set(keys)
    assert list(plan.graph.edges) == [(keys[2], keys[0])]
    assert len(plan) == 3


@pytest.mark.parametrize(
    ("made", "converged", "failed"),
    [
        (report(), True, 0),
        (report(Status.DONE, Status.UNCHANGED, Status.NOT_NEEDED), True, 0),
        (report(Status.DONE, Status.FAILED), False, 1),
        (report(Status.SKIPPED), False, 0),
        (report(Status.DONE, remaining=(change(),)), False, 0),
    ],
)
def test_a_report_has_converged_if_all_went_well_and_nothing_is_left(
    made: Report, converged: bool, failed: int
) -> None:
    assert made.converged is converged
    assert len(made.failed) == failed
