"""Every shipped example, applied by `reconciler apply FILE` alone; each leaves no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import snapshot
from live.lab import NOWHERE

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = sorted((CHECKOUT / "topologies").glob("*.yaml"))
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
WITHOUT_ENGINE = {"namespaces"}


def reconciler(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run the command in the checkout and return its standard output."""
    done = subprocess.run(
        [RECONCILER, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(environment or {}),
    )
    assert done.returncode == 0, f"{arguments} → {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **extra}


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Iterator[Path]:
    path: Path = request.param
    if path.stem not in WITHOUT_ENGINE:
        request.getfixturevalue("engine")
    yield path
    reconciler("destroy", str(path), "--volumes", "--images", "--now")


@pytest.fixture
def witness(request: pytest.FixtureRequest) -> Any:
    """The engine's client if there is an engine, for the snapshot."""
    from reconciler.errors import ReconcilerError
    from reconciler.host import Host

    try:
        return Host().engine.api
    except ReconcilerError:
        return None


def test_an_example_is_valid_applies_rests_and_leaves_no_trace(lab: Any, example: Path, witness: Any) -> None:
    excluded = [str(CHECKOUT), tempfile.gettempdir(), *_roots(witness)]
    before, files_before = snapshot.at_rest(witness), snapshot.files(excluded)
    reconciler("validate", str(example))
    reconciler("apply", str(example))
    again = reconciler("plan", str(example), "--detailed-exitcode")
    assert "unchanged" in again
    shown = json.loads(reconciler("show", str(example), "--json"))
    assert shown["format_version"] == 1
    assert shown["resources"]
    reconciler("destroy", str(example), "--volumes", "--images")
    assert snapshot.differences(before, snapshot.settled(before, witness)) == {}
    files_after = snapshot.files(excluded)
    assert _changed(files_before, files_after) == {}


def test_notes_does_what_the_walk_by_hand_does(lab: Any, engine: Any) -> None:
    path = str(CHECKOUT / "topologies" / "notes.yaml")
    try:
        reconciler("apply", path)
        assert _exec(engine, "box2", "ping", "-c1", "-W2", "first")[0] == 0
        assert _exec(engine, "box4", "ping", "-c1", "-W2", "box3")[0] == 0
        assert _exec(engine, "box4", "ping", "-c1", "-W2", "both")[0] == 0
        assert _exec(engine, "box5", "ping", "-c1", "-W2", "database")[0] == 0
        assert len(engine.inspect_container("box3")["NetworkSettings"]["Networks"]) == 2
        assert "It works" in urllib.request.urlopen("http://127.0.0.1:8481/", timeout=5).read().decode()
        assert _exec(engine, "reader", "cat", "/note") == (0, "remember the milk\n")
        assert engine.inspect_container("imported")["State"]["Running"]
        _ping("test2", "192.168.1.2")
        _ping("test3", "192.168.1.1")
        bridge = json.loads(subprocess.check_output(["ip", "-j", "-d", "link", "show", "br-notes"]))[0]
        assert bridge["linkinfo"]["info_data"]["stp_state"] == 1
        ports = json.loads(subprocess.check_output(["ip", "-j", "link", "show", "master", "br-notes"]))
        assert len(ports) == 2
        _ping("test2", "192.168.2.3", seconds=15)
        assert (
            "UP" in json.loads(subprocess.check_output(["ip", "-n", "test2", "-j", "link", "show", "lo"]))[0]["flags"]
        )
    finally:
        reconciler("destroy", path, "--volumes", "--images", "--now")


def test_in_leaf_spine_any_host_pings_any_host(lab: Any, engine: Any) -> None:
    path = str(CHECKOUT / "topologies" / "leaf-spine.yaml")
    addresses = {f"host{leaf}{host}": f"10.83.{leaf}.{2 + 4 * (host - 1)}" for leaf in (1, 2, 3, 4) for host in (1, 2)}
    try:
        reconciler("apply", path)
        loop = "; ".join(f"ping -c1 -W2 {address} >/dev/null || exit 1" for address in addresses.values())
        failed = [name for name in addresses if _exec(engine, f"leaf-spine-{name}", "sh", "-c", loop)[0]]
        assert failed == []
        pid = engine.inspect_container("leaf-spine-leaf1")["State"]["Pid"]
        argv = ["nsenter", "-t", str(pid), "-n", "ip", "-j", "route", "show", "10.83.0.0/16"]
        (route,) = json.loads(subprocess.check_output(argv))
        assert [each["dev"] for each in route["nexthops"]] == ["spine1", "spine2"]
    finally:
        reconciler("destroy", path, "--volumes", "--images", "--now")


def test_the_quickstart_script_shows_breaks_mends_and_destroys(lab: Any, engine: Any) -> None:
    done = subprocess.run(
        [CHECKOUT / "scripts" / "quickstart"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, *acts = done.stdout.split("\n== ")
    applied, shown, _, planned, mended, rests, gone = acts
    assert "Plan: 10 to create; 0 unchanged." in applied
    assert "container/web" in shown
    drift = [
        line.split()[1] for line in planned.splitlines() if line.strip()[:1] in ("+", "~", "-") and line[:2] == "  "
    ]
    broken = ["veth/blue:eth0--red:eth0", "veth/br0--web:eth1", "container/client", "connect/client--lan"]
    assert drift == broken
    assert "Plan: 2 to create, 1 to update; 7 unchanged." in mended
    assert "Plan: nothing to do; 10 unchanged." in rests
    assert "Plan: 10 to delete; 0 unchanged." in gone


def test_namespaces_needs_no_engine_and_routes(lab: Any) -> None:
    path = str(CHECKOUT / "topologies" / "namespaces.yaml")
    try:
        reconciler("apply", path, environment=NOWHERE)
        _ping("namespaces-left", "10.81.2.2", seconds=15)
        reconciler("plan", path, "--detailed-exitcode", environment=NOWHERE)
    finally:
        reconciler("destroy", path, environment=NOWHERE)


def _ping(namespace: str, address: str, *, seconds: int = 2) -> None:
    argv = ["ip", "netns", "exec", namespace, "ping", "-c1", "-W1", address]
    if not Path("/bin/ping").exists() and not Path("/usr/bin/ping").exists():
        argv[4:5] = ["busybox", "ping"]
    deadline = time.monotonic() + seconds
    while (done := subprocess.run(argv, check=False, capture_output=True, text=True)).returncode:
        assert time.monotonic() < deadline, done.stdout + done.stderr


def _exec(engine: Any, container: str, *argv: str) -> tuple[int, str]:
    made = engine.exec_create(container, list(argv))["Id"]
    output = engine.exec_start(made).decode()
    return engine.exec_inspect(made)["ExitCode"], output


def _roots(engine: Any) -> list[str]:
    return [engine.info()["DockerRootDir"]] if engine else []


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The files that differ, logs of the machine left aside."""
    ours = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return {path: (before.get(path), after.get(path)) for path in sorted(ours) if "/log/" not in path}
