"""Which images are ours, and which of their tags: told by tags of ours alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest

from reconciler.kinds.image.ownership import Held, Image, Tags, kept, known
from reconciler.kinds.image.references import base_tag, mark_tag
from reconciler.kinds.image.spec import Build, ImageSpec, Load, Pull, Recipe

LAB, LUB = "reconciler/t/lab", "reconciler/t/lub"


def reference(word: str) -> str:
    """`/lab:in-a` is a tag of ours, `/lab+x:1` our mark for x:1, and x:1 is itself."""
    if "+" in word:
        repository, _, tag = word.partition("+")
        return f"reconciler/t{repository}:{mark_tag(tag)}"
    return f"reconciler/t{word}" if word.startswith("/") else word


def tags(live: dict[str, str], *externals: str) -> Tags:
    """All tags of an engine by its images, the youngest of which are the last."""
    ids = {reference(word): identity for identity, words in live.items() for word in words.split()}
    theirs = {each: each if each in live else ids.get(each, "") for each in externals}
    return Tags("t", ids, theirs, {identity: second for second, identity in enumerate(live, 1)})


def spec(*declared: str, inputs: str = "a", recipe: Recipe | None = None, repository: str = LAB) -> ImageSpec:
    return ImageSpec(f"{repository}:in-{inputs}", inputs, declared, recipe=recipe or Build(), repository=repository)


GONE = ImageSpec()
PULL = ImageSpec("x:1", tags=("x:2",), recipe=Pull(), repository=LAB)


class Case(NamedTuple):
    """What is live and declared, and the tags that are given to each image of the repository, by its inputs."""

    live: dict[str, str]
    declared: ImageSpec
    given: dict[str, str]
    externals: tuple[str, ...] = ()


CASES = {
    "as it is declared": Case({"1": "/lab:in-a /lab+x:1 x:1"}, spec("x:1"), {"a": "x:1"}),
    "declared no more": Case({"1": "/lab:in-a /lab+x:1 x:1"}, spec(), {"a": "x:1"}),
    "a tag that a person gave": Case({"1": "/lab:in-a x:1"}, spec(), {"a": ""}),
    "a tag that a person gave is declared": Case({"1": "/lab:in-a x:1"}, spec("x:1"), {"a": "x:1"}),
    "a tag that is not there": Case({"1": "/lab:in-a /lab+x:1"}, spec("x:1"), {"a": ""}),
    "a tag moved by hand": Case({"1": "/lab:in-a /lab+x:1", "2": "x:1"}, spec("x:1"), {"a": ""}),
    "a tag moved by hand to another of ours": Case(
        {"1": "/lab:in-a /lab+x:1", "2": "/lub:in-b x:1"}, spec(), {"a": ""}
    ),
    "swapped tags": Case({"1": "/lab:in-a /lab+x:1 x:1", "2": "/lub:in-b /lub+x:2 x:2"}, spec("x:2"), {"a": "x:1"}),
    "a tag marked for another that is the same": Case(
        {"1": "/lab:in-a /lub:in-b /lub+x:1 x:1"}, spec("x:1"), {"a": ""}
    ),
    "a tag that both are marked for": Case({"1": "/lab:in-a /lab+x:1 /lub:in-b /lub+x:1 x:1"}, spec(), {"a": "x:1"}),
    "a renamed entry": Case({"1": "/lab:in-a /lab+x:1 x:1"}, GONE, {"a": "x:1"}),
    "the latest of several": Case({"2": "/lab:in-b x:2", "1": "/lab:in-a"}, GONE, {"b left": "", "a": ""}),
    "the declared of several": Case({"1": "/lab:in-a x:1", "2": "/lab:in-b"}, spec("x:1"), {"a": "x:1", "b left": ""}),
    "made by an earlier run": Case(
        {"1": "/lab:in-b /lab+x:1 x:1", "2": "/lab:in-a /lab+x:2 x:2"},
        spec("x:2"),
        {"b left": "x:1", "a": "x:2"},
    ),
    "made anew, the declared tag still there": Case(
        {"1": "/lab:in-b /lab+x:1 x:1", "2": "/lab:in-a"}, spec("x:1"), {"b left": "x:1", "a": ""}
    ),
    "made anew, and the same": Case({"1": "/lab:in-b /lab:in-a /lab+x:1 x:1"}, spec(), {"a": "x:1", "b left": ""}),
    "to be made anew": Case({"1": "/lab:in-b /lab+x:1 x:1"}, spec("x:1"), {"b": "x:1"}),
    "a mark left over, with its tag on what somebody made": Case(
        {"1": "/lab:in-a", "2": "/lab+x:2 x:2"}, spec(), {"a": "x:2"}
    ),
    "the same, and the tag is declared": Case({"1": "/lab:in-a", "2": "/lab+x:2 x:2"}, spec("x:2"), {"a": ""}),
    "a mark left over without its tag": Case({"1": "/lab:in-a", "2": "/lab+x:2", "3": "x:2"}, spec(), {"a": ""}),
    "only a mark is left": Case({"1": "/lab+x:1 x:1"}, GONE, {"": "x:1"}),
    "only a mark is left of what is to be made": Case({"1": "/lab+x:1 x:1"}, spec("x:1"), {"": "x:1"}),
    "pulled by now": Case({"1": "/lab:in-a /lab+x:1 x:1"}, PULL, {"a left": ""}),
    "pulled by now, and another one": Case({"1": "/lab:in-a /lab+x:2 x:2", "2": "x:1"}, PULL, {"a left": "x:2"}),
    "pulled, and nothing made": Case({"1": "/lab+x:2 x:2 x:1"}, PULL, {}),
    "external by now": Case({"1": "/lab:in-a /lab+x:1 x:1"}, GONE, {"a": ""}, ("x:1",)),
    "external by now, and only a mark is left": Case({"1": "/lab+x:1 x:1"}, GONE, {"": ""}, ("x:1",)),
    "a build that was cut off": Case({"1": "/lab:stage-a-0"}, spec("x:1"), {}),
    "a build that was cut off, over an older image": Case(
        {"1": "/lab:in-b /lab+x:1 x:1", "2": "/lab:stage-a-0"}, spec("x:1"), {"b": "x:1"}
    ),
    "a build that was cut off, and is declared no more": Case({"1": "/lab:stage-b-0"}, spec(), {"b left": ""}),
    "another topology": Case({"1": "reconciler/other/lab:in-a x:1"}, GONE, {}),
}


def images(found: Tags, declared: ImageSpec, name: str = "lab") -> Iterator[Image]:
    """What is in a repository, if it is there."""
    pulled = found.ids.get(declared.reference, "") if isinstance(declared.recipe, Pull) else ""
    for repository in [found.repositories[name]] if name in found.repositories else ():
        yield from repository.images(declared, pulled)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_tags_that_an_image_has_from_us(case: Case) -> None:
    found = tags(case.live, *case.externals)
    given = {
        f"{each.digest} left" if each.left else each.digest: " ".join(found.given(each))
        for each in images(found, case.declared)
    }
    assert list(given.items()) == list(case.given.items())


@pytest.mark.parametrize(
    ("live", "declared", "own"),
    [
        ({"1": "/lab:in-a /lab:stage-a-0 /lab+x:1 x:1"}, spec(), ["/lab:in-a /lab:stage-a-0 /lab+x:1"]),
        ({"1": "/lab:in-b /lab+x:1", "2": "/lab:in-a /lab+x:2"}, spec(), ["/lab:in-b /lab+x:1", "/lab:in-a /lab+x:2"]),
        ({"1": "/lab:in-b", "2": "/lab:in-a", "3": "/lab+x:1"}, spec(), ["/lab:in-b", "/lab:in-a /lab+x:1"]),
        ({"1": "/lab:in-b /lab:in-a /lab+x:1"}, spec(), ["/lab:in-a /lab+x:1", "/lab:in-b"]),
        ({"1": "/lab:stage-b-0 /lab:stage-b-1 /lab:in-a"}, spec(), ["/lab:stage-b-0 /lab:stage-b-1", "/lab:in-a"]),
        ({"1": "/lab+x:1", "2": "/lab+x:2"}, GONE, ["/lab+x:1 /lab+x:2"]),
        (
            {"1": "/lab:in-a /lab:base-a-0-1", "2": "/lab:base-a-0-2"},
            spec(),
            ["/lab:in-a /lab:base-a-0-1 /lab:base-a-0-2"],
        ),
        ({"1": "/lab:base-b-0-1"}, spec(), ["/lab:base-b-0-1"]),
    ],
)
def test_each_tag_of_ours_belongs_to_one_image(live: dict[str, str], declared: ImageSpec, own: list[str]) -> None:
    found = tags(live)
    assert [list(each.own) for each in images(found, declared)] == [list(map(reference, each.split())) for each in own]
    assert all(found.ids[tag] == at for each in images(found, declared) for tag, at in each.own.items())


@pytest.mark.parametrize(
    ("live", "own", "given"),
    [
        ({"1": "x:1"}, "", ""),
        ({"1": "x:1 x:2"}, "", "x:2"),
        ({"1": "x:1 x:2 /lab+x:2"}, "/lab+x:2", "x:2"),
        ({"1": "x:1 /lab:in-a /lab+x:1"}, "/lab+x:1", "x:1"),
        ({"1": "x:1", "2": "/lab:in-a /lab+x:2 x:2"}, "", ""),
        ({"1": "x:1", "2": "/lab+x:3 x:3"}, "/lab+x:3", "x:3"),
    ],
)
def test_what_is_pulled_has_the_marks_that_are_on_nothing_that_was_made_here(
    live: dict[str, str], own: str, given: str
) -> None:
    found = tags(live)
    image = found.pulled("lab", "1", PULL.tags)
    assert (image.reference, list(image.own), list(found.given(image))) == (
        "",
        list(map(reference, own.split())),
        given.split(),
    )


@pytest.mark.parametrize(
    ("live", "external", "carried"),
    [
        ({"1": "/lab:in-a"}, "1", True),
        ({"1": "/lab:in-a x:1"}, "x:1", False),
        ({"1": "/lab:in-a"}, f"{LAB}:in-a", True),
        ({"1": "/lab:in-a", "2": "x:1"}, "2", False),
        ({"1": "/lab:in-a"}, "x:1", False),
    ],
)
def test_an_external_that_no_tag_of_others_holds_would_go_with_ours(
    live: dict[str, str], external: str, carried: bool
) -> None:
    found = tags(live, external)
    assert [found.carries_external(each) for each in images(found, GONE)] == [carried]


@pytest.mark.parametrize(
    ("live", "declared", "foreign"),
    [
        ({"1": "x:1"}, spec("x:1"), {"x:1": "1"}),
        ({"1": "/lab:in-a", "2": "x:1 x:2"}, spec("x:1", "x:2", "x:3"), {"x:1": "2", "x:2": "2"}),
        ({"1": "/lab:in-a x:1"}, spec("x:1"), {}),
        ({"1": "/lab:in-a", "2": "/lub:in-b /lub+x:1 x:1"}, spec("x:1"), {}),
        ({"1": "/lab:in-a /lab+x:1", "2": "x:1"}, spec("x:1"), {}),
        ({"1": "x:2 x:1"}, PULL, {}),
        ({"1": "x:1", "2": "x:2"}, PULL, {"x:2": "2"}),
        ({"1": "x:1", "2": "x:2", "3": "x:3"}, spec("x:1", "x:2", "x:3", recipe=Load(ids=("1", "3"))), {"x:2": "2"}),
    ],
)
def test_a_tag_of_a_stranger_is_in_the_way_but_not_on_what_is_declared(
    live: dict[str, str], declared: ImageSpec, foreign: dict[str, str]
) -> None:
    assert dict(tags(live).foreign(declared)) == foreign


def based(*ids: str, on: str = "theirs:1") -> str:
    """Tags that say on what an image was built."""
    return " ".join(f"/lab:{base_tag('a', on, f'sha256:{each}')}" for each in ids)


@pytest.mark.parametrize(
    ("live", "stands"),
    [
        ({"1": "/lab:in-a"}, True),
        ({"1": f"/lab:in-a {based('f1')}"}, True),
        ({"1": f"/lab:in-a {based('f1', 'e0')}"}, True),
        ({"1": f"/lab:in-a {based('e0')}"}, False),
        ({"1": f"/lab:in-a {based('e0', on='other:1')}"}, True),
        ({"1": "/lab:in-a", "2": based("f1")}, False),
        ({"1": f"/lab:in-a {based('f1')}", "2": based("e0")}, True),
    ],
)
def test_an_image_stands_on_what_its_base_is_now_or_on_what_it_was(live: dict[str, str], stands: bool) -> None:
    (image,) = images(tags(live), spec())
    assert image.stands_on({"theirs:1": "sha256:f1"}) is stands
    assert image.stands_on({"theirs:1": ""})
    assert image.stands_on({})


def test_a_tag_that_another_topology_gave_is_known_by_its_mark() -> None:
    marked = f"reconciler/other/lab:{mark_tag('x:1')}"
    strange = (f"y:{mark_tag('x:2')}", f"registry/other/lab:{mark_tag('x:3')}", f"reconciler/lab:{mark_tag('x:4')}")
    found = Tags("t", {"x:1": "1", marked: "1", **dict.fromkeys(strange, "2"), "reconciler/other/lab:in-a": "1"})
    assert [found.topology_of(each) for each in ("x:1", "x:2", "x:3", "x:4")] == ["other", "", "", ""]


def test_all_tags_of_an_image_are_told_in_order() -> None:
    found = tags({"1": "x:2 x:1"})
    assert (found.of("1"), found.of("2")) == (("x:1", "x:2"), ())


def test_what_goes_takes_along_nothing_that_the_file_wants() -> None:
    specs = [spec("x:1"), replace(spec("x:2", repository=LUB), reference="busybox"), GONE]
    assert known(specs) == {f"{LAB}:in-a", "busybox:latest"}
    marks = {f"{LAB}:{mark_tag('x:1')}", f"{LUB}:{mark_tag('x:2')}"}
    assert kept(specs) == {*known(specs), "x:1", "x:2", *marks}
    own = {reference("/lab:in-a"): "1", reference("/lab:in-b"): "1"}
    assert Held("1", LAB, own, {"x:1": "1", "x:3": "1"}, kept(specs), known(specs)).going == {"x:3", f"{LAB}:in-b"}
