"""Volumes on a real engine: made as declared, never replaced, never deleted unless asked."""

from __future__ import annotations

from typing import Any

import docker.errors
import pytest

from live.lab import run
from reconciler import reconcile
from reconciler.errors import Conflict
from reconciler.kinds import kinds
from reconciler.model import Action, ResourceKey

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("engine")]

KEY = "volume/data"
TMPFS = "driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}"


def volume(entry: str = "") -> str:
    return f"volumes:\n  data: {{{entry}}}\n"


ATTRIBUTES = [
    ("driver", "driver: other", "driver"),
    ("driver_opts", TMPFS, "driver_opts"),
    ("labels", "labels: {a: b}", "labels"),
    ("labels as a list", "labels: [a=c]", "labels"),
    ("name", "name: d5-data", "name"),
]


@pytest.mark.parametrize(("entry", "path"), [each[1:] for each in ATTRIBUTES], ids=[each[0] for each in ATTRIBUTES])
def test_an_edited_attribute_is_refused_before_the_first_step(lab: Any, entry: str, path: str) -> None:
    refusal = f"^{KEY}: {path} cannot be changed in place, and a volume is"
    lab.apply(volume())
    with pytest.raises(Conflict, match=refusal):
        lab.plan(volume(entry))
    if path != "driver":  # the engine has no driver of another name
        lab.destroy()
        lab.apply(volume(entry))
        with pytest.raises(Conflict, match=refusal):
            lab.plan(volume())


def test_a_default_that_is_declared_changes_nothing(lab: Any) -> None:
    lab.apply(volume("driver: local, driver_opts: {}, labels: {}, external: false"))
    assert lab.tells(volume()) == {}


def test_a_volume_is_made_as_declared_and_marked(lab: Any, engine: Any) -> None:
    text = volume(f"{TMPFS}, labels: {{a: b}}")
    lab.apply(text)
    found = engine.inspect_volume(f"{lab.name}-data")
    assert found["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    assert (found["Labels"]["a"], found["Labels"]["reconciler.topology"]) == ("b", lab.name)
    assert lab.live(text, KEY)["id"] == f"{lab.name}-data"


REPLACED = [
    (TMPFS, TMPFS.replace("1m", "2m"), "driver_opts"),
    ("labels: {a: b}", "labels: {a: c}", "labels"),
    ("name: d5-data", "name: d5-other", "name"),
]


def test_a_volume_is_replaced_when_a_person_asks(lab: Any, engine: Any) -> None:
    for first, second, path in REPLACED:
        lab.apply(volume(first), replace=(ResourceKey.of(KEY),))
        for entry in (second, ""):
            action, paths = lab.tells(volume(entry), replace=(ResourceKey.of(KEY),))[KEY]
            assert (action, {each.partition(".")[0] for each in paths}) == (Action.REPLACE, {path})
            lab.named(volume(entry), KEY, path)
            lab.apply(volume(entry), replace=(ResourceKey.of(KEY),))
    lab.apply(volume("labels: {a: b}"), replace=(ResourceKey.of(KEY),))
    assert engine.inspect_volume(f"{lab.name}-data")["Labels"]["a"] == "b"


def test_a_volume_is_kept_unless_its_deletion_is_asked_for(lab: Any, engine: Any) -> None:
    lab.apply(volume())
    lab.apply("")
    assert engine.inspect_volume(f"{lab.name}-data")
    reconcile.destroy(lab.load(""), lab.host, kinds=kinds())
    assert engine.inspect_volume(f"{lab.name}-data")
    reconcile.destroy(lab.load(""), lab.host, kinds=kinds(), volumes=True)
    with pytest.raises(docker.errors.NotFound):
        engine.inspect_volume(f"{lab.name}-data")


def test_a_removed_volume_is_made_again(lab: Any, engine: Any) -> None:
    lab.apply(volume())
    engine.remove_volume(f"{lab.name}-data")
    lab.drifted(volume(), KEY, Action.CREATE)


def test_a_foreign_volume_of_the_same_name_is_a_conflict_and_cannot_be_adopted(lab: Any, engine: Any) -> None:
    foreign = f"{lab.name}-data"
    engine.create_volume(foreign)
    try:
        with pytest.raises(
            Conflict, match=f"volume name '{foreign}' is held by volume {foreign}, which is not ours: decl"
        ):
            lab.plan(volume())
        with pytest.raises(Conflict, match=r"a volume that is not ours cannot be taken over, .*: declare it external"):
            lab.plan(volume(), adopt=(ResourceKey.of(KEY),))
    finally:
        engine.remove_volume(foreign)


def test_an_external_volume_must_exist_and_is_never_touched(lab: Any, engine: Any) -> None:
    text = volume("external: true, name: d5-ext")
    with pytest.raises(Conflict, match="declared external, but there is none"):
        lab.plan(text)
    engine.create_volume("d5-ext")
    try:
        lab.apply(text)
        assert lab.live(text, KEY)["id"] == "d5-ext"
        lab.destroy()
        assert engine.inspect_volume("d5-ext")
    finally:
        engine.remove_volume("d5-ext")


def test_a_volume_of_ours_goes_once_its_entry_is_an_external_of_another_name(lab: Any, engine: Any) -> None:
    engine.create_volume("d5-external")
    try:
        external = volume("external: true, name: d5-external")
        lab.apply(volume())
        lab.apply(external)
        assert engine.inspect_volume(f"{lab.name}-data")
        assert reconcile.destroy(lab.load(external), lab.host, kinds=kinds(), volumes=True).converged
        with pytest.raises(docker.errors.NotFound):
            engine.inspect_volume(f"{lab.name}-data")
        assert engine.inspect_volume("d5-external")
    finally:
        engine.remove_volume("d5-external")


def test_what_the_engine_refuses_is_told(lab: Any) -> None:
    report = lab.attempt(volume("driver_opts: {type: tmpfs}"))
    assert str(report.failed[0].error).startswith(f"{KEY}: ")
    assert "device" in str(report.failed[0].error)


def test_a_deletion_that_a_foreign_container_blocks_names_it(lab: Any, image: str, engine: Any) -> None:
    lab.apply(volume())
    run("docker", "create", "--name", "d5-user", "-v", f"{lab.name}-data:/data", image)
    try:
        report = lab.attempt("", keep=frozenset())
        assert "d5-user still uses it" in str(report.failed[0].error)
    finally:
        engine.remove_container("d5-user")


def test_the_former_state_has_no_volume_that_was_not_there(lab: Any, engine: Any) -> None:
    lab.apply("")
    bad = "networks: {bad: {ipam: {driver: 'null'}}}\n"
    assert lab.attempt(volume() + bad, revert=True).reverted.converged
    with pytest.raises(docker.errors.NotFound):
        engine.inspect_volume(f"{lab.name}-data")
