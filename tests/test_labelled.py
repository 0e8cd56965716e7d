"""Whose a labelled object of the engine is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_files import topology

from reconciler.host.marks import Mark
from reconciler.host.scope import Scope
from reconciler.kinds.labelled import SECRET, unmarked, veiled_as_noted, whose
from reconciler.kinds.volume.spec import VolumeSpec
from reconciler.model import FrozenMap, ResourceKey

NO_HOST: Any = None
"""Whose an object is stands on it and in the file: nothing is asked."""
DECLARED = "volumes: {data: , ext: {external: true, name: theirs}}"


def row(name: str, key: str = "", topology: str = "t", **more: Any) -> dict[str, Any]:
    labels = Mark(topology, ResourceKey.of(key)).labels() if key else {}
    return {"Name": name, "Labels": labels, **more}


def owners(folder: Path, *rows: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Each object's live name, the resource as which it is observed, and whether it is ours."""
    scope = Scope(NO_HOST, topology(folder, DECLARED))
    return {found["Name"]: (str(key), owned) for key, owned, found in whose(scope, "volume", rows)}


def test_what_has_our_mark_is_ours_under_the_key_in_it(tmp_path: Path) -> None:
    assert owners(tmp_path, row("t-data", "volume/data"), row("t-old", "volume/old")) == {
        "t-data": ("volume/data", True),
        "t-old": ("volume/old", True),
    }


def test_what_has_no_mark_or_that_of_another_topology_or_kind_is_keyed_by_its_live_name(tmp_path: Path) -> None:
    found = owners(
        tmp_path,
        row("t-data"),
        row("b", "volume/data", topology="other"),
        row("c", "network/data"),
        {"Name": "d", "Labels": None},
    )
    assert found == {each: (f"volume/@{each}", False) for each in ("t-data", "b", "c", "d")}


def test_an_external_has_the_key_under_which_it_is_declared_whoever_made_it(tmp_path: Path) -> None:
    assert owners(tmp_path, row("theirs", "volume/data")) == {"theirs": ("volume/ext", False)}


def test_of_two_with_one_key_the_declared_name_has_it(tmp_path: Path) -> None:
    assert owners(tmp_path, row("a-copy", "volume/data"), row("t-data", "volume/data")) == {
        "t-data": ("volume/data", True),
        "a-copy": ("volume/@a-copy", True),
    }


def test_two_of_one_name_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    scope = Scope(NO_HOST, topology(tmp_path, DECLARED))
    rows = [row("x", Id="1" * 64), row("x", Id="2" * 64)]
    assert [str(key) for key, _, _ in whose(scope, "volume", rows)] == ["volume/@x", f"volume/@x {'2' * 12}"]


def test_labels_without_our_marks_are_those_of_the_person() -> None:
    assert dict(unmarked({"a": "b", **row("x", "volume/data")["Labels"]})) == {"a": "b"}
    assert dict(unmarked(None)) == {}


@pytest.mark.parametrize("said", ["[" * 3000, "{", "5", '[["labels", ["a"]], [[]], [null], [["a", {}], 5]]'])
def test_a_label_of_somebody_elses_making_hides_nothing_and_fails_nothing(said: str) -> None:
    spec = VolumeSpec(labels=FrozenMap({"a": "b"}))
    assert veiled_as_noted(spec, {SECRET: said}) == spec
