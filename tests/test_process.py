"""The running state of a container: what the file declares, what the engine tells, who listens at the host."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from paper import source

from reconciler.host.scope import Scope
from reconciler.kinds.container.ports import claim
from reconciler.kinds.process import KIND, effects
from reconciler.kinds.process.effects import _last_code
from reconciler.kinds.process.listeners import foreign
from reconciler.kinds.process.live import claims, facts, is_unhealthy, spec_of, state_of
from reconciler.kinds.process.look import _owner
from reconciler.kinds.process.parse import HEALTHY, IF_CHECKED, processes
from reconciler.kinds.process.sockets import endpoints, sockets
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.model import Action, Change, How, Need, Resource, ResourceKey, Topology

CHECK = {"test": "true"}


def read(containers: dict[str, Any]) -> dict[str, Resource]:
    made = source({"containers": containers, "networks": {"lan": {}, "docker0": {"external": True, "name": "bridge"}}})
    found = {each.key.name: each for each in processes(made)}
    assert made.problems == []
    return found


def test_a_process_belongs_to_its_container_and_claims_its_ports() -> None:
    (found,) = read({"web": {"ports": ["8080:80", "81"], "container_name": "own"}}).values()
    container = ResourceKey("container", "web")
    assert (found.spec, found.part_of, found.owned) == (ProcessSpec(container="own"), container, True)
    assert [str(each) for each in found.claims] == ["host port 8080/tcp"]
    assert found.needs == (
        Need(ResourceKey("connect", "web--default"), "networks", How.AFTER),
        Need(container, "container"),
    )


@pytest.mark.parametrize(
    "entry", [{"external": True, "ports": ["8080:80"]}, {"state": "stopped", "ports": ["8080:80"]}]
)
def test_what_is_not_ours_or_does_not_run_claims_no_port(entry: dict[str, Any]) -> None:
    found = read({"web": entry})["web"]
    assert found.claims == ()
    assert found.owned == ("external" not in entry)


@pytest.mark.parametrize(
    ("entry", "ready"),
    [
        ({"healthcheck": CHECK}, HEALTHY),
        ({"healthcheck": {"interval": "3s"}}, IF_CHECKED),
        ({"healthcheck": {"disable": True}}, ""),
        ({"healthcheck": CHECK, "state": "completed"}, ""),
        ({}, ""),
    ],
)
def test_a_declared_healthcheck_of_what_is_to_run_is_waited_for(entry: dict[str, Any], ready: str) -> None:
    assert read({"web": entry})["web"].ready == ready


def after(entry: dict[str, Any], **others: Any) -> set[tuple[str, str, How, str]]:
    needs = read({"web": entry, "db": {"network_mode": "none"}, **others})["web"].needs
    return {(each.key.name, each.via, each.how, each.condition) for each in needs if each.key.kind == "process"}


BRIDGE = {"network_mode": "bridge"}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"depends_on": ["db"]}, {("db", "depends_on", How.AFTER, "")}),
        ({"depends_on": {"db": {"condition": "service_healthy"}}}, {("db", "depends_on", How.AFTER, HEALTHY)}),
        ({"depends_on": ["web", "gone"]}, set()),
        ({**BRIDGE, "links": ["old"]}, {("old", "links", How.AFTER, "")}),
        ({"networks": ["lan"], "links": ["new"]}, {("new", "links", How.AFTER, "")}),
        ({"network_mode": "service:db"}, {("db", "network_mode", How.STANDS_ON, "")}),
        ({"network_mode": "service:gone"}, set()),
    ],
)
def test_a_process_comes_after_those_that_it_needs(entry: dict[str, Any], expected: set[Any]) -> None:
    assert after(entry, old=BRIDGE, new={"networks": ["lan"]}) == expected


NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC).timestamp()


def inspected(status: str = "running", **parts: Any) -> dict[str, Any]:
    state = {"Status": status, "Running": status in ("running", "paused"), **parts.pop("state", {})}
    return {
        "Id": "1a",
        "Name": "/t-web",
        "State": {"StartedAt": "2026-01-01T00:00:01Z", **state},
        "Config": {"StopTimeout": None},
        "HostConfig": {"PortBindings": parts.get("declared")},
        "NetworkSettings": {"Ports": parts.get("live")},
    }


@pytest.mark.parametrize(
    ("status", "code", "want", "expected"),
    [
        ("running", 0, "running", "running"),
        ("paused", 0, "running", "paused"),
        ("restarting", 0, "running", "restarting"),
        ("exited", 0, "running", "stopped"),
        ("dead", 0, "running", "stopped"),
        ("exited", 0, "completed", "completed"),
        ("exited", 1, "completed", "stopped"),
        ("created", 0, "completed", "created"),
        ("created", 0, "stopped", "stopped"),
        ("created", 0, "running", "created"),
    ],
)
def test_a_state_is_read_with_a_view_to_what_is_wanted(status: str, code: int, want: str, expected: str) -> None:
    assert state_of(inspected(status, state={"ExitCode": code}), want, now=lambda: NOW) == expected


@pytest.mark.parametrize(
    ("status", "restarts", "age", "expected"),
    [
        ("running", 3, 9.9, "restarting"),
        ("running", 3, 10.0, "running"),
        ("running", 3, -0.1, "running"),  # the clock was set back since
        ("running", 0, 0.1, "running"),
        ("paused", 3, 0.1, "paused"),
    ],
)
def test_what_the_engine_restarted_runs_only_when_it_has_lived_for_a_while(
    status: str, restarts: int, age: float, expected: str
) -> None:
    started = datetime.fromtimestamp(NOW - age, UTC).isoformat()
    found = inspected(status, state={"StartedAt": started}) | {"RestartCount": restarts}
    assert state_of(found, "running", now=lambda: NOW) == expected


def test_who_hears_of_every_end_puts_nothing_on_trial() -> None:
    found = inspected("running", state={"StartedAt": datetime.fromtimestamp(NOW, UTC).isoformat()}) | {
        "RestartCount": 3
    }
    assert state_of(found, "running", now=lambda: NOW, trial=0) == "running"


@pytest.mark.parametrize(
    ("status", "target", "shares", "lost"),
    [
        ("running", None, None, False),
        ("running", {"Running": True, "StartedAt": "2026-01-01T00:00:00Z"}, None, False),
        ("running", {"Running": True, "StartedAt": "2026-01-01T00:00:02Z"}, None, True),
        # Where it can be seen the clock is no matter: it may have been set back in between.
        ("running", {"Running": True, "StartedAt": "2026-01-01T00:00:00Z"}, False, True),
        ("running", {"Running": True, "StartedAt": "2026-01-01T00:00:02Z"}, True, False),
        ("paused", {"Running": False, "StartedAt": "2026-01-01T00:00:00Z"}, None, True),
        ("exited", {"Running": False, "StartedAt": "2026-01-01T00:00:00Z"}, None, False),
    ],
)
def test_a_shared_network_is_lost_when_its_owner_starts_anew_or_ends(
    status: str, target: Any, shares: bool | None, lost: bool
) -> None:
    owner = target and {"State": target}
    found = spec_of(inspected(status), "running", owner, now=lambda: NOW, shares=shares)
    assert (found.network_lost, found.container) == (lost, "t-web")


@pytest.mark.parametrize("text", ["AlreadyExists: task 1a: already exists", "task 1a: already exists (POST /x: 500)"])
def test_what_the_engine_half_started_is_to_be_made_anew(text: str) -> None:
    web = read({"web": {}})["web"]
    assert "make it anew with --replace container/" in str(effects._not_started(web, text))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("init: open /proc/sys/net/ipv4/nonsense: no such file or directory: unknown", "no such sysctl: see `sysctls`"),
        ("init: write /proc/sys/net/ipv4/ip_forward: invalid argument: unknown", "no such value for it: see `sysctls`"),
        ("exec: /nonsense: no such file or directory: unknown", "see `command`, `entrypoint`,"),
    ],
)
def test_what_cannot_be_opened_is_told_apart(text: str, hint: str) -> None:
    assert hint in str(effects._not_started(read({"web": {}})["web"], text))


def test_a_network_that_is_shared_by_way_of_another_is_its_owner_s() -> None:
    modes = {"main": "bridge", "side": "container:main", "last": "container:side", "alone": "container:gone"}
    found = {name: {"Id": name, "HostConfig": {"NetworkMode": mode}} for name, mode in modes.items()}
    scope: Any = SimpleNamespace(containers={"side": found["side"]}, shared_with={"main": found["main"]})
    owners = {name: _owner(scope, each) for name, each in found.items()}
    assert owners == {"main": None, "side": found["main"], "last": found["main"], "alone": None}


@pytest.mark.parametrize(
    ("status", "streak", "check", "unhealthy"),
    [
        ("healthy", 2, {"Retries": 2}, False),
        ("unhealthy", 2, {"Retries": 2}, True),
        ("unhealthy", 1, {"Retries": 2}, False),
        ("unhealthy", 2, {}, False),
        ("unhealthy", 3, None, True),
    ],
)
def test_who_was_paused_is_unhealthy_only_when_enough_checks_have_failed(
    status: str, streak: int, check: dict[str, Any] | None, unhealthy: bool
) -> None:
    found = inspected(state={"Health": {"Status": status, "FailingStreak": streak}})
    assert is_unhealthy({**found, "Config": {"Healthcheck": check}}) is unhealthy
    assert not is_unhealthy(inspected())


DECLARED = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": [{"HostIp": "", "HostPort": ""}]}
LIVE = {
    "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
    "81/tcp": [{"HostIp": "0.0.0.0", "HostPort": "49153"}],
    "90/tcp": None,
}


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_running_container_claims_its_ports_those_that_the_engine_chose_by_chance(status: str) -> None:
    found = {(each.label, each.chosen) for each in claims(inspected(status, declared=DECLARED, live=LIVE))}
    assert found == {("host port 8080/tcp", False), ("host port 0.0.0.0:49153/tcp", True)}


def test_a_container_that_does_not_run_claims_nothing() -> None:
    assert list(claims(inspected("exited", declared=DECLARED, live={}))) == []


def test_what_is_live_is_told_whatever_the_engine_leaves_out() -> None:
    bare = {"id": "1a", "pid": 0, "exit_code": None, "health": "", "grace": None, "signal": "", "ports": {}}
    assert facts(inspected("created")) == {**bare, "started_at": "2026-01-01T00:00:01Z"}
    state = {"Pid": 7, "Health": {"Status": "healthy"}, "StartedAt": None, "ExitCode": 3}
    found = facts(inspected(state=state, live=LIVE))
    assert (found["pid"], found["health"], found["exit_code"], found["started_at"]) == (7, "healthy", 3, "")
    assert found["ports"]["81/tcp"] == ("0.0.0.0:49153",)


def words(address: bytes) -> str:
    """Write an address as the kernel does: words in the machine's order, in hexadecimal."""
    parts = struct.unpack(f">{len(address) // 4}I", address)
    return "".join(struct.pack("=I", each).hex().upper() for each in parts)


