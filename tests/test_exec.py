from __future__ import annotations

from pathlib import Path

import pytest
from kernel_files import problems, resource, spec

from reconciler.errors import StepFailed
from reconciler.kinds import kinds
from reconciler.kinds.exec import run
from reconciler.kinds.exec.spec import Command, ExecSpec, lifetime
from reconciler.model import How
from reconciler.secret import Secret

NODES = """
networks: {net: }
containers:
  web: {image: x, networks: [net], state: %s, exec: %s}
  sharing: {image: x, network_mode: "service:web", exec: [echo]}
  hosted: {image: x, network_mode: host, exec: [echo]}
namespaces: {red: {exec: [ip link, [ip, link]], routes: [{to: default, dev: eth0}]}}
bridges: {lan: {namespace: red}}
veths: [[web:eth1, red:eth0]]
"""


def test_a_text_runs_in_a_shell_a_list_as_it_is_and_a_mapping_says_where(tmp_path: Path) -> None:
    given = "[echo $$HOME, [ls, -l], {command: ip a, in: network}, {command: [id]}]"
    found = spec(tmp_path, NODES % ("running", given), "exec/web")
    assert found.lines == (
        Command(("/bin/sh", "-c", "echo $HOME")),
        Command(("ls", "-l")),
        Command(("/bin/sh", "-c", "ip a"), in_network=True),
        Command(("id",)),
    )
    assert [str(each) for each in found.lines] == ["echo $HOME", "ls -l", "ip a", "id"]


def test_in_a_namespace_all_commands_are_the_hosts(tmp_path: Path) -> None:
    found = spec(tmp_path, NODES % ("running", "[]"), "exec/red")
    assert [each.in_network for each in found.lines] == [True, True]


def test_commands_come_after_all_that_is_in_the_network(tmp_path: Path) -> None:
    text = NODES % ("running", "[echo]")
    after = {
        name: {str(need.key) for need in resource(tmp_path, text, f"exec/{name}").needs if need.how is How.AFTER}
        for name in ("web", "sharing", "hosted", "red")
    }
    assert after == {
        "web": {"veth/red:eth0--web:eth1", "connect/web--net"},
        "sharing": {"veth/red:eth0--web:eth1", "connect/web--net"},
        "hosted": set(),
        "red": {"veth/red:eth0--web:eth1", "bridge/lan", "route/red--default"},
    }
    grounds = [str(need.key) for need in resource(tmp_path, text, "exec/web").needs if need.how is How.STANDS_ON]
    assert grounds == ["process/web"]


def test_who_shares_with_who_shares_waits_for_what_is_in_the_network_at_the_end(tmp_path: Path) -> None:
    text = """
containers:
  a: {image: x, network_mode: none}
  b: {image: x, network_mode: "service:a"}
  c: {image: x, network_mode: "service:b", exec: [echo]}
namespaces: {red: }
veths: [[a:eth1, red:eth0]]
"""
    needs = resource(tmp_path, text, "exec/c").needs
    assert {str(each.key): each.how for each in needs} == {
        "process/c": How.STANDS_ON,
        "veth/a:eth1--red:eth0": How.AFTER,
    }


def test_another_text_word_order_or_place_is_another_digest(tmp_path: Path) -> None:
    given = ("[a, b]", "[b, a]", "[[a], b]", "[{command: a, in: network}, b]")
    found = {spec(tmp_path, NODES % ("running", each), "exec/web").commands for each in (*given, *given)}
    assert len(found) == len(given)


@pytest.mark.parametrize("state", ["stopped", "completed", "created", "paused"])
def test_where_nothing_runs_commands_are_a_problem(tmp_path: Path, state: str) -> None:
    text = (NODES % (state, "[echo]")).replace("[[web:eth1, red:eth0]]", "[[host:x, red:eth0]]")
    expected = f"container 'web' is to be {state}: nothing can be run in it (take exec out, or change the state)"
    assert problems(tmp_path, text) == [expected]


def test_a_paused_container_still_has_its_network(tmp_path: Path) -> None:
    assert problems(tmp_path, NODES % ("paused", "[{command: ip a, in: network}]")) == []


def test_a_start_of_a_container_has_a_name_of_its_own() -> None:
    first, again = ({"Id": "a", "State": {"StartedAt": each}} for each in ("1", "2"))
    assert len({lifetime(None), lifetime(first), lifetime(again)}) == 3
    assert lifetime(first) == lifetime(dict(first))


def test_commands_run_again_in_place() -> None:
    assert kinds()["exec"].mutable("commands", None, None)  # type: ignore[arg-type]


def test_what_a_command_printed_is_cut_only_once_its_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Secret("".join(f"{number:06d}" for number in range(450)))
    monkeypatch.setattr(run, "_in_container", lambda *_: (1, f"denied: {token}\n"))
    with pytest.raises(StepFailed, match=r"`id` ended with exit code 1:\ndenied: \(secret\)$"):
        run.run(ExecSpec(lines=(Command(("id",)),)), None, topology="t")  # type: ignore[arg-type]


@pytest.mark.parametrize("in_network", [True, False])
def test_a_container_without_the_privilege_is_told_what_to_do_instead(
    monkeypatch: pytest.MonkeyPatch, in_network: bool
) -> None:
    for place in ("_in_container", "_in_network"):
        monkeypatch.setattr(run, place, lambda *_: (2, "ip: RTNETLINK answers: Operation not permitted\n"))
    with pytest.raises(StepFailed) as error:
        run.run(ExecSpec(lines=(Command(("ip",), in_network),)), None, topology="t")  # type: ignore[arg-type]
    _, printed, *instead = str(error.value).splitlines()
    assert printed == "ip: RTNETLINK answers: Operation not permitted"
    assert [("in: network" in each, "NET_ADMIN" in each) for each in instead] == [(True, True)] * (not in_network)
