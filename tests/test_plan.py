"""From changes to ordered steps."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import networkx
import pytest
from entries import NAME, Entries, topology
from memory import KINDS
from test_diff import changes

from reconciler.claims import Held, held_by_chance, released, taken
from reconciler.diff import diff
from reconciler.errors import ReconcilerError
from reconciler.model import Action, Change, Changes, Claim, Plan, Resource, ResourceKey, Spec, StepKey, Verb
from reconciler.plan import conflicts, plan
from reconciler.plan.carry import Carriers
from reconciler.plan.graph import knots_of, with_wishes


def planned(before: Entries, desired: Entries, **options: Any) -> Plan:
    return plan(changes(before, desired, **options), kinds=KINDS)


def step(text: str) -> StepKey:
    verb, key, *condition = text.split()
    return StepKey(ResourceKey.of(key), Verb(verb), " ".join(condition))


def first(made: Plan, earlier: str, later: str) -> bool:
    """Tell whether one step must come before another."""
    return networkx.has_path(made.graph, step(earlier), step(later))


def free(made: Plan, one: str, other: str) -> bool:
    return not first(made, one, other) and not first(made, other, one)


# needs


def test_a_step_waits_for_what_makes_that_on_which_an_unchanged_need_stands() -> None:
    before: Entries = {"ground/a": {}, "box/a": {"stands_on": ["ground/a"]}, "part/a1": {"stands_on": ["box/a"]}}
    desired = {**before, "ground/a": {"color": "red"}, "leaf/a": {"stands_on": ["part/a1"]}}
    assert first(planned(before, desired), "update ground/a", "create leaf/a")


def test_a_step_does_not_wait_for_what_an_unchanged_need_only_comes_after() -> None:
    before: Entries = {"box/a": {}, "box/b": {"after": {"box/a": ""}}}
    desired = {**before, "box/a": {"color": "red"}, "leaf/a": {"after": {"box/b": ""}}}
    assert free(planned(before, desired), "update box/a", "create leaf/a")


def test_what_needs_is_unmade_before_what_it_needed_is_unmade_or_updated() -> None:
    before: Entries = {"ground/a": {}, "ground/b": {}, "box/a": {"stands_on": ["ground/a", "ground/b"]}}
    made = planned(before, {"ground/b": {"color": "red"}})
    assert first(made, "delete box/a", "delete ground/a")
    assert first(made, "delete box/a", "update ground/b")


def test_an_update_does_not_wait_to_leave_what_it_only_came_after() -> None:
    before: Entries = {"box/a": {}, "box/b": {"after": {"box/a": ""}}}
    changed = diff(topology({"box/b": {"color": "red"}}), topology(before), kinds=KINDS)
    assert free(plan(changed, kinds=KINDS), "update box/b", "delete box/a")


def test_an_update_leaves_what_it_needs_no_more_before_that_is_unmade() -> None:
    grounds: Entries = {"ground/a": {}, "ground/b": {}}
    for kind, how in (("seat", "stands_on"), ("pointer", "refers_to")):
        before: Entries = {**grounds, f"{kind}/x": {how: ["ground/a"]}}
        made = planned(before, {"ground/b": {}, f"{kind}/x": {how: ["ground/b"]}})
        assert first(made, f"update {kind}/x", "delete ground/a"), kind


def test_what_takes_a_claim_over_from_one_of_a_kind_that_is_made_first_does_not_wait_for_it() -> None:
    made = planned({"image/a": {"holds": [("p", 1, 1)]}}, {"image/b": {"holds": [("p", 1, 1)]}})
    assert first(made, "create image/b", "delete image/a")


def test_an_update_goes_over_before_the_old_one_is_unmade_where_the_new_one_is_made_first() -> None:
    before: Entries = {"image/a": {}, "pointer/a": {"refers_to": ["image/a"]}}
    made = planned(before, {**before, "image/a": {"shape": "square"}})
    assert first(made, "create image/a", "update pointer/a")
    assert first(made, "update pointer/a", "delete image/a")


def test_one_that_is_made_first_may_stand_on_one_that_is_updated() -> None:
    before: Entries = {"image/a": {}, "image/b": {"stands_on": ["image/a"]}}
    desired: Entries = {"image/a": {"color": "red"}, "image/b": {"stands_on": ["image/a"], "shape": "square"}}
    made = planned(before, desired)
    assert first(made, "update image/a", "create image/b")
    assert first(made, "create image/b", "delete image/b")


def test_targets_may_leave_out_what_is_needed() -> None:
    found = changes({}, {"ground/a": {}, "box/a": {"stands_on": ["ground/a"], "after": {"ground/a": "healthy"}}})
    box = ResourceKey("box", "a")
    made = plan(Changes(found.desired, found.observed, {box: found.by_key[box]}), kinds=KINDS)
    assert list(made.steps) == [step("create box/a")]


# what a replacement is made of


SERVED: Entries = {"box/a": {}, "part/a1": {"stands_on": ["box/a"]}}


@pytest.mark.parametrize(
    ("wanted", "maker"),
    [
        ({"box/a": {"shape": "square", "stands_on": ["image/a"]}, "image/a": {}}, "create image/a"),
        ({"box/a": {"shape": "square", "stands_on": ["ground/a"]}, "ground/a": {}}, "create ground/a"),
        ({"box/a": {"shape": "square"}, "part/a1": {"stands_on": ["box/a", "ground/a"]}, "ground/a": {}}, ""),
    ],
    ids=["image", "ground", "of a part"],
)
def test_what_a_replacement_and_its_parts_need_is_made_before_the_old_one_goes(wanted: Entries, maker: str) -> None:
    assert first(planned(SERVED, {**SERVED, **wanted}), maker or "create ground/a", "delete box/a")


def test_what_falls_with_the_old_one_stays_as_long_as_that() -> None:
    before: Entries = {"box/a": {}, "box/b": {"stands_on": ["box/a"]}}
    desired: Entries = {**before, "box/a": {"shape": "square", "stands_on": ["image/a"]}, "image/a": {}}
    assert first(planned(before, desired), "create image/a", "delete box/b")


def test_what_a_replacement_only_comes_after_need_not_be_there_before_the_old_one_goes() -> None:
    made = planned({"box/a": {}}, {"box/b": {}, "box/a": {"shape": "square", "after": {"box/b": ""}}})
    assert free(made, "create box/b", "delete box/a")


def test_what_is_made_anew_under_the_old_one_comes_after_that() -> None:
    before: Entries = {"ground/a": {}, "box/a": {"stands_on": ["ground/a"]}}
    made = planned(before, {"ground/a": {"shape": "square"}, "box/a": {"stands_on": ["ground/a"], "shape": "square"}})
    assert first(made, "delete box/a", "create ground/a")


def test_what_takes_something_of_the_old_one_comes_after_that_and_all_else_before() -> None:
    before: Entries = {"box/a": {"holds": [("p", 1, 1)]}}
    desired: Entries = {
        "ground/a": {"holds": [("p", 1, 1)]},
        "image/a": {},
        "box/a": {"shape": "square", "stands_on": ["ground/a", "image/a"]},
    }
    made = planned(before, desired)
    assert first(made, "delete box/a", "create ground/a")
    assert first(made, "create image/a", "delete box/a")


# waits


WAITING: Entries = {"box/a": {"ready": "healthy"}, "box/b": {"after": {"box/a": "healthy"}, "ready": "healthy"}}


def test_a_wait_stands_between_what_is_made_and_what_waits_for_it() -> None:
    made = planned({}, WAITING)
    assert [str(each.key) for each in made.ordered] == [
        "create box/a",
        "wait box/a (healthy)",
        "create box/b",
        "wait box/b (healthy)",
    ]


def test_without_waiting_at_the_end_what_comes_after_still_waits() -> None:
    found = changes({}, WAITING)
    assert [str(each.key) for each in plan(found, kinds=KINDS, wait=False).ordered] == [
        "create box/a",
        "wait box/a (healthy)",
        "create box/b",
    ]


def test_what_is_unchanged_is_waited_for_only_by_what_comes_after_it() -> None:
    assert [str(each.key) for each in planned({"box/a": {}}, WAITING).ordered] == [
        "wait box/a (healthy)",
        "create box/b",
        "wait box/b (healthy)",
    ]
    assert planned({"box/a": {}, "box/b": {}}, WAITING).steps == {}


# circles


def test_a_carried_step_on_a_circle_goes_by_itself() -> None:
    # box/b would be made with part/b1, which takes what leaf/a lets go when it has seen box/b.
    before: Entries = {"leaf/a": {"holds": [("p", 1, 1)]}}
    desired: Entries = {
        "box/b": {},
        "part/b1": {"stands_on": ["box/b"], "holds": [("p", 1, 1)]},
        "leaf/a": {"holds": [("p", 2, 2)], "after": {"box/b": ""}},
    }
    made = planned(before, desired)
    assert [str(each.key) for each in made.ordered] == ["create box/b", "update leaf/a", "create part/b1"]
    assert all(not each.carries and not each.carried_by for each in made.ordered)
    made = planned(before, {**desired, "box/c": {}, "part/c1": {"stands_on": ["box/c"]}})
    carried = {str(each.key): str(each.carried_by) for each in made.ordered if each.carried_by}
    assert carried == {"create part/c1": "create box/c"}, "what is on no circle is carried as ever"


def test_what_falls_with_each_of_several_goes_with_the_first_and_the_others_do_not_wait_for_that() -> None:
    made = planned({"ground/a": {}, "ground/b": {}, "seat/s": {"stands_on": ["ground/a", "ground/b"]}}, {})
    seat = made.steps[step("delete seat/s")]
    assert seat.carried_by == step("delete ground/a")
    assert list(made.graph.edges) == [(seat.carried_by, seat.key)]


def test_what_cannot_be_made_again_is_not_replaced_to_untie_a_circle() -> None:
    class Hard(type(KINDS["leaf"])):  # type: ignore[misc]
        irrecoverable = True

    before: Entries = {"leaf/a": {"holds": [("p", 1, 1)]}, "seat/b": {"holds": [("p", 2, 2)]}}
    desired: Entries = {"leaf/a": {"holds": [("p", 2, 2)]}, "seat/b": {"holds": [("p", 1, 1)]}}
    made = plan(changes(before, desired), kinds={**KINDS, "leaf": Hard()})
    assert [str(each.key) for each in made.ordered] == ["delete seat/b", "update leaf/a", "create seat/b"]


def test_a_circle_that_cannot_be_untied_is_told() -> None:
    before: Entries = {"box/a": {}, "image/b": {"stands_on": ["box/a"]}}
    desired: Entries = {"box/a": {"shape": "square"}, "image/b": {"stands_on": ["box/a"]}}
    with pytest.raises(ReconcilerError, match="in a circle: create box/a, delete box/a, create image/b"):
        planned(before, desired)


# order of what cannot be made again


def test_what_has_to_come_after_what_cannot_be_made_again_does() -> None:
    before: Entries = {"volume/a": {"holds": [("p", 1, 1)]}, "volume/b": {}, "box/c": {"stands_on": ["volume/b"]}}
    desired: Entries = {"box/a": {"holds": [("p", 1, 1)]}, "box/b": {}}
    made = planned(before, desired)
    assert first(made, "delete volume/a", "create box/a")
    for each in ("delete box/c", "create box/b"):
        assert first(made, each, "delete volume/a")
    for each in ("delete box/c", "create box/b", "create box/a"):
        assert first(made, each, "delete volume/b")


# claims


def test_overlapping_claims_are_found_among_many() -> None:
    wide = Claim("p", 0, 100)
    held = Held([(Claim("p", number, number), number) for number in range(50)] + [(wide, -1), (Claim("q", 1, 1), 99)])
    assert sorted(holder for _, holder in held.overlapping(Claim("p", 10, 12))) == [-1, 10, 11, 12]
    assert [holder for _, holder in held.overlapping(Claim("p", 60, 70))] == [-1]
    assert list(held.overlapping(Claim("p", 101, 200))) == []
    assert list(held.overlapping(Claim("r"))) == []


A, B, CHOSEN = Claim("a"), Claim("b"), Claim("c", chosen=True)


def change(action: Action, desired: list[Claim] | None, observed: list[Claim] | None) -> Change:
    key = ResourceKey("x", "y")
    sides = [None if claims is None else Resource(key, Spec(), claims=tuple(claims)) for claims in (desired, observed)]
    return Change(key, action, desired=sides[0], observed=sides[1])


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (change(Action.CREATE, [A], None), ([A], [], [])),
        (change(Action.DELETE, None, [A, CHOSEN]), ([], [A, CHOSEN], [])),
        (change(Action.NOOP, [A], [B, CHOSEN]), ([], [], [B, CHOSEN])),
        (change(Action.UPDATE, [A], [B, CHOSEN]), ([A], [B], [CHOSEN])),
        (change(Action.UPDATE, [A], [A, B]), ([], [B], [])),
        (change(Action.REPLACE, [A], [A, B, CHOSEN]), ([A], [A, B, CHOSEN], [])),
    ],
)
def test_what_a_change_takes_releases_and_keeps(
    made: Change, expected: tuple[list[Claim], list[Claim], list[Claim]]
) -> None:
    assert (list(taken(made)), list(released(made)), list(held_by_chance(made))) == expected


def test_what_is_kept_and_held_or_stood_on_is_a_conflict() -> None:
    before: Entries = {
        "box/old": {"stands_on": ["ground/a"], "holds": [("p", 1, 1)]},
        "ground/a": {},
    }
    desired: Entries = {"ground/a": {"shape": "square"}, "leaf/a": {"holds": [("p", 0, 5)]}}
    assert [str(each) for each in conflicts(changes(before, desired, keep=["box"]), kinds=KINDS)] == [
        "leaf/a: p 0-5 is held by box/old, which this run leaves alone: remove that, or choose another for yours",
        "ground/a: box/old, which this run leaves alone, stands on what is to go: take it off that first, or remove it",
    ]
    assert conflicts(changes(before, desired), kinds=KINDS) == ()


def test_what_is_not_ours_and_stands_on_what_is_to_go_is_a_conflict() -> None:
    before: Entries = {"ground/a": {}, "box/b": {}, "seat/x": {"owner": "", "stands_on": ["ground/a"]}}
    for desired in ({"ground/a": {"shape": "square"}, "box/b": {"shape": "square"}}, {}):
        assert [str(each) for each in conflicts(changes(before, desired), kinds=KINDS)] == [
            "ground/a: seat x, which is not ours, stands on what is to go: take it off that first, or remove it"
        ]
    assert conflicts(changes(before, {"ground/a": {}}), kinds=KINDS) == ()


def test_a_part_that_is_kept_does_not_fall_with_what_it_is_a_part_of() -> None:
    before: Entries = {"box/b": {}, "part/b1": {"stands_on": ["box/b"]}}
    (told,) = conflicts(changes(before, {"box/b": {"shape": "square"}}, keep=["part"]), kinds=KINDS)
    assert str(told).startswith("box/b: part/b1, which this run leaves alone, stands on what is to go")


def test_what_is_external_may_be_in_the_way_too() -> None:
    before: Entries = {"ground/ext": {"owner": "", "holds": [("p", 1, 1)]}}
    desired: Entries = {"ground/ext": {"external": True}, "leaf/a": {"holds": [("p", 1, 1)]}}
    assert [str(each) for each in conflicts(changes(before, desired), kinds=KINDS)] == [
        "leaf/a: p 1-1 is held by ground ext, which is not ours: remove that, or choose another for yours"
    ]


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ({}, "is held by ground ext, which is not ours: remove that, or choose another for yours"),
        ({"topology": "rv"}, "is held by ground ext, which is of topology rv: choose another for yours"),
        (
            {"topology": "rv", "source": "/x/t.yaml"},
            "rv: choose another for yours, or, if that is what this file was called, `reconciler destroy --name rv` fi",
        ),
        ({"topology": NAME}, "is held by ground ext, which is not ours: remove that, or choose another for yours"),
        ({"topology": "rv", "source": "/y/t.yaml"}, "which is of topology rv: choose another for yours"),
        ({"who": "process nc (pid 7)"}, "is held by process nc (pid 7), which is not ours: "),
        ({"who": "docker0", "hint": "leave it"}, "is held by docker0, which is not ours: leave it"),
    ],
)
def test_a_conflict_names_the_holder_as_well_as_can_be(live: dict[str, str], said: str) -> None:
    found = changes({"ground/ext": {"owner": "", "holds": [("p", 1, 1)]}}, {"leaf/a": {"holds": [("p", 1, 1)]}})
    resources = {key: replace(each, live=live) for key, each in found.observed.resources.items()}
    desired = replace(found.desired, source="/x/t.yaml")
    found = replace(found, desired=desired, observed=replace(found.observed, resources=MappingProxyType(resources)))
    (told,) = conflicts(found, kinds=KINDS)
    assert said in str(told)
    assert ("or, if" in str(told)) == ("or, if" in said)


def test_nobody_is_told_to_remove_what_is_kept() -> None:
    found = changes({"volume/one": {"name": "vol1"}}, {"volume/two": {"name": "vol1"}}, keep=["volume"])
    (told,) = conflicts(found, kinds=KINDS)
    assert str(told).endswith("held by volume/one, which this run leaves alone: keep its key, or declare it external")


# size


def lab(count: int) -> dict[str, dict[str, Any]]:
    """An image, some networks, and boxes with a part in one of these, leaves and pointers."""
    grounds = count // 50
    found: dict[str, dict[str, Any]] = {"image/lab": {}, **{f"ground/{number}": {} for number in range(grounds)}}
    for number in range(count // 4):
        ground = f"ground/{number % grounds}"
        found[f"box/{number}"] = {"stands_on": ["image/lab"], "ready": "healthy", "holds": [("port", number, number)]}
        found[f"part/{number}"] = {"stands_on": [f"box/{number}", ground], "holds": [("net", number, number)]}
        found[f"leaf/{number}"] = {"stands_on": [f"part/{number}"]}
        found[f"pointer/{number}"] = {"refers_to": [ground]}
    return found


def planned_at_once(before: Entries, desired: Entries) -> Plan:
    """Observed is desired here, since the world in memory is no fast one."""
    made = plan(diff(topology(desired), topology(before), kinds=KINDS), kinds=KINDS)
    assert len(made.ordered) == len(made)
    return made


def test_thousands_of_resources_are_planned() -> None:
    assert len(planned_at_once(lab(5000), {**lab(5000), "image/lab": {"shape": "square"}})) == 8752


def test_a_chain_of_five_thousand_is_no_recursion() -> None:
    chain = {f"image/{number:05}": {"stands_on": [f"image/{number - 1:05}"] * (number > 0)} for number in range(5000)}
    assert len(planned_at_once(chain, {})) == 5000


def test_many_swaps_are_untied_at_once() -> None:
    before = {f"leaf/{number:04}": {"holds": [("p", number, number)]} for number in range(1000)}
    desired = {f"leaf/{number:04}": {"holds": [("p", number ^ 1, number ^ 1)]} for number in range(1000)}
    assert len(planned_at_once(before, desired)) == 1500


# the cost of wishes


def test_a_wish_is_not_looked_for_in_every_knot(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Knot(set[StepKey]):
        def __contains__(self, key: object) -> bool:
            nonlocal looks
            looks += 1
            return super().__contains__(key)

    pairs = [(step(f"delete box/{number}"), step(f"create box/{number}")) for number in range(50)]
    graph = {old: {new} for old, new in pairs} | {new: set[StepKey]() for _, new in pairs}
    monkeypatch.setattr(
        sys.modules[with_wishes.__module__], "knots_of", lambda found: [Knot(each) for each in knots_of(found)]
    )
    assert with_wishes(graph, [(new, old) for old, new in pairs], Carriers({})) == graph
    assert looks <= 2 * len(pairs)