def test_who_listens_is_read_out_of_the_kernel_s_tables() -> None:
    loopback = words(bytes((127, 0, 0, 1)))
    rows = f"  sl  local_address rem_address st\n 0: {loopback}:1F90 0:0 0A 0:0 00:0 0 0 0 4711 1\n 1: {loopback}:0050 0:0 01 x\n"
    assert [(str(each), inode) for each, inode in sockets(rows, "tcp", "0A")] == [
        ("host port 127.0.0.1:8080/tcp", "4711")
    ]
    v6 = words(bytes.fromhex("fd000000000000000000000000000001"))
    assert [str(each) for each, _ in sockets(f"head\n 0: {v6}:0035 0:0 07 0:0 00:0 0 0 0 1 1", "udp", "07")] == [
        "host port [fd00::1]:53/udp"
    ]
    row = "e574aef3 2   10  31   40001     0 28713 "
    assert [
        (str(each), inode)
        for each, inode in endpoints(f"head\nd618f4ce {row} 127.0.0.1 0000:0000:0000:0000:0000:0000:0000:0001 \n")
    ] == [
        ("host port 127.0.0.1:40001/sctp", "28713"),
        ("host port [::1]:40001/sctp", "28713"),
    ]
    ((everywhere, _),) = endpoints(f"head\nd618f4ce {row} 0000:0000:0000:0000:0000:0000:0000:0000 \n")
    assert everywhere.overlaps(claim(40001, "sctp", "127.0.0.1"))
    ((everywhere, _),) = sockets(f"head\n 0: {'0' * 32}:0035 0:0 0A 0:0 00:0 0 0 0 1 1", "tcp", "0A")
    assert str(everywhere) == "host port [::]:53/tcp"
    assert everywhere.overlaps(claim(53, "tcp", "127.0.0.1"))


