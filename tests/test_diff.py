"""Comparing desired with observed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from entries import NAME, Entries, host_with, topology
from memory import KINDS, Box

from reconciler.diff import diff, in_order_of_needs, promoted
from reconciler.diff.fields import ABSENT, differences
from reconciler.errors import EngineUnreachable
from reconciler.model import (
    EMPTY,
    Action,
    Change,
    Changes,
    FrozenMap,
    How,
    Need,
    Resource,
    ResourceKey,
    Spec,
    Topology,
    chosen,
    secret,
    uncompared,
)
from reconciler.observe import observe
from reconciler.value import dataclass

CREATE, UPDATE, REPLACE, DELETE, NOOP = Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE, Action.NOOP


def changes(
    before: Entries, desired: Entries, *, keep: Collection[str] = (), force: Collection[str] = (), **missing: Any
) -> Changes:
    """What differs from a host on which these entries are; `missing` kinds cannot be observed."""
    wanted = topology(desired)
    observed = observe(host_with(before), wanted, kinds=KINDS)
    if missing:
        seen = {key: each for key, each in observed.resources.items() if key.kind not in missing}
        observed = replace(observed, resources=MappingProxyType(seen), unavailable=MappingProxyType(missing))
    return diff(wanted, observed, kinds=KINDS, keep=keep, force=[ResourceKey.of(each) for each in force])


def actions(found: Changes) -> dict[str, Action]:
    return {str(each.key): each.action for each in found.pending}


def reason(found: Changes, key: str) -> str:
    return found.by_key[ResourceKey.of(key)].reason


# one resource


@dataclass(frozen=True)
class Inner(Spec):
    mac: str | None = chosen()
    mtu: int = 1500


@dataclass(frozen=True)
class Outer(Spec):
    mode: str = "a"
    labels: FrozenMap[str] = EMPTY
    ends: FrozenMap[Inner] = EMPTY
    one: Inner = Inner()
    address: str | None = chosen()
    context: str = uncompared("")
    environment: FrozenMap[str] = secret()
    login: Inner = secret(Inner())


def paths(desired: Outer, observed: Outer) -> dict[str, tuple[Any, Any, bool]]:
    return {path: (have, want, hidden) for path, have, want, hidden in differences(desired, observed)}


def test_equal_specs_do_not_differ() -> None:
    assert paths(Outer(), Outer()) == {}


def test_an_attribute_is_named_with_both_values() -> None:
    assert paths(Outer(mode="b"), Outer()) == {"mode": ("a", "b", False)}


def test_what_differs_within_a_mapping_is_named_by_its_path() -> None:
    desired = Outer(labels=FrozenMap({"a": "1", "b": "2", "same": "5"}))
    observed = Outer(labels=FrozenMap({"b": "3", "c": "4", "same": "5"}))
    assert paths(desired, observed) == {
        "labels.a": (ABSENT, "1", False),
        "labels.b": ("3", "2", False),
        "labels.c": ("4", ABSENT, False),
    }


def test_specs_within_mappings_and_within_specs_are_compared_by_attribute() -> None:
    desired = Outer(ends=FrozenMap({"x": Inner(mtu=9000), "y": Inner()}), one=Inner(mtu=9000))
    observed = Outer(ends=FrozenMap({"x": Inner("02:00:00:00:00:01"), "z": Inner()}))
    assert paths(desired, observed) == {
        "ends.x.mtu": (1500, 9000, False),
        "ends.y": (ABSENT, Inner(), False),
        "ends.z": (Inner(), ABSENT, False),
        "one.mtu": (1500, 9000, False),
    }


def test_what_the_host_chooses_is_compared_only_when_declared() -> None:
    assert paths(Outer(), Outer(address="10.0.0.1")) == {}
    assert paths(Outer(address="10.0.0.2"), Outer(address="10.0.0.1")) == {"address": ("10.0.0.1", "10.0.0.2", False)}


def test_what_only_a_step_needs_is_not_compared() -> None:
    assert paths(Outer(context="/a"), Outer(context="/b")) == {}


def test_a_secret_is_one_all_the_way_down() -> None:
    desired = Outer(environment=FrozenMap({"A": "1"}), login=Inner(mtu=1))
    assert paths(desired, Outer()) == {"environment.A": (ABSENT, "1", True), "login.mtu": (1500, 1, True)}


@pytest.mark.parametrize(
    ("before", "desired", "action"),
    [
        ({}, {"box/a": {}}, CREATE),
        ({"box/a": {}}, {}, DELETE),
        ({"box/a": {}}, {"box/a": {}}, None),
        ({"box/a": {}}, {"box/a": {"color": "red"}}, UPDATE),
        ({"box/a": {}}, {"box/a": {"shape": "square"}}, REPLACE),
        ({"box/a": {}}, {"box/a": {"shape": "square", "color": "red"}}, REPLACE),
        ({"box/a": {"color": "black"}}, {"box/a": {"color": "red"}}, REPLACE),
        ({"box/a": {"options": {"u": "1"}}}, {"box/a": {"options": {"u": "2"}}}, UPDATE),
        ({"ground/ext": {"owner": ""}}, {"ground/ext": {"external": True, "color": "red"}}, None),
        ({}, {"ground/ext": {"external": True}}, CREATE),
        ({"ground/ext": {"owner": ""}}, {}, None),
    ],
)
def test_the_action_is_the_least_that_closes_the_difference(
    before: Entries, desired: Entries, action: Action | None
) -> None:
    assert list(actions(changes(before, desired)).values()) == [action] * (action is not None)


def test_a_change_tells_which_attributes_force_a_replacement() -> None:
    found = changes({"box/a": {}}, {"box/a": {"shape": "square", "color": "red"}})
    fields = found.by_key[ResourceKey("box", "a")].fields
    assert {each.path: each.forces for each in fields} == {"color": False, "shape": True}


def test_kept_kinds_are_not_deleted() -> None:
    assert actions(changes({"volume/a": {}, "box/a": {}}, {}, keep={"volume"})) == {"box/a": DELETE}


def test_what_is_asked_for_is_replaced_but_only_what_is_there_and_ours() -> None:
    before: Entries = {"box/a": {}, "ground/ext": {"owner": ""}, "box/c": {}}
    desired: Entries = {"box/a": {}, "box/b": {}, "ground/ext": {"external": True}}
    found = changes(before, desired, force=["box/a", "box/b", "box/c", "box/d", "ground/ext"])
    assert actions(found) == {"box/a": REPLACE, "box/b": CREATE, "box/c": DELETE}
    assert reason(found, "box/a") == "asked for"


def test_what_cannot_be_observed_and_what_needs_it_is_out_of_reach() -> None:
    desired: Entries = {
        "image/a": {},
        "box/a": {"stands_on": ["image/a"]},
        "part/a1": {"stands_on": ["box/a"]},
        "ground/a": {},
    }
    before: Entries = {"part/b1": {}}
    found = changes(before, desired, image=EngineUnreachable("none"))
    assert actions(found) == {"ground/a": CREATE, "part/b1": DELETE}


# what follows from others


GROUND: Entries = {
    "ground/a": {},
    "box/a": {"stands_on": ["ground/a"]},
    "part/a1": {"stands_on": ["box/a"]},
    "pointer/a": {"refers_to": ["ground/a"]},
    "leaf/a": {"after": {"ground/a": ""}},
}


def test_a_replacement_cascades_to_what_stands_on_it_and_updates_what_refers_to_it() -> None:
    found = changes(GROUND, {**GROUND, "ground/a": {"shape": "square"}})
    assert actions(found) == {"ground/a": REPLACE, "box/a": REPLACE, "part/a1": REPLACE, "pointer/a": UPDATE}
    assert reason(found, "part/a1") == "stands on box/a"
    assert reason(found, "pointer/a") == "refers to ground/a"


def test_an_update_disturbs_nobody() -> None:
    assert actions(changes(GROUND, {**GROUND, "ground/a": {"color": "red"}})) == {"ground/a": UPDATE}


def test_what_is_gone_from_under_others_replaces_them() -> None:
    before = {key: entry for key, entry in GROUND.items() if key != "ground/a"}
    assert actions(changes(before, GROUND))["box/a"] is REPLACE


def on_other_ground(changes_of: str, entry: Mapping[str, Any] | None) -> Changes:
    """A box of the same attributes, that stood on one ground and is to stand on another."""
    before: Entries = {"ground/a": {}, "ground/b": {}, "box/a": {}, "part/a1": {"stands_on": ["box/a"]}}
    wanted = topology(
        {
            "ground/b": {},
            **({"ground/a": entry} if entry is not None else {}),
            **{k: before[k] for k in ("box/a", "part/a1")},
        }
    )
    observed = observe(host_with(before), wanted, kinds=KINDS)
    key = ResourceKey("box", "a")
    need = {name: Need(ResourceKey("ground", name), changes_of) for name in "ab"}
    have = {**observed.resources, key: replace(observed.resources[key], needs=(need["a"],))}
    want = {**wanted.resources, key: replace(wanted.resources[key], needs=(need["b"],))}
    return diff(
        replace(wanted, resources=MappingProxyType(want)),
        replace(observed, resources=MappingProxyType(have)),
        kinds=KINDS,
    )


def test_what_stood_on_what_goes_falls_with_it_though_it_stays_as_it_is() -> None:
    found = on_other_ground("via", None)
    assert actions(found) == {"ground/a": DELETE, "box/a": REPLACE, "part/a1": REPLACE}
    assert reason(found, "box/a") == "stood on ground/a"
    assert actions(on_other_ground("via", {"shape": "square"}))["box/a"] is REPLACE
    assert actions(on_other_ground("via", {"color": "red"}))["box/a"] is REPLACE, "it may bear it no more"
    assert actions(on_other_ground("via", {})) == {}


def test_what_moves_by_itself_is_not_pulled_along_by_where_it_moves_to() -> None:
    before: Entries = {"ground/a": {}, "seat/a": {"stands_on": ["ground/a"]}}
    desired: Entries = {"ground/a": {}, "ground/b": {}, "seat/a": {"stands_on": ["ground/b"]}}
    assert actions(changes(before, desired)) == {"ground/b": CREATE, "seat/a": UPDATE}


def test_what_is_not_seen_to_stand_anywhere_is_pulled_along_unless_it_moves_there_by_itself() -> None:
    desired = topology({"ground/a": {}, "box/a": {"stands_on": ["ground/a"]}})
    box = desired.resources[ResourceKey.of("box/a")]
    floating = Topology(NAME, MappingProxyType({box.key: replace(box, needs=())}))
    assert actions(diff(desired, floating, kinds=KINDS)) == {"ground/a": CREATE, "box/a": REPLACE}


def test_what_stays_falls_though_it_also_moves() -> None:
    before: Entries = {"ground/a": {}, "seat/a": {"stands_on": ["ground/a"]}}
    desired: Entries = {
        "ground/a": {"shape": "square"},
        "ground/b": {},
        "seat/a": {"stands_on": ["ground/a", "ground/b"]},
    }
    assert actions(changes(before, desired)) == {"ground/a": REPLACE, "ground/b": CREATE, "seat/a": REPLACE}


IMAGES: Entries = {
    "image/a": {"inputs": "x"},
    "image/b": {"stands_on": ["image/a"]},
    "ground/a": {},
    "box/a": {"stands_on": ["image/b"]},
    "box/b": {"stands_on": ["image/a", "ground/a"]},
    "box/c": {"stands_on": ["image/a"]},
    "pointer/a": {"refers_to": ["box/c", "ground/a"]},
}


def if_changed(found: Changes) -> dict[str, list[str]]:
    return {str(each.key): [str(root) for root in each.if_changed] for each in found.pending}


def test_what_may_come_out_the_same_replaces_only_if_it_changed() -> None:
    found = changes(IMAGES, {**IMAGES, "image/a": {"inputs": "y"}})
    assert if_changed(found) == {
        "image/a": [],
        "image/b": ["image/a"],
        "box/a": ["image/b"],
        "box/b": ["image/a"],
        "box/c": ["image/a"],
        "pointer/a": ["image/a"],
    }


def test_what_is_due_in_any_case_hangs_on_nothing() -> None:
    desired = {**IMAGES, "image/a": {"inputs": "y"}, "ground/a": {"shape": "square"}}
    desired["box/c"] = {"stands_on": ["image/a"], "color": "red"}
    found = changes(IMAGES, desired)
    assert if_changed(found)["box/b"] == []
    assert if_changed(found)["box/c"] == []
    assert if_changed(found)["pointer/a"] == []
    assert found.by_key[ResourceKey("box", "c")].action is REPLACE


def test_what_stands_on_one_and_refers_to_another_hangs_on_both() -> None:
    before: Entries = {"image/a": {}, "ground/a": {}, "box/a": {"stands_on": ["image/a"], "refers_to": ["ground/a"]}}
    same = {**before, "image/a": {"inputs": "y"}}
    assert if_changed(changes(before, same))["box/a"] == ["image/a"]
    assert if_changed(changes(before, {**same, "ground/a": {"shape": "square"}}))["box/a"] == []


def test_a_promotion_cascades_and_leaves_what_hangs_on_something_hanging() -> None:
    desired = {**IMAGES, "image/a": {"inputs": "y"}, "ground/a": {"color": "red"}}
    found = promoted(changes(IMAGES, desired), [ResourceKey("ground", "a")], kinds=KINDS)
    assert actions(found)["ground/a"] is REPLACE
    assert if_changed(found) == {
        "ground/a": [],
        "image/a": [],
        "image/b": ["image/a"],
        "box/a": ["image/b"],
        "box/b": [],
        "box/c": ["image/a"],
        "pointer/a": [],
    }


def test_a_promotion_is_due_in_any_case() -> None:
    found = changes(IMAGES, {**IMAGES, "image/a": {"inputs": "y"}})
    again = promoted(found, [ResourceKey("pointer", "a"), ResourceKey("box", "c")], kinds=KINDS)
    assert if_changed(again)["pointer/a"] == []
    assert if_changed(again)["box/c"] == []
    assert actions(again)["pointer/a"] is REPLACE


class Chest(Box):
    """Says what becomes of what is in it."""

    def contents(self, observed: Resource) -> str:
        return f"what is in {observed.key} is lost"


def test_each_replacement_says_what_becomes_of_what_is_in_it_however_it_comes() -> None:
    kinds = {**KINDS, "box": Chest()}
    box = {"stands_on": ["ground/a"]}
    before: Entries = {"ground/a": {}, "box/by-itself": {}, "box/falls": box, "box/asked-for": {}, "box/stays": {}}
    desired = topology({**before, "ground/a": {"shape": "square"}, "box/by-itself": {"shape": "square"}})
    observed = observe(host_with(before), desired, kinds=kinds)
    found = diff(desired, observed, kinds=kinds, force=[ResourceKey("box", "asked-for")])
    said = {str(each.key): each.contents for each in found if each.contents}
    names = ["box/asked-for", "box/by-itself", "box/falls"]
    assert said == {each: f"what is in {each} is lost" for each in names}
    more = promoted(found, [ResourceKey("box", "stays")], kinds=kinds)
    assert sorted(str(each.key) for each in more if each.contents) == sorted([*names, "box/stays"])


def test_what_is_external_is_never_disturbed() -> None:
    outside = ResourceKey("box", "ext")
    desired = topology({"ground/a": {"shape": "square"}, "box/ext": {"external": True, "stands_on": ["ground/a"]}})
    host = host_with({"ground/a": {}, "box/ext": {"owner": "", "stands_on": ["ground/a"]}})
    found = diff(desired, observe(host, desired, kinds=KINDS), kinds=KINDS)
    assert found.by_key[outside].action is NOOP


# who holds by chance what another is to take


def test_what_the_host_chose_gives_way_to_what_is_declared_and_comes_after_it() -> None:
    before: Entries = {"guest/a": {"slot": 100}, "guest/b": {"slot": 101}}
    found = changes(before, {"guest/a": {}, "guest/b": {}, "leaf/a": {"holds": [("s", 99, 100)]}})
    assert actions(found) == {"guest/a": REPLACE, "leaf/a": CREATE}
    assert reason(found, "guest/a") == "holds s 100, which leaf/a takes"
    desired = found.by_key[ResourceKey("guest", "a")].desired
    assert desired
    assert Need(ResourceKey("leaf", "a"), "", How.AFTER) in desired.needs


def test_what_is_external_never_gives_way() -> None:
    desired: Entries = {"box/x": {"external": True}, "box/b": {"holds": [("p", 1, 1)]}}
    assert actions(changes({"box/x": {"owner": "", "holds": [("p", 1, 1)]}}, desired)) == {"box/b": CREATE}


def test_what_the_host_chose_gives_way_though_it_is_updated_as_well() -> None:
    desired: Entries = {"guest/a": {"color": "red"}, "leaf/a": {"holds": [("s", 100, 100), ("s", 102, 102)]}}
    assert actions(changes({"guest/a": {"slot": 100}}, desired)) == {"guest/a": REPLACE, "leaf/a": CREATE}
    desired = {"guest/a": {"color": "red"}, "leaf/a": {"holds": [("s", 102, 102)]}}
    assert actions(changes({"guest/a": {"slot": 100}}, desired)) == {"guest/a": UPDATE, "leaf/a": CREATE}


def test_nobody_gives_way_to_oneself() -> None:
    desired: Entries = {"seat/a": {"holds": [("s", 99, 100)]}}
    assert actions(changes({"seat/a": {"slot": 100}}, desired)) == {"seat/a": UPDATE}


def test_what_gives_way_does_not_wait_for_what_needs_it() -> None:
    before: Entries = {"guest/a": {"slot": 100}}
    resources = dict(topology({"guest/a": {}, "leaf/a": {"holds": [("s", 100, 100)]}}).resources)
    guest, leaf = ResourceKey("guest", "a"), ResourceKey("leaf", "a")
    resources[guest] = replace(resources[guest], needs=())
    resources[leaf] = replace(resources[leaf], needs=(Need(guest, "x"), Need(ResourceKey("host", "host"), "x")))
    desired = replace(topology({}), resources=resources)
    found = diff(desired, observe(host_with(before), desired, kinds=KINDS), kinds=KINDS)
    assert found.by_key[guest].action is REPLACE
    assert found.by_key[guest].desired == resources[guest]


# order


def needing(**needs: str) -> dict[ResourceKey, Resource]:
    return {
        ResourceKey("a", name): Resource(
            ResourceKey("a", name), Spec(), tuple(Need(ResourceKey("a", each), "x") for each in below)
        )
        for name, below in needs.items()
    }


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        (needing(a="c", b="", c="b"), "bca"),
        (needing(a="bc", b="d", c="d", d="z"), "dbca"),
        (needing(a="b", b="a", c="a"), "bac"),
        (needing(a="a"), "a"),
    ],
)
def test_what_is_needed_comes_first_and_a_circle_does_not_hang(
    needs: Mapping[ResourceKey, Resource], order: str
) -> None:
    assert "".join(each.name for each in in_order_of_needs(needs)) == order


def test_a_deep_chain_is_no_recursion() -> None:
    chain = {f"image/{number:05}": {"stands_on": [f"image/{number - 1:05}"] * (number > 0)} for number in range(5000)}
    desired = topology(chain)
    observed = replace(desired, name=NAME, resources=MappingProxyType(dict(desired.resources)))
    found = diff(desired, observed, kinds=KINDS, force=[ResourceKey("image", "00000")])
    assert len(found.pending) == 5000
    assert all(isinstance(each, Change) for each in found)
