"""From a file to the desired topology."""

from __future__ import annotations

import copy
import cProfile
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import FileInvalid, Usage
from reconciler.kinds import kinds
from reconciler.kinds.base import Kind
from reconciler.kinds.source import Source
from reconciler.model import Resource, ResourceKey
from reconciler.topology import load

EXAMPLES = sorted((Path(__file__).parents[1] / "topologies").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path: Path, tmp_path: Path) -> None:
    busybox = path.parent / "images" / "busybox" / "busybox"
    assert busybox.parent.is_dir()
    topology = load(path, kinds=kinds(), environment={})
    assert topology.name == path.stem
    assert topology.source == str(path)
    assert len(topology) > 3


def test_a_variable_of_a_container_without_a_value_comes_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORD=hello\n")
    path = tmp_path / "topology.yaml"
    path.write_text("name: t\ncontainers: {web: {image: busybox, environment: [WORD]}}\n")
    web = load(path, kinds=kinds(), environment={}).resources[ResourceKey("container", "web")]
    assert dict(web.spec.environment) == {"WORD": "hello"}  # type: ignore[attr-defined]


def test_what_an_included_file_leaves_to_the_environment_is_looked_for_beside_it_too(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".env").write_text("HERE=main\nBOTH=main\n")
    (tmp_path / "sub" / ".env").write_text("THERE=sub\nBOTH=sub\nSET=sub\n")
    (tmp_path / "sub" / "web.env").write_text("FILE=$THERE\n")
    (tmp_path / "sub" / "D").write_text("FROM scratch\n")
    (tmp_path / "sub" / "s.yaml").write_text(
        "images: {i: {build: {context: ., dockerfile: D, args: [THERE]}}}\n"
        "containers: {web: {image: x, environment: [HERE, THERE, BOTH, SET], env_file: web.env}}\n"
    )
    (tmp_path / "t.yaml").write_text("name: a\ninclude: sub/s.yaml\n")
    found = load(tmp_path / "t.yaml", kinds=kinds(), environment={"SET": "set"}).resources
    assert dict(found[ResourceKey("container", "web")].spec.environment) == {  # type: ignore[attr-defined]
        "HERE": "main",
        "THERE": "sub",
        "BOTH": "main",
        "SET": "set",
        "FILE": "sub",
    }
    assert dict(found[ResourceKey("image", "i")].spec.recipe.args) == {"THERE": "sub"}  # type: ignore[attr-defined]


def test_a_bare_name_means_what_a_variable_would_however_deep_a_file_is_included(tmp_path: Path) -> None:
    for folder, word in (("", ""), ("a", "A=a\nB=a\n"), ("a/b", "A=b\nB=b\nC=b\n")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / ".env").write_text(word)
    (tmp_path / "t.yaml").write_text("name: a\ninclude: a/a.yaml\n")
    (tmp_path / "a/a.yaml").write_text("include: b/b.yaml\n")
    (tmp_path / "a/b/b.yaml").write_text(
        "containers: {web: {image: x, environment: [A, B, C], labels: {A: $A, B: $B, C: $C}}}\n"
    )
    web: Any = load(tmp_path / "t.yaml", kinds=kinds(), environment={}).resources[ResourceKey("container", "web")].spec
    assert dict(web.environment) == dict(web.labels) == {"A": "a", "B": "a", "C": "b"}


def test_a_wrong_env_file_is_told_once_whoever_asks_for_what_it_might_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    for folder in (".", "sub"):
        Path(folder, ".env").write_text("A B\n")
    Path("sub/s.yaml").write_text("containers: {web: {image: '${X-x}', environment: [VAR]}}\n")
    Path("t.yaml").write_text("name: a\ninclude: sub/s.yaml\n")
    with pytest.raises(FileInvalid) as caught:
        load("t.yaml", kinds=kinds(), environment={})
    missing = "VAR has no value, and the environment has none either (set it, or write VAR=)"
    assert str(caught.value).splitlines() == [
        ".env:1:1: expected NAME=value",
        "sub/.env:1:1: expected NAME=value",
        f"sub/s.yaml:1:51: containers.web.environment[0]: {missing}",
    ]


