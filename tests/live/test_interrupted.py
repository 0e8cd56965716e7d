"""Interrupted: what runs ends, nothing more starts, the table is printed; what would take its time is cut short."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import snapshot
from live.lab import ENGINE, RECONCILER, started
from live.recorder import Recorder

pytestmark = pytest.mark.live

BOXES = 'defaults: {containers: {image: %s, init: true, network_mode: none, command: [sleep, "1000"]}}\ncontainers:\n'
LATER = "  later: {depends_on: {slow: {condition: %s}}}\n"
PROMPTLY = 10.0
"""Seconds within which an interrupted run is over, whatever it was doing; a command gets half of them."""


class Run:
    """A command under way, whose standard error is read as it comes."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.process = started(folder, *arguments, environment=environment)
        self.said = ""

    def until(self, words: str) -> None:
        assert self.process.stderr
        while words not in self.said:
            line = self.process.stderr.readline()
            assert line, f"{words!r} was never said:\n{self.said}"
            self.said += line

    def succeeds(self) -> None:
        output, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, output + errors

    def interrupted(self, number: signal.Signals) -> str:
        """Interrupt it, insist that it is soon over with the right code, and return what it printed."""
        begun = time.monotonic()
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 128 + number, output + errors
        assert time.monotonic() - begun < PROMPTLY, output
        self.said += errors
        return output


@pytest.fixture(scope="module")
def before(engine: Any, image: str) -> dict[str, Any]:
    """What is there before all of them, and after each."""
    return snapshot.at_rest(engine)


@pytest.fixture
def folder(lab: Any, engine: Any, before: dict[str, Any]) -> Iterator[Path]:
    """Where a topology is; whatever becomes of its runs, of what is then destroyed nothing is left."""
    yield lab.folder
    subprocess.run(
        [*RECONCILER, "destroy", "--volumes", "--images", "--now"], cwd=lab.folder, check=True, capture_output=True
    )
    assert snapshot.differences(before, snapshot.settled(before, engine)) == {}


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def number(request: pytest.FixtureRequest) -> signal.Signals:
    found: signal.Signals = request.param
    return found


def write(folder: Path, text: str, name: str = "") -> str:
    name = name or f"i{uuid.uuid4().hex[:5]}"
    folder.joinpath("topology.yaml").write_text(f"name: {name}\n{text}")
    return name


