"""Marks: how we know what is ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.host.marks import (
    ID,
    KEY,
    TOPOLOGY,
    Mark,
    came_between,
    is_from,
    of_alias,
    of_labels,
    own_labels,
    topology_of,
    topology_of_alias,
)
from reconciler.model import ResourceKey

HOST = "f" * 16
KEYED = ResourceKey("veth", "blue:eth0--red:eth0")
words = st.text(st.characters(min_codepoint=33, exclude_categories=("C", "Z")), min_size=1, max_size=20)
hosts = st.integers(0, 2**64 - 1).map("{:x}".format)


@given(words, words, words, st.text(max_size=300))
def test_a_mark_survives_labels(topology: str, kind: str, name: str, source: str) -> None:
    key = ResourceKey(kind.replace("/", "-"), name)
    assert of_labels(Mark(topology, key, source).labels()) == Mark(topology, key, source)


@given(words, words, st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=400), hosts)
def test_a_mark_survives_an_alias_though_a_long_path_loses_its_beginning(
    topology: str, name: str, source: str, host: str
) -> None:
    mark = Mark(topology, ResourceKey("veth", name), source, host)
    found = of_alias(mark.alias())
    assert found
    assert (found.topology, found.key, found.host) == (mark.topology, mark.key, mark.host)
    assert source.endswith(found.source)
    assert len(mark.alias().encode()) <= 255


@pytest.mark.parametrize("length", range(1, 40))
def test_a_path_that_lost_its_beginning_is_known_as_the_end_of_one(length: int) -> None:
    file = f"/{'x' * 300}/{'y' * length}/{'z' * 105}"
    found = of_alias(Mark("t", ResourceKey("veth", "v" * 80), file, HOST).alias())
    assert found
    assert 105 < len(found.source) < 150
    assert is_from(file, found.source)


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_the_longest_names_leave_room_for_the_end_of_the_path(letter: str) -> None:
    one, two = (
        Mark("t" * 64, ResourceKey("namespace", letter * 300 + end), "/some/where/lab.yaml", HOST) for end in "ab"
    )
    assert max(len(each.alias().encode()) for each in (one, two)) <= 255
    found = of_alias(one.alias())
    assert found == one.short
    assert found
    assert found.source == "/some/where/lab.yaml"
    assert one.is_in(one.alias())
    assert not one.is_in(two.alias()), "a digest tells apart what begins alike"


def test_a_mark_is_known_by_topology_key_and_host_whichever_file_it_came_from() -> None:
    mark = Mark("t", KEYED, "one.yaml", HOST)
    assert mark.short == mark
    assert mark.is_in(Mark("t", KEYED, "two.yaml", HOST).alias())
    assert not mark.is_in(Mark("u", KEYED, "one.yaml", HOST).alias())
    assert not mark.is_in(Mark("t", KEYED, "one.yaml", "1").alias()), "another host of the machine has its own"
    assert not mark.is_in("uplink")
    assert not mark.is_in(None)


@pytest.mark.parametrize(
    "labels",
    [None, {}, {"other": "1"}, {TOPOLOGY: "t"}, {TOPOLOGY: "t", KEY: "container"}, {TOPOLOGY: "t", KEY: "/web"}],
)
def test_other_labels_are_no_mark(labels: dict[str, str] | None) -> None:
    assert of_labels(labels) is None


@pytest.mark.parametrize(
    "alias", [None, "", "uplink", "reconciler", "reconciler t", "reconciler t veth", "other t a/b"]
)
def test_other_aliases_are_no_mark(alias: str | None) -> None:
    assert of_alias(alias) is None


def test_labels_without_a_source_are_a_mark() -> None:
    assert of_labels({TOPOLOGY: "t", KEY: str(KEYED)}) == Mark("t", KEYED)


def test_a_mark_that_docker_commit_copied_does_not_count() -> None:
    mark = Mark("rv", KEYED).labels()
    assert own_labels({**mark, ID: "1", "theirs": "x"}, {ID: "1"}) == {"theirs": "x"}
    assert own_labels(mark, {}) == own_labels({**mark, ID: ""}, None) == {}
    for image in ({ID: "2"}, {}, None):
        assert own_labels({**mark, ID: "1"}, image) == {**mark, ID: "1"}


def test_labels_tell_of_which_topology_a_foreign_object_is() -> None:
    mark = Mark("rv", ResourceKey("network", "lan"), "/x/rv.yaml")
    assert topology_of(mark.labels()) == {"topology": "rv", "source": "/x/rv.yaml"}
    assert topology_of({"a": "b"}) == topology_of(None) == {}
    assert topology_of_alias(mark.alias()) == {"topology": "rv", "source": "/x/rv.yaml"}
    assert topology_of_alias("uplink") == topology_of_alias(None) == {}


@pytest.mark.parametrize(
    ("file", "marked", "is_it"),
    [
        ("/x/t.yaml", "/x/t.yaml", True),
        ("/x/t.yaml", "t.yaml", True),
        ("/x/t.yaml", "/y/t.yaml", False),
        ("/x/t.yaml", "", False),
        ("-", "-", False),
        ("/x/t-", "-", False),
        ("/home/x/t.yaml", "/x/t.yaml", False),
    ],
)
def test_a_mark_tells_of_which_file_it_is_unless_that_has_no_path(file: str, marked: str, is_it: bool) -> None:
    assert is_from(file, marked) == is_it


def test_nobody_is_told_to_remove_what_another_topology_has_made_in_place_of_ours() -> None:
    assert str(came_between("a bridge br0", None)) == (
        "a bridge br0 that is not ours came in between: remove it, or name yours"
    )
    assert str(came_between("a bridge br0", Mark("u", KEYED))) == (
        f"a bridge br0 that is {KEYED} of topology u came in between: choose another for yours"
    )
