"""What no schema can say."""

from __future__ import annotations

from typing import Any

from paper import source

from reconciler.model import Claim, Need, Resource, ResourceKey, Spec
from reconciler.topology.check import problems

NAMES = "abcdef"
FILE: dict[str, Any] = {"containers": dict.fromkeys(NAMES), "networks": {"a": None}}


def key(name: str) -> ResourceKey:
    return ResourceKey("network" if name.isupper() else "container", name.lower())


def found(
    needs: dict[str, str] | None = None, claims: dict[str, list[Claim]] | None = None, extra: str = ""
) -> list[str]:
    """What is wrong if the containers a… (and the network A) have these needs and claims."""
    read, names = source(FILE), [*NAMES, "A", *extra]
    resources: list[Resource] = [
        read.resource(
            ("networks" if name.isupper() else "containers", name.lower()),
            key(name),
            Spec(),
            needs=[Need(key(each), "x") for each in (needs or {}).get(name, "")],
            claims=(claims or {}).get(name, ()),
        )
        for name in names
    ]
    return [f"{each.pointer}: {each.message} ({each.hint})" for each in problems(resources, read)]


def test_a_good_file_has_no_problems() -> None:
    assert found({"a": "bA", "b": "c", "d": "z"}, {"a": [Claim("x")], "b": [Claim("y")]}) == []


def test_nodes_share_one_space_of_names() -> None:
    read = source({"containers": {"a": None, "host": None}, "bridges": {"a": None}, "networks": {"a": None}})
    assert [f"{each.pointer}: {each.message} ({each.hint})" for each in problems([], read)] == [
        "containers/host: 'host' is also the name of the host (rename one)",
        "bridges/a: 'a' is also the name of one of containers (rename one)",
    ]


def test_a_key_declared_twice_is_named_once() -> None:
    assert found(extra="b") == ["containers/b: container/b is declared twice ()"]


def test_a_circle_is_told_once_from_its_least_key_on() -> None:
    assert found({"c": "d", "d": "b", "b": "c", "a": "b", "e": "de"}) == [
        "containers/b: these need each other: b → c → d → b (break the circle)",
        "containers/e: these need each other: e → e (break the circle)",
    ]


def test_a_circle_over_several_kinds_tells_the_kinds() -> None:
    assert found({"a": "A", "A": "a"}) == ["containers/a: these need each other: a → network/a → a (break the circle)"]


def test_a_part_in_a_circle_is_told_as_what_it_is_a_part_of_and_the_circle_once() -> None:
    read = source({"containers": {"a": None}, "images": {"i": None}})
    whole, part, image = ResourceKey("container", "a"), ResourceKey("exec", "a"), ResourceKey("image", "i")
    needs = {whole: [image], part: [whole], image: [part, whole]}
    resources = [
        read.resource(
            ("images", "i") if each == image else ("containers", "a"),
            each,
            Spec(),
            needs=[Need(need, "x") for need in needs[each]],
            part_of=whole if each == part else None,
        )
        for each in needs
    ]
    told = [f"{each.pointer}: {each.message}" for each in problems(resources, read)]
    assert told == ["containers/a: these need each other: a → image/i → a"]


def test_a_part_and_its_whole_that_need_each_other_are_told_as_they_are() -> None:
    read = source({"containers": {"a": None}})
    whole, part = ResourceKey("container", "a"), ResourceKey("exec", "a")
    first = read.resource(("containers", "a"), whole, Spec(), needs=[Need(part, "x")])
    second = read.resource(("containers", "a"), part, Spec(), needs=[Need(whole, "x")], part_of=whole)
    assert [each.message for each in problems([first, second], read)] == ["these need each other: a → exec/a → a"]


def test_what_a_part_claims_is_told_as_claimed_by_the_whole() -> None:
    read = source({"containers": {"a": None, "b": None}})
    made = [
        read.resource(
            ("containers", name),
            ResourceKey("process", name),
            Spec(),
            claims=[Claim("port", 80, 80, "port 80")],
            part_of=ResourceKey("container", name),
        )
        for name in "ab"
    ]
    assert [each.message for each in problems(made, read)] == ["port 80 is taken already by container/a"]


def test_two_circles_through_one_are_both_told() -> None:
    assert found({"a": "bc", "b": "a", "c": "a"}) == [
        "containers/a: these need each other: a → b → a (break the circle)",
        "containers/a: these need each other: a → c → a (break the circle)",
    ]


def test_claims_that_overlap_are_told_at_the_later_place() -> None:
    held = {"b": [Claim("port", 80, 80, "port 80")], "a": [Claim("port", 0, 99, "ports 0-99")]}
    assert found(claims=held) == ["containers/b: port 80 is taken already by container/a (declared at paper:1:1)"]


def test_a_wide_claim_is_compared_with_all_that_begin_within_it() -> None:
    held = {
        "a": [Claim("port", 1, 50, "a")],
        "b": [Claim("port", 2, 3, "b"), Claim("other", 1, 50)],
        "c": [Claim("port", 4, 4, "c"), Claim("port", 60, 61)],
        "d": [Claim("port", 51, 59)],
        "A": [Claim("port", 50, 50, "A")],
    }
    assert (
        found(claims=held)
        == [
            "containers/b: b is taken already by container/a (declared at paper:1:1)",
            "containers/c: c is taken already by container/a (declared at paper:1:1)",
            "networks/a: A is taken already by container/a (declared at paper:1:1)",
            "containers/d: port is taken already by network/a (declared at paper:2:1)",
        ][:3]
    )


def test_one_resource_may_claim_overlapping_things_itself() -> None:
    assert found(claims={"a": [Claim("port", 1, 5), Claim("port", 2, 3)]}) == []


def test_a_circle_of_thousands_is_no_recursion() -> None:
    count = 5000
    read = source({"containers": {str(number): None for number in range(count)}})
    chain = [
        read.resource(
            ("containers", str(number)),
            ResourceKey("container", str(number)),
            Spec(),
            needs=[Need(ResourceKey("container", str((number + 1) % count)), "x")],
        )
        for number in range(count)
    ]
    assert len(list(problems(chain, read))) == 1
