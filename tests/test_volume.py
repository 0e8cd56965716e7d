"""Volumes as the file declares them, and as the engine lists them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from engine_files import problems, resource, spec

from reconciler.host.marks import Mark
from reconciler.kinds import kinds
from reconciler.kinds.volume.spec import VolumeSpec, observed_spec
from reconciler.model import Claim, Resource, ResourceKey

KEY = "volume/data"


def volume(entry: str = "") -> str:
    return f"volumes: {{data: {{{entry}}}}}"


def test_an_entry_that_says_nothing_is_a_local_volume_under_the_prefix(tmp_path: Path) -> None:
    found = resource(tmp_path, volume(), KEY)
    assert found.spec == VolumeSpec("t-data")
    assert found.owned
    assert found.claims == (Claim("volume name t-data", label="volume name 't-data'"),)


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        ("name: shared", "name", "shared"),
        ("driver: nfs", "driver", "nfs"),
        ("driver_opts: {type: tmpfs, n: 1, b: true}", "driver_opts", {"type": "tmpfs", "n": "1", "b": "true"}),
        ("labels: {a: 1, b: }", "labels", {"a": "1", "b": ""}),
        ("labels: [a=1, b]", "labels", {"a": "1", "b": ""}),
    ],
)
def test_an_attribute_is_read_in_each_form(tmp_path: Path, entry: str, field: str, value: Any) -> None:
    found = getattr(spec(tmp_path, volume(entry), KEY), field)
    assert (dict(found) if isinstance(value, dict) else found) == value


@pytest.mark.parametrize(("entry", "live"), [("external: true", "data"), ("external: true, name: theirs", "theirs")])
def test_an_external_volume_is_not_ours_and_has_its_own_name(tmp_path: Path, entry: str, live: str) -> None:
    found = resource(tmp_path, volume(entry), KEY)
    assert (found.spec, found.owned, found.claims) == (VolumeSpec(live), False, ())


def test_a_label_that_looks_like_our_mark_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, volume("labels: {reconciler.key: x}")) == [
        "volumes.data.labels.reconciler.key: the label 'reconciler.key' is kept for our own marks (not reconciler.…)"
    ]


def test_two_volumes_of_one_live_name_are_a_problem(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "volumes: {a: {name: xx}, b: {name: xx}}")
    assert "volume name 'xx'" in found


def test_a_listed_volume_that_is_ours_equals_the_declared_one(tmp_path: Path) -> None:
    declared = spec(tmp_path, volume("driver_opts: {type: tmpfs}, labels: {a: b}"), KEY)
    mark = Mark("t", ResourceKey.of(KEY), "t.yaml")
    row = {"Name": "t-data", "Driver": "local", "Options": {"type": "tmpfs"}, "Labels": {"a": "b", **mark.labels()}}
    assert observed_spec(row, mark) == declared


def test_a_listed_volume_without_options_and_labels_is_foreign_and_bare() -> None:
    row = {"Name": "x", "Driver": "local", "Options": None, "Labels": None}
    assert observed_spec(row, None) == VolumeSpec("x", marked=False)


def test_a_volume_is_never_replaced_unasked_and_nothing_of_it_is_changed_in_place() -> None:
    kind, bare = kinds()["volume"], Resource(ResourceKey.of(KEY), VolumeSpec())
    assert (kind.replaceable, kind.kept, kind.irrecoverable) == (False, True, True)
    assert not any(kind.mutable(each.name, bare, bare) for each in fields(VolumeSpec))
