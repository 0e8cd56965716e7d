"""References to images, and the tags by which we know what is ours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from paper import source

from reconciler.kinds.image.containers import image_of, is_built, misspelt
from reconciler.kinds.image.references import (
    base_tag,
    belongs_to,
    component,
    inputs_of,
    inputs_tag,
    is_base,
    is_mark,
    is_tag,
    mark_tag,
    may_be_of,
    normal,
    root,
    split,
    stage_of,
    stage_tag,
)
from reconciler.model import ResourceKey

ID, DIGEST = "0123456789abcdef" * 4, "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("reference", "listed"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:1.36", "busybox:1.36"),
        ("library/busybox", "busybox:latest"),
        ("docker.io/library/busybox:1", "busybox:1"),
        ("index.docker.io/me/x", "me/x:latest"),
        ("me/x__y-z.a:B_1", "me/x__y-z.a:B_1"),
        ("localhost/x", "localhost/x:latest"),
        ("registry:5000/a/b", "registry:5000/a/b:latest"),
        ("Registry.example.com/a:1", "Registry.example.com/a:1"),
        ("[fd00::1]:5000/a", "[fd00::1]:5000/a:latest"),
        (f"busybox@{DIGEST}", f"busybox@{DIGEST}"),
        (f"busybox:1@{DIGEST}", f"busybox@{DIGEST}"),
        (ID, f"sha256:{ID}"),
        (f"sha256:{ID}", f"sha256:{ID}"),
    ],
)
def test_a_reference_is_written_as_the_engine_lists_it(reference: str, listed: str) -> None:
    assert normal(reference) == listed


@pytest.mark.parametrize(
    "reference", ["", "Busybox", "a:", "a b", "a//b", "-a", "a@sha256:12", "host:x/a", "a:" + "x" * 129]
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="is not a reference to an image"):
        normal(reference)
    assert not is_tag(reference)


@pytest.mark.parametrize(
    ("reference", "can_be"),
    [
        ("lab", True),
        ("registry:5000/lab:1", True),
        (f"lab@{DIGEST}", False),
        (ID, False),
        ("reconciler/t/lab:1", False),
        ("docker.io/reconciler/t/lab:1", False),
    ],
)
def test_an_id_a_digest_and_a_tag_of_our_own_cannot_be_declared_as_tags(reference: str, can_be: bool) -> None:
    assert is_tag(reference) is can_be


def test_a_reference_is_taken_apart_at_its_last_colon() -> None:
    assert split("registry:5000/a:1") == ("registry:5000/a", "1")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("lab", "lab"),
        ("a.b_c-d", "a.b_c-d"),
        ("Lab", r"lab-[0-9a-f]{6}"),
        ("a..b", r"a-b-[0-9a-f]{6}"),
        ("--", r"[0-9a-f]{6}"),
        ("x" * 65, r"x{64}-[0-9a-f]{6}"),
    ],
)
def test_a_name_becomes_a_part_of_a_repository(name: str, part: str) -> None:
    assert re.fullmatch(part, component(name))
    assert normal(f"{root(name)}{component(name)}:1")


def test_names_that_look_alike_stay_apart() -> None:
    assert len({component(each) for each in ("lab", "Lab", "LAB", "lab.", "lab-")}) == 5


def test_each_tag_of_ours_is_read_back_and_by_no_other() -> None:
    tags = {
        "inputs": inputs_tag("0f"),
        "stage": stage_tag("0f", 2),
        "base": base_tag("0f", "lab:1", ID),
        "mark": mark_tag("lab:latest"),
        "theirs": "0f",
    }
    read = {
        name: (inputs_of(tag), stage_of(tag), is_base(tag), belongs_to(tag), is_mark(tag)) for name, tag in tags.items()
    }
    assert read == {
        "inputs": ("0f", "", False, "0f", False),
        "stage": ("", "0f", False, "0f", False),
        "base": ("", "", True, "0f", False),
        "mark": ("", "", False, "", True),
        "theirs": ("", "", False, "", False),
    }
    assert tags["base"].endswith(f"-{ID[:12]}")
    assert tags["base"] == base_tag("0f", "lab:1", f"sha256:{ID}") != base_tag("0f", "lab:2", ID)
    assert mark_tag("lab:latest") != mark_tag("lab:1")


FILE: dict[str, Any] = {
    "images": {"lab": {"build": "."}, "base": {"external": True}, "ab": {"pull": "x"}},
    "containers": {"built": {"build": "."}, "theirs": {"external": True, "build": "."}, "bare": None},
}


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"image": "lab"}, "lab"),
        ({"build": "."}, "web"),
        ({"build": ".", "image": "x:1"}, "web"),
        ({"image": "built"}, "built"),
        ({"image": "busybox:1.36"}, "busybox:1.36"),
        ({"image": "lab:latest"}, "lab:latest"),
        ({"image": "me/lap"}, "me/lap"),
    ],
)
def test_a_container_runs_an_entry_what_is_built_or_a_plain_reference(entry: dict[str, str], key: str) -> None:
    assert image_of(source(FILE), "web", entry) == ResourceKey("image", key)


def test_an_external_container_runs_what_it_runs() -> None:
    given = source(FILE)
    assert image_of(given, "theirs", FILE["containers"]["theirs"]) is None
    assert given.problems == []
    assert [is_built(given, each) for each in ("built", "theirs", "bare", "none")] == [True, False, False, False]


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        ({}, "the container has neither 'image' nor 'build'", "e.g. image: busybox:1.36"),
        (
            {"image": "lap"},
            "there is no 'lap' in images",
            "did you mean 'lab'? To pull it all the same, write lap:latest",
        ),
        ({"image": "X Y"}, "'X Y' is not a reference to an image", "e.g. busybox:1.36, in small letters"),
    ],
)
def test_a_container_that_runs_nothing_is_a_problem(entry: dict[str, str], message: str, hint: str) -> None:
    given = source(FILE)
    assert image_of(given, "built", entry) is None
    (found,) = given.problems
    assert (found.message, found.hint) == (message, hint)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("notse", "notes"),  # swapped
        ("note", "notes"),  # left out
        ("notess", "notes"),  # added
        ("motet", "notes"),  # two changed
        ("mottt", ""),  # three changed
        ("no", ""),  # three left out
        ("ba", "ab"),
        ("cd", ""),  # of two letters both differ
        ("notes:1", ""),
        ("me/notes", ""),
    ],
)
def test_a_bare_word_two_letters_away_is_misspelt(word: str, meant: str) -> None:
    assert misspelt(word, ["notes", "ab"]) == meant


@pytest.mark.parametrize(
    ("said", "reference", "may_be"),
    [
        ("reconciler/t/lab:in-1", "reconciler/t/lab:in-2", True),
        ("reconciler/t/lub:in-2", "reconciler/t/lab:in-2", True),
        ("reconciler/t/lub:in-1", "reconciler/t/lab:in-2", False),
        ("reconciler/t/lab:in-1", "busybox:1", True),
        ("busybox:1", "busybox:1", True),
        ("busybox:1", "busybox:2", False),
        ("other:1", "busybox:1", False),
        ("busybox:in-2", "reconciler/t/lab:in-2", False),
        (DIGEST, DIGEST, True),
        (DIGEST, "busybox:1", False),
        (ID, "reconciler/t/lab:in-2", False),
    ],
)
def test_a_container_may_have_been_made_of_an_image_by_its_entry_its_inputs_or_its_reference(
    said: str, reference: str, may_be: bool
) -> None:
    assert may_be_of(said, "lab", reference) is may_be