def row(name: str, state: str, port: int) -> dict[str, Any]:
    published = [{"PublicPort": port, "Type": "tcp", "IP": "0.0.0.0"}]
    return {"Id": name, "Names": [f"/{name}"], "State": state, "Ports": published}


def test_who_is_on_its_way_out_holds_no_port_nor_does_who_listens_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    web = read({"web": {"ports": ["8080:80", "8081:81", "8082:82"]}})["web"]
    scope = Scope(cast("Any", SimpleNamespace(engine=SimpleNamespace(pid=1))), Topology("t", {web.key: web}))
    vars(scope)["listed"] = [row("stays", "running", 8080), row("goes", "removing", 8081)]
    vars(scope)["_inspected"] = {}
    heard = [(claim(each, "tcp", "0.0.0.0"), "0") for each in (8080, 8081, 8082)]
    monkeypatch.setattr("reconciler.kinds.process.listeners.listeners", lambda _: heard)
    assert [str(each.key) for each in foreign(scope, ())] == ["process/@stays", "process/@0.0.0.0:8082/tcp"]


def test_going_back_wants_no_symptom_again() -> None:
    def former(**said: Any) -> ProcessSpec:
        found: Any = KIND.former(Resource(ResourceKey("process", "web"), ProcessSpec(**said)))
        spec: ProcessSpec = found.spec
        return spec

    assert former(state="restarting", network_lost=True) == ProcessSpec("running")
    assert former(state="paused") == ProcessSpec("paused")


