"""What is unwell: each has its message and its bounded wait, and holds up nothing that does not wait for it."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.lab import REQUIRED, busybox_tar, run
from live.test_cli import Cli, made
from reconciler.errors import ReconcilerError
from reconciler.host import Host

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("untouched")]

PATIENCE = 4
UNWELL = """
defaults: {{containers: {{image: reconciler-test/busybox, init: true, network_mode: none, command: [sleep, '600']}}}}
images:
  broken: {{build: ./ctx}}
containers:
  gone: {{command: [sh, -c, 'echo a last word; exit 7']}}
  looping: {{restart: always, command: [sh, -c, 'echo once more; exit 3']}}
  never: {{healthcheck: {{test: [CMD, 'false'], interval: 1s, start_period: 10m}}}}
  sick: {{healthcheck: {{test: [CMD-SHELL, 'echo not well; exit 1'], interval: 1s, retries: 1}}}}
  missing: {{image: "127.0.0.1:{closed}/none:1"}}
  hanging: {{image: "127.0.0.1:{silent}/none:1"}}
  unbuilt: {{image: broken}}
  after: {{depends_on: {{never: {{condition: service_healthy}}}}}}
  fine: {{}}
  finer: {{depends_on: [fine]}}
namespaces: {{red: }}
veths: [[fine:eth0 10.212.0.1/30, red:eth0 10.212.0.2/30]]
"""
TOLD = {
    "create process/gone": r"it (?:ends right after|has ended since) its start, with exit code 7: see its .*log ends:\n\s+\| a last word",
    r"wait process/never \(healthy\)": rf"it is not healthy after {PATIENCE} s: see its log, or raise --wait-timeout",
    r"wait process/sick \(healthy\)": r"it is unhealthy: its check ended with exit code 1:\n\s+\| not well",
    r"create image/127\.0\.0\.1:\d+/none:1": r"127\.0\.0\.1:\d+/none:1 cannot be pulled: .*(refused.*its registry up|too long.*its registry well)",
    "create image/broken": r".*returned a non-zero code: 9\n(.*\n)*.*No space left on device",
}


@pytest.fixture
def cli(tmp_path: Path, image: str) -> Iterator[Cli]:
    (tmp_path / "ctx").mkdir()
    text = f"FROM {image}\nRUN dd if=/dev/zero of=/dev/full bs=1k count=1 || exit 9\n"
    (tmp_path / "ctx/Dockerfile").write_text(text)
    yield from made(tmp_path, {})


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a registry that takes calls and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def test_each_is_told_in_time_and_all_else_is_done(cli: Cli, silent: int, closed: int) -> None:
    cli.write(UNWELL.format(silent=silent, closed=closed))
    started = time.monotonic()
    done = cli("apply", "--wait-timeout", f"{PATIENCE}s", "--patience", "1s")
    assert (done.returncode, time.monotonic() - started < 60) == (1, True), done.stdout + done.stderr
    for step, words in TOLD.items():
        assert re.search(rf"^  failed      {step}  .*{words}", done.stdout, re.MULTILINE), (step, done.stdout)
    assert len(re.findall(r"^  failed      create image/127", done.stdout, re.MULTILINE)) == 2
    assert "silent for too long" in done.stdout
    # A slow engine has started it again before anybody could look.
    assert re.search(r"process/looping  .*with exit code 3: |~ container/looping +state: restarting", done.stdout)
    assert "Traceback" not in done.stderr
    for applied in ("process/fine", "process/finer", "veth/fine:eth0--red:eth0"):
        assert f"  applied     create {applied}\n" in done.stdout
    for skipped in ("process/after", "container/missing", "container/hanging", "container/unbuilt"):
        assert re.search(rf"^  skipped     create {skipped}  because ", done.stdout, re.MULTILINE)


DEAF = "defaults: {containers: {image: reconciler-test/busybox, network_mode: none}}\ncontainers:\n"
LISTENING = "  c%d: {init: true, command: [sleep, '600']}\n"


def test_who_does_not_hear_the_stop_signal_holds_up_nobody(cli: Cli) -> None:
    deaf = "  deaf: {command: [sh, -c, 'trap \"\" TERM; sleep 600'], stop_grace_period: 3s}\n"
    cli.write(DEAF + deaf + "".join(LISTENING % each for each in range(3)))
    assert cli("apply").returncode == 0
    cli.write("namespaces: {red: }")
    outcomes = {each["key"]: each for each in cli.told("apply", "--jobs", "4")["outcomes"] if each["verb"] == "delete"}
    seconds = {key: each["seconds"] for key, each in outcomes.items() if key.startswith("container/")}
    assert 3 <= seconds.pop("container/deaf") < 8, seconds
    assert len(seconds) == 3
    assert max(seconds.values()) < 3, seconds


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 256 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder))
    yield folder
    run("umount", str(folder))


def test_a_full_disk_of_ours_is_told_and_nothing_is_left_on_it(cli: Cli, tiny: Path) -> None:
    cli.write("images: {one: {build: ./big}}\nnamespaces: {red: }")
    (cli.folder / "big").mkdir()
    (cli.folder / "big/Dockerfile").write_text("FROM scratch\nCOPY data /\n")
    (cli.folder / "big/data").write_bytes(bytes(10**6))
    cli.environment["TMPDIR"] = str(tiny)
    done = cli("apply")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"failed      create image/one  image/one: .*No space left on device.*TMPDIR", done.stdout), (
        done.stdout
    )
    assert "  applied     create namespace/red" in done.stdout
    assert list(tiny.iterdir()) == []
    (tiny / "filler").write_bytes(bytes(256 * 1024))
    done = cli("plan", "--out", str(tiny / "plan.json"))
    assert (done.returncode, done.stderr) == (
        3,
        f"error: {tiny}/plan.json: cannot be written: No space left on device\n",
    )
    assert [each.name for each in tiny.iterdir()] == ["filler"]
    done = cli("plan", before=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
    assert (done.returncode, done.stderr) == (1, "error: standard output cannot be written: No space left on device\n")


@pytest.fixture
def full(tmp_path: Path, engine: Any) -> Iterator[tuple[str, list[str]]]:
    """An engine of its own whose disk is full but for a few pages: its address, how to be where it is; it has `lab`."""
    if engine.info()["OSType"] != "linux" or not shutil.which("dockerd"):
        pytest.fail("dockerd must be here") if REQUIRED else pytest.skip("no engine can be started here")
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk))
    address = f"unix://{tmp_path}/docker.sock"
    options = [f"--data-root={disk}", f"--exec-root={tmp_path}/exec", f"--pidfile={tmp_path}/pid", f"--host={address}"]
    # In a network of its own: an engine without a bridge deletes docker0.
    apart = ["--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs"]
    with (tmp_path / "log").open("w") as log:
        daemon = subprocess.Popen(
            ["unshare", "--net", "dockerd", *options, *apart], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        api = _answering(address, daemon, tmp_path / "log")
        api.import_image_from_data(busybox_tar(), repository="lab", tag="latest", changes=["CMD sh"])
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        yield address, ["nsenter", f"--net=/proc/{daemon.pid}/ns/net"]
    finally:
        daemon.terminate()
        daemon.wait(30)
        run("umount", "-l", str(disk), check=False)


def _answering(address: str, daemon: subprocess.Popen[bytes], log: Path) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and daemon.poll() is None:
        with contextlib.suppress(ReconcilerError):
            return Host(engine_url=address).engine.api
        time.sleep(0.1)
    return pytest.fail(log.read_text())


def test_a_full_disk_of_the_engine_is_told_with_what_to_do(cli: Cli, full: tuple[str, list[str]]) -> None:
    cli.write(
        """
images: {made: {import: root.tar}}
containers: {web: {image: lab, network_mode: none, command: [sleep, '600'], pull_policy: never}}
namespaces: {red: }
"""
    )
    (cli.folder / "root.tar").write_bytes(busybox_tar())
    cli.environment["DOCKER_HOST"], there = full
    done = cli("apply", "--patience", "1s", before=there)
    assert done.returncode == 1, done.stdout + done.stderr
    for key in ("image/made", "container/web"):
        words = rf"failed      create {key}  {key}: .*no space left on device.*: the engine's disk is full: see `docker"
        assert re.search(words, done.stdout), (key, done.stdout)
    assert "  applied     create namespace/red" in done.stdout
    assert cli("destroy", before=there).returncode == 0
    cli.environment.pop("DOCKER_HOST")