def test_what_stands_in_a_wrong_line_is_not_said_to_be_missing_as_well(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A='it''s'\nB=1\n")
    (tmp_path / "a.env").write_text("X=$B\n")
    path = tmp_path / "t.yaml"
    path.write_text(
        "name: t\ncontainers: {web: {image: x, environment: [A, 'C=$B'], labels: {a: $A}, env_file: a.env}}\n"
    )
    with pytest.raises(FileInvalid) as caught:
        load(path, kinds=kinds(), environment={})
    what = "there is more after the closing quote (let one pair of quotes hold it all)"
    assert str(caught.value) == f"{tmp_path}/.env:1:1: {what}"


@pytest.mark.parametrize("also", ["", "include: other.yaml\n"], ids=["one file", "two files"])
def test_a_container_has_a_healthcheck_of_its_own_whatever_the_defaults_disable(tmp_path: Path, also: str) -> None:
    (tmp_path / "other.yaml").write_text("namespaces: {red: }\n")
    (tmp_path / "t.yaml").write_text(
        f"name: t\n{also}defaults: {{containers: {{image: x, healthcheck: {{disable: true}}}}}}\n"
        "containers: {web: {healthcheck: {test: [CMD, a]}}, db: {healthcheck: {interval: 2s}}}\n"
    )
    found = load(tmp_path / "t.yaml", kinds=kinds(), environment={}).resources
    tests = {name: found[ResourceKey("container", name)].spec.healthcheck.test for name in ("web", "db")}  # type: ignore[attr-defined]
    assert tests == {"web": ("CMD", "a"), "db": ("NONE",)}


def test_a_path_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    (folder / "t.yaml").write_text("name: a\n")
    with pytest.raises(FileInvalid) as caught:
        load(folder / "t.yaml", kinds=kinds())
    assert str(caught.value) == f"{tmp_path}/caf?/t.yaml:1:1: its path is not UTF-8 (rename the file or its folder)"


def test_a_container_can_do_without_the_healthcheck_of_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    defaults = "defaults: {containers: {image: busybox, healthcheck: {test: [CMD, /check], interval: 2s}}}\n"
    path.write_text(f"name: t\n{defaults}containers: {{web: {{healthcheck: {{disable: true}}}}}}\n")
    web = load(path, kinds=kinds(), environment={}).resources[ResourceKey("container", "web")]
    assert web.spec.healthcheck.test == ("NONE",)  # type: ignore[attr-defined]


def test_all_problems_come_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "name: t\n"
        "namespaces: {red: , blue: }\n"
        "bridges: {red: }\n"
        "veths:\n"
        "  - [red:eth0 10.0.0.1/30, bleu:eth0 10.0.0.2/30]\n"
        "  - [red:eth0 10.0.1.1/30, blue:eth1 10.0.1.2/30]\n"
        "  - [red:eth2 10.0.1.1/30, blue:eth2]\n"
    )
    with pytest.raises(FileInvalid) as caught:
        load(path, kinds=kinds(), environment={})
    lines = [str(each).removeprefix(f"{path}:") for each in caught.value.problems]
    assert len(lines) >= 3
    assert any(line.startswith("3:") and "'red' is also the name of" in line for line in lines), lines
    assert any(line.startswith("5:") and "did you mean 'blue'?" in line for line in lines), lines
    assert any(line.startswith("7:") and "taken already" in line for line in lines), lines


