"""Commands in containers and namespaces, against the real engine and the real kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from live.lab import Lab, run
from live.witness import ip
from reconciler.model import Action

pytestmark = pytest.mark.live

CONTAINER = "containers: {box: {image: %s, init: true, command: [sleep, '1000'], network_mode: %s, exec: %s}}"
NAMESPACE = "namespaces: {red: {exec: %s}, blue: }\nveths: [[red:eth0 10.0.0.1/24, blue:eth0]]"


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_commands_run_once_in_order_when_the_interfaces_are_there(lab: Lab, tmp_path: Path) -> None:
    log = tmp_path / "log"
    given = f'["ip -br address show eth0 >> {log}", [sh, -c, "echo two >> {log}"]]'
    lab.apply(NAMESPACE % given)
    lab.apply(NAMESPACE % given)
    first, second = lines(log)
    assert "10.0.0.1/24" in first
    assert second == "two"


def test_they_run_again_after_an_edit_and_with_a_new_namespace(lab: Lab, tmp_path: Path) -> None:
    one, two = (NAMESPACE % f'["echo {word} >> {tmp_path}/log"]' for word in ("one", "two"))
    lab.both_ways(one, two, "exec/red", Action.UPDATE, "commands")
    assert lines(tmp_path / "log") == ["one", "two", "one"]
    run("ip", "netns", "del", f"{lab.name}-red")
    lab.drifted(one, "exec/red", Action.CREATE)
    assert lines(tmp_path / "log") == ["one", "two", "one", "one"]


def test_taken_out_they_are_forgotten(lab: Lab, tmp_path: Path) -> None:
    text = NAMESPACE % f'["echo one >> {tmp_path}/log"]'
    lab.both_ways(NAMESPACE % "[]", text, "exec/red", Action.CREATE)
    lab.apply(text)
    assert lines(tmp_path / "log") == ["one", "one"]


@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_what_nobody_may_execute_is_told_so(lab: Lab, tmp_path: Path, what: str) -> None:
    path = tmp_path / "command"
    path.mkdir() if what == "a folder" else path.touch()
    (failed,) = lab.attempt(NAMESPACE % f'[["{path}"]]').failed
    assert str(failed.error) == f"exec/red: `{path}`: {path} is not executable on the host"


def test_a_failing_command_is_named_with_its_output_and_all_run_again(lab: Lab, tmp_path: Path) -> None:
    text = NAMESPACE % f'["echo one >> {tmp_path}/log", "test -e {tmp_path}/go || {{ echo no go; exit 3; }}"]'
    report = lab.attempt(text)
    assert [str(each.step.key.key) for each in report.failed] == ["exec/red"]
    assert "exec/red: `test -e" in str(report.failed[0].error)
    assert str(report.failed[0].error).endswith("ended with exit code 3:\nno go")
    (tmp_path / "go").touch()
    lab.apply(text)
    assert lines(tmp_path / "log") == ["one", "one"]


def test_an_unknown_command_is_named(lab: Lab) -> None:
    report = lab.attempt(NAMESPACE % "[[no-such-command, x]]")
    assert "there is no command no-such-command on the host" in str(report.failed[0].error)


def test_what_runs_on_does_not_hold_up_the_apply(lab: Lab) -> None:
    lab.apply(NAMESPACE % '["sleep 100 & echo started"]')


def test_in_a_container_they_run_in_it_or_in_its_network(lab: Lab, engine: Any, image: str, tmp_path: Path) -> None:
    given = f'["hostname > /tmp/here", {{command: "ip -br link > {tmp_path}/links; hostname", in: network}}]'
    lab.apply(CONTAINER % (image, "none", given))
    assert run("docker", "exec", f"{lab.name}-box", "cat", "/tmp/here").strip() == "box"
    assert [each.split()[0] for each in lines(tmp_path / "links") if not each.startswith(("tunl", "sit"))] == ["lo"]


def test_in_a_container_one_that_closes_its_output_is_waited_for_all_the_same(
    lab: Lab, engine: Any, image: str
) -> None:
    lab.apply(CONTAINER % (image, "none", '["exec >/dev/null 2>&1; sleep 4; touch /tmp/here"]'))
    assert run("docker", "exec", f"{lab.name}-box", "ls", "/tmp").strip() == "here"


def test_in_a_container_they_run_again_after_each_restart_and_edit(lab: Lab, engine: Any, image: str) -> None:
    text = CONTAINER % (image, "none", '["echo ran >> /tmp/log"]')
    lab.apply(text)
    engine.restart(f"{lab.name}-box", timeout=0)
    lab.drifted(text, "exec/box", Action.CREATE)
    lab.both_ways(text, text.replace("ran", "again"), "exec/box", Action.UPDATE, "commands")
    log = run("docker", "exec", f"{lab.name}-box", "cat", "/tmp/log").split()
    assert log == ["ran", "ran", "again", "ran"]


def test_another_place_is_an_edit(lab: Lab, engine: Any, image: str, tmp_path: Path) -> None:
    bare, given = (
        CONTAINER % (image, "none", each) for each in ("[{command: 'true'}]", "[{command: 'true', in: network}]")
    )
    lab.both_ways(bare, given, "exec/box", Action.UPDATE, "commands")


def test_a_failure_in_a_container_is_named_with_its_output(lab: Lab, engine: Any, image: str) -> None:
    report = lab.attempt(CONTAINER % (image, "none", '["echo oh dear >&2; exit 7"]'))
    assert str(report.failed[0].error) == "exec/box: `echo oh dear >&2; exit 7` ended with exit code 7:\noh dear"


def test_in_the_network_of_another_or_of_the_host_they_run_again_after_a_restart_too(
    lab: Lab, engine: Any, image: str
) -> None:
    text = f"""
defaults: {{containers: {{image: {image}, init: true, command: [sleep, "1000"]}}}}
containers:
  owner: {{network_mode: none}}
  sharer: {{network_mode: "service:owner", exec: ["echo ran >> /tmp/log"]}}
  hosted: {{network_mode: host, exec: ["echo ran >> /tmp/log"]}}
"""
    before = ip("link", "show", "lo")
    lab.apply(text)
    for name in ("sharer", "hosted"):
        engine.restart(f"{lab.name}-{name}", timeout=0)
    assert lab.tells(text) == {
        f"exec/{name}": (Action.UPDATE, frozenset(("current",))) for name in ("sharer", "hosted")
    }
    lab.apply(text)
    for name in ("sharer", "hosted"):
        assert run("docker", "exec", f"{lab.name}-{name}", "cat", "/tmp/log").split() == ["ran", "ran"]
    lab.destroy()
    assert ip("link", "show", "lo") == before


def test_a_note_of_a_container_that_is_gone_is_removed(lab: Lab, engine: Any, image: str) -> None:
    before = ip("link", "show", "lo")
    lab.apply(CONTAINER % (image, "host", '["true"]'))
    engine.remove_container(f"{lab.name}-box", force=True)
    lab.destroy()
    assert ip("link", "show", "lo") == before