@pytest.mark.parametrize(
    ("running", "restarting", "told"),
    [
        (True, False, ""),
        (True, True, ", the last time with exit code 3"),
        (False, False, ", the last time with exit code 3"),
    ],
)
def test_how_it_has_ended_is_told_of_what_does_not_run_again(running: bool, restarting: bool, told: str) -> None:
    assert (
        _last_code({"Running": running, "Restarting": restarting, "ExitCode": 0 if running > restarting else 3}) == told
    )


def since(state: dict[str, Any], wanted: Resource | None) -> str:
    """What is told of a container that was started and is in such a state by now."""
    inspected = {"State": state, "Config": {"Tty": False}}
    containers = SimpleNamespace(inspect=lambda _: inspected, log_tail=lambda *_, **__: "a last word")
    host = cast("Any", SimpleNamespace(engine=SimpleNamespace(containers=containers)))
    change = Change(ResourceKey("process", "web"), Action.UPDATE, "", wanted)
    return str(KIND.undone(host, change) or "")


def test_what_ends_after_its_start_was_watched_is_told_as_it_ended() -> None:
    web = read({"web": {}})["web"]
    said = "process/web: it has ended since its start, with exit code 7: see its command, environment and log; its log"
    for ended in ({"Running": False, "ExitCode": 7}, {"Running": True, "Restarting": True, "ExitCode": 7}):
        assert since(ended, web).startswith(said)
    assert since({"Running": True, "Restarting": False, "ExitCode": 0}, web) == ""
    assert since({"Running": False, "ExitCode": 7}, read({"web": {"state": "stopped"}})["web"]) == ""
    assert since({"Running": False, "ExitCode": 7}, None) == ""
    assert since({}, web) == "", "that it differs is told all the same"