def eventually(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(engine: Any, **filters: str) -> list[str]:
    return [each["Id"] for each in engine.containers(filters=filters)]


def test_a_build_is_cut_short_and_leaves_nothing(folder: Path, engine: Any, number: signal.Signals) -> None:
    context = folder / "context"
    context.mkdir()
    context.joinpath("busybox").write_bytes(Path("/bin/busybox").read_bytes())
    context.joinpath("busybox").chmod(0o755)
    token = uuid.uuid4().hex
    steps = 'RUN ["/bin/busybox", "touch", "/made"]\nRUN ["/bin/busybox", "sleep", "1000"]'
    lines = f"FROM scratch\nLABEL token={token}\nCOPY busybox /bin/busybox\n{steps}\n"
    context.joinpath("Dockerfile").write_text(lines)
    write(folder, "images: {slow: {build: context}}\nnamespaces: {red: }\n")
    run = Run(folder, "apply")
    eventually(
        lambda: any("sleep" in each["Command"] for each in engine.containers(filters={"label": f"token={token}"}))
    )
    assert len(engine.images(all=True, filters={"label": f"token={token}"})) == 3
    assert "interrupted while it was made" in run.interrupted(number)
    assert engine.images(all=True, filters={"label": f"token={token}"}) == []
    assert engine.containers(all=True, filters={"label": f"token={token}"}) == []


def test_a_pull_from_a_registry_that_hangs_is_cut_short(folder: Path, engine: Any, number: signal.Signals) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as registry:
        write(folder, f"containers: {{box: {{image: '127.0.0.1:{registry.getsockname()[1]}/hangs:1'}}}}\n")
        run = Run(folder, "apply")
        registry.accept()
        output = run.interrupted(number)
    assert "interrupted while it was made" in output
    assert "skipped     create container/box" in output


UNHEALTHY = '{healthcheck: {test: [CMD, "false"], start_period: 1000s}}'


def test_a_wait_for_health_ends_at_once(folder: Path, engine: Any, image: str, number: signal.Signals) -> None:
    write(folder, BOXES % image + f"  slow: {UNHEALTHY}\n" + LATER % "service_healthy")
    with Recorder(ENGINE, folder) as door:
        run = Run(folder, "apply", DOCKER_HOST=door.url)
        eventually(lambda: door.counted()["GET /events"])
        output = run.interrupted(number)
    assert "interrupted while it is not healthy" in output
    assert "process/later" in output


def test_a_wait_for_completion_ends_at_once(folder: Path, engine: Any, image: str) -> None:
    write(folder, BOXES % image + "  slow: {init: false}\n" + LATER % "service_completed_successfully")
    with Recorder(ENGINE, folder) as door:
        run = Run(folder, "apply", DOCKER_HOST=door.url)
        eventually(lambda: door.counted()["POST /containers/ID/wait"])
        output = run.interrupted(signal.SIGTERM)
    assert "interrupted while it has not completed" in output
    assert "process/later" in output


def test_a_container_that_ignores_its_signal_is_stopped_all_the_same(folder: Path, engine: Any, image: str) -> None:
    text = BOXES % image + "  slow: {init: false, stop_grace_period: 3s}\n"
    name = write(folder, text)
    Run(folder, "apply").succeeds()
    write(folder, text.replace("slow: {", "slow: {state: stopped, "), name)
    run = Run(folder, "apply")
    eventually(lambda: signalled(engine, f"{name}-slow"))
    assert "Steps: 1 applied" in run.interrupted(signal.SIGTERM)
    assert not running(engine, name=f"{name}-slow")


def signalled(engine: Any, container: str) -> bool:
    filters = {"event": "kill", "container": container}
    return any(True for _ in engine.events(since=0, until=time.time(), filters=filters))


@pytest.mark.parametrize("node", ["namespaces: {red: {exec: [%s]}}\n", "containers: {box: {exec: [%s]}}\n"])
def test_a_command_has_a_few_seconds_to_end(folder: Path, engine: Any, image: str, node: str) -> None:
    token = str(uuid.uuid4().int % 10**8)
    write(folder, (BOXES % image).partition("containers:\n")[0] + node % f"sleep {token}")
    run = Run(folder, "apply")
    eventually(lambda: bool(sleeping(token)))
    output = run.interrupted(signal.SIGTERM)
    assert f"`sleep {token}` was interrupted: it had not ended 5 s later" in output
    if "red" in node:
        assert sleeping(token) == []


def sleeping(token: str) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if each.read_bytes().split(b"\0")[:2] == [b"sleep", token.encode()]:
                found.append(int(each.parent.name))
    return found


def test_while_it_waits_for_the_lock_it_ends_at_once(folder: Path, number: signal.Signals) -> None:
    write(folder, "namespaces: {red: {exec: ['sleep 4']}}\n")
    first = Run(folder, "apply")
    first.until("create namespace/red")
    second = Run(folder, "apply")
    second.until("waiting for pid")
    second.interrupted(number)
    assert "nothing was changed" in second.said
    first.succeeds()


def test_on_the_way_back_what_runs_ends_and_nothing_more_starts(folder: Path, engine: Any, image: str) -> None:
    before = "namespaces: {red: }\n"
    name = write(folder, before)
    Run(folder, "apply").succeeds()
    boxes = (BOXES % image).replace("network_mode: none", "networks: [lan]")
    slow = boxes + "  slow: {init: false, stop_grace_period: 3s}\nnetworks: {lan: }\n"
    write(folder, slow + "namespaces: {red: , bad: {exec: [sleep 1; exit 3]}}\n", name)
    run = Run(folder, "apply", "--on-failure", "revert")
    eventually(lambda: signalled(engine, f"{name}-slow"))
    output = run.interrupted(signal.SIGTERM)
    assert "applied     delete container/slow" in output
    assert "skipped     delete network/lan  interrupted before its turn" in output
    write(folder, before, name)
    Run(folder, "apply").succeeds()
    assert engine.networks(filters={"label": f"reconciler.topology={name}"}) == []


def test_a_second_signal_aborts_whatever_is_under_way(folder: Path) -> None:
    token = str(uuid.uuid4().int % 10**8)
    write(folder, f"namespaces: {{red: {{exec: [sleep {token}]}}}}\n")
    run = Run(folder, "apply")
    eventually(lambda: bool(sleeping(token)))
    run.process.send_signal(signal.SIGTERM)
    run.until("interrupted")
    begun = time.monotonic()
    assert "Steps:" not in run.interrupted(signal.SIGTERM)
    assert time.monotonic() - begun < PROMPTLY / 4


def test_what_is_looked_at_again_when_it_is_interrupted_is_whole(folder: Path, number: signal.Signals) -> None:
    """The last step has ended: there is nothing to cut short, and nothing is said to differ that nobody looked at."""
    write(folder, "namespaces: {red: }\nveths: [[red:eth0 10.99.0.1/30, red:eth1 10.99.0.5/30]]\n")
    run = Run(folder, "apply")
    run.until("create veth/red:eth0--red:eth1")
    run.process.send_signal(number)
    output, errors = run.process.communicate(timeout=60)
    assert run.process.returncode in (0, 128 + number), output + errors
    assert "Steps: 2 applied, 0 failed, 0 skipped" in output
    assert "differ" not in output + errors
    Run(folder, "plan", "--detailed-exitcode").succeeds()


def test_a_terminal_that_is_gone_is_an_interruption_though_nothing_can_be_told_there(folder: Path) -> None:
    write(folder, 'namespaces: {red: {exec: ["sleep 1000"]}, blue: {}}\n')
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*RECONCILER, "apply"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - there are no threads yet
    )
    os.close(theirs)
    said, begun = b"", b"create exec/red"
    while begun not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    process.send_signal(signal.SIGHUP)  # the shell says so beside the kernel
    assert process.wait(timeout=60) == 129, said
