"""The file as the kinds read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from paper import source

from reconciler.kinds.source import did_you_mean, home
from reconciler.model import HOST, Claim, Need, ResourceKey, Spec

FILE: dict[str, Any] = {
    "containers": {"web": None, "db": {"container_name": "database"}, "old": {"external": True}},
    "networks": {"lan": {"name": "office"}, "wan": {"external": True, "name": "uplink"}},
    "namespaces": {"red": {}},
    "bridges": {"br0": {}},
    "volumes": None,
}
WEB = ("containers", "web", "image")


@pytest.mark.parametrize(
    ("section", "name", "live"),
    [
        ("containers", "web", "t-web"),
        ("containers", "db", "database"),
        ("containers", "old", "old"),
        ("networks", "lan", "office"),
        ("networks", "wan", "uplink"),
        ("volumes", "data", "t-data"),
    ],
)
def test_a_live_name_is_the_entrys_own_or_has_the_prefix(section: str, name: str, live: str) -> None:
    assert source(FILE).live(section, name) == live


@pytest.mark.parametrize(("prefix", "live"), [("", "web"), ("lab", "lab-web")])
def test_the_prefix_may_be_another_or_none(prefix: str, live: str) -> None:
    assert source({**FILE, "prefix": prefix}).live("containers", "web") == live


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("web", ResourceKey("container", "web")),
        ("red", ResourceKey("namespace", "red")),
        ("br0", ResourceKey("bridge", "br0")),
        ("host", HOST),
    ],
)
def test_a_node_is_found_by_its_name(name: str, key: ResourceKey) -> None:
    read = source(FILE)
    assert read.node(WEB, name) == key
    assert read.problems == []


def test_an_unknown_node_is_a_problem_with_a_hint() -> None:
    read = source(FILE)
    assert read.node(WEB, "rad") is None
    assert [(each.message, each.hint) for each in read.problems] == [("there is no node 'rad'", "did you mean 'red'?")]


def test_a_reference_is_found_in_its_section() -> None:
    read = source(FILE)
    assert read.reference(WEB, "networks", "lan", "network") == ResourceKey("network", "lan")
    assert read.reference(WEB, "volumes", "dta", "volume") is None
    assert [(each.message, each.hint) for each in read.problems] == [("there is no 'dta' in volumes", "")]


def test_a_resource_remembers_where_it_stands_and_sorts_what_it_needs_and_claims() -> None:
    read = source(FILE, path="/t.yaml")
    key = ResourceKey("container", "web")
    needs = [Need(ResourceKey("network", name), "networks") for name in ("wan", "lan", "wan")]
    claims = [Claim("b"), Claim("a"), Claim("b")]
    made = read.resource(WEB, key, Spec(), needs=needs, claims=claims, owned=False, part_of=HOST, ready="healthy")
    assert [each.key.name for each in made.needs] == ["lan", "wan"]
    assert made.claims == (Claim("a"), Claim("b"))
    assert (made.owned, made.part_of, made.ready) == (False, HOST, "healthy")
    assert read.places == {key: WEB}
    assert (read.path, read.variable(WEB, "A")) == ("/t.yaml", "A at containers")
    assert read.directory(WEB) == Path("/paper/containers")


def test_a_home_directory_is_of_somebody() -> None:
    assert home("~/x") == Path("~/x").expanduser()
    with pytest.raises(ValueError, match="'~nobody-here/x' is in the home directory of somebody who is not known here"):
        home("~nobody-here/x")


def test_what_is_wrong_in_a_value_of_which_a_part_is_not_known_is_not_told() -> None:
    read = source(FILE, cut=[WEB, ("containers", "web")])
    read.problem(WEB, "no")
    assert read.problems == []
    read.problem(("containers", "web"), "no")
    assert len(read.problems) == 1


def test_a_reference_to_what_was_left_out_is_no_problem() -> None:
    read = source(FILE, cut=[("networks", "gone"), ("bridges", "gone")])
    assert read.reference(WEB, "networks", "gone", "network") is None
    assert read.node(WEB, "gone") is None
    assert read.problems == []


def test_only_a_near_miss_is_hinted_at() -> None:
    assert did_you_mean("netwrk", ["network", "volume"]) == "did you mean 'network'?"
    assert did_you_mean("xyz", ["network", "volume"]) == ""
