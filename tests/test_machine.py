"""What only this machine knows, and that a digest of secrets begins with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.host import Host, machine
from reconciler.kinds import kinds
from reconciler.kinds.exec.spec import command, digest_of
from reconciler.kinds.image.inputs import inputs
from reconciler.kinds.image.spec import Build, Commit, Import, Recipe
from reconciler.model import FrozenMap, ResourceKey
from reconciler.secret import Secret
from reconciler.topology import load


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make this another machine, by what its system says of it."""

    def become(identity: str) -> None:
        (tmp_path / "machine-id").write_text(identity)
        monkeypatch.setattr(machine, "_LASTING", tmp_path / "machine-id")
        machine._lasting.cache_clear()

    yield become
    machine._lasting.cache_clear()


def test_without_a_secret_a_digest_has_no_salt() -> None:
    assert machine.salt(("a", FrozenMap({"b": "c"}), ["d"])) == b""
    assert digest_of([command("echo 4711 > /dev/null", in_network=True)]) == "6537d3b6f25021b2"


def test_a_digest_of_a_secret_is_the_same_from_run_to_run_and_another_one_elsewhere(
    another: Callable[[str], None],
) -> None:
    commands = [command(Secret("echo 4711 > /dev/null"), in_network=True)]
    another("1" * 32 + "\n")
    here = digest_of(commands)
    machine._lasting.cache_clear()
    assert digest_of(commands) == here != "6537d3b6f25021b2"
    another("2" * 32 + "\n")
    assert digest_of(commands) != here


@pytest.mark.parametrize("identity", ["", "uninitialized\n"])
def test_a_system_that_has_no_identity_has_one_until_it_is_started_again(
    another: Callable[[str], None], identity: str
) -> None:
    another(identity)
    assert machine.salt(Secret("x")) == Host().key


def test_nor_has_one_that_tells_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_LASTING", tmp_path / "none")
    machine._lasting.cache_clear()
    assert machine.salt([Secret("x")]) == Host().key
    machine._lasting.cache_clear()


@pytest.mark.parametrize(
    ("plain", "secret"),
    [
        (Build(args=FrozenMap({"A": "4711"})), Build(args=FrozenMap({"A": Secret("4711")}))),
        (Build(labels=FrozenMap({"A": "4711"})), Build(labels=FrozenMap({"A": Secret("4711")}))),
        (Import(changes=("ENV A=4711",)), Import(changes=(Secret("ENV A=4711"),))),
        (Commit(message="4711"), Commit(message=Secret("4711"))),
    ],
)
def test_the_inputs_of_an_image_with_a_secret_can_be_guessed_at_nowhere_else(
    tmp_path: Path, plain: Recipe, secret: Recipe
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    place = {"context": str(tmp_path), "dockerfile": str(tmp_path / "Dockerfile")}
    of = {Build: place, Import: {"path": str(tmp_path)}, Commit: {}}[type(plain)]
    one, other = (replace(each, **of) for each in (plain, secret))  # type: ignore[arg-type]
    assert one == other
    assert inputs(one) != inputs(other) == inputs(other)


def test_the_digest_of_a_container_with_a_secret_depends_on_the_machine(
    tmp_path: Path, another: Callable[[str], None]
) -> None:
    def made_of(environment: str) -> str:
        (tmp_path / "t.yaml").write_text(
            f"name: t\nimages: {{i: {{commit: a}}}}\ncontainers: {{a: {{image: x, environment: {environment}}}}}\n"
        )
        found = load(tmp_path / "t.yaml", kinds=kinds(), environment={}).resources[ResourceKey("image", "i")]
        return str(found.spec.recipe.made_of)  # type: ignore[attr-defined]

    another("1" * 32)
    before = {each: made_of(each) for each in ("{PIN: 4711}", '{PIN: "4711"}', "[PIN=4711]", "{A: 4711}")}
    another("2" * 32)
    assert [made_of(each) == digest for each, digest in before.items()] == [False, False, False, True]