def test_all_files_that_were_looked_for_are_told_also_where_one_is_missing_or_wrong(tmp_path: Path) -> None:
    path, opened = tmp_path / "t.yaml", set[str]()
    path.write_text(
        "name: t\ninclude: [more/other.yaml, none.yaml]\n"
        "containers: {a: {image: x:1, env_file: [web.env, {path: no.env, required: false}]}}\n"
    )
    tmp_path.joinpath("more").mkdir()
    tmp_path.joinpath("more/other.yaml").write_text("namespaces: [\n")
    tmp_path.joinpath("web.env").write_text("A=1\n")
    with pytest.raises(FileInvalid, match=r"none\.yaml"):
        load(path, kinds=kinds(), environment={}, opened=opened)
    names = ("t.yaml", ".env", "more/other.yaml", "more/.env", "none.yaml", "web.env", "no.env")
    assert opened == {str(tmp_path / each) for each in names}


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_while_a_file_grows_and_afterwards_it_is_as_before(
    enabled: bool, tmp_path: Path
) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text("name: t\nnamespaces: {" + ", ".join(f"n{number}: {{}}" for number in range(3000)) + "}\n")
    before, collected = gc.isenabled(), []
    gc.callbacks.append(lambda *told: collected.append(told))
    (gc.enable if enabled else gc.disable)()
    try:
        load(path, kinds=kinds(), environment={})
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
        gc.callbacks.pop()
    assert len(collected) <= 2


def test_the_cost_of_a_file_grows_with_its_size(tmp_path: Path) -> None:
    """Counted in calls of functions, which no load of the machine changes."""
    costs, path = [], tmp_path / "topology.yaml"
    for count in (100, 400):
        entries = (
            f"  c{number}: {{image: x, networks: [n], depends_on: [c{max(0, number - 1)}], links: [c{number // 2}]}}\n"
            for number in range(1, count)
        )
        ends = (f"  - [c{number}:eth1, b]\n" for number in range(count))
        path.write_text(
            "name: t\nnetworks: {n: }\nbridges: {b: }\ncontainers:\n  c0: {image: x, networks: [n]}\n"
            + "".join(entries)
            + "veths:\n"
            + "".join(ends)
        )
        costs.append(_calls(lambda: load(path, kinds=kinds(), environment={})))
    assert costs[1] < 5 * costs[0], costs


def _calls(function: Callable[[], object]) -> int:
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(each.callcount for each in profile.getstats())


def test_a_file_without_a_name_is_refused_as_such() -> None:
    with pytest.raises(Usage, match="the name of the file is empty: name one, or leave it out"):
        load("", kinds=kinds())


def test_what_was_read_goes_with_the_last_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "name: t\ncontainers: {web: {image: busybox, links: [db]}, db: {image: busybox}}\nimages: {a: {pull: b}}\n"
    )
    read = weakref.WeakSet[Source]()
    parsed = {name: _noting(kind, read) for name, kind in kinds().items()}
    before = gc.isenabled()
    gc.disable()
    try:
        assert len(load(path, kinds=parsed, environment={})) > 3
        assert not read
    finally:
        (gc.enable if before else gc.disable)()


def _noting(kind: Kind, read: weakref.WeakSet[Source]) -> Kind:
    """Return a kind that notes which files it is to read."""
    noting = copy.copy(kind)

    def parse(source: Source) -> Iterable[Resource]:
        read.add(source)
        return kind.parse(source)

    noting.parse = parse  # type: ignore[method-assign]
    return noting


def test_a_watch_has_the_words_for_a_wrong_file_before_there_is_one(folder: Path) -> None:
    (folder / "good.yaml").write_text("name: t\nnamespaces: {red: }\n")
    (folder / "wrong.yaml").write_text("name: t\ninclude: good.yaml\nnamespaces: {red: {sysctl: }}\n")
    code = (
        "import sys\n"
        "from reconciler.api import load\n"
        "from reconciler.errors import FileInvalid\n"
        "from reconciler.watch import load_code\n"
        "load_code(), load('good.yaml')\n"
        "before = {*sys.modules}\n"
        "try:\n    load('wrong.yaml')\n"
        "except FileInvalid as error:\n    print(len(error.problems))\n"
        "print(*sorted(each for each in {*sys.modules} - before if each.startswith('reconciler')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n\n"
