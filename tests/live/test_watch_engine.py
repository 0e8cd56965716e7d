"""A watch outlives its engine: one of our own beside the other is stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.apart import Apart
from live.boxes import alone, text
from live.lab import IMAGE, REQUIRED, busybox_tar, run
from live.watched import LONG, RECONCILER, Watched, is_mended, settled
from reconciler.errors import ReconcilerError
from reconciler.host import Host

pytestmark = pytest.mark.live

WORLD = text(
    {"box": alone(restart="no"), "calm": alone(restart="always")},
    namespaces={"red": {}},
    veths=[["box:eth0 10.79.0.1/30", "red:eth0 10.79.0.2/30"]],
)
MANY = bool(os.environ.get("RECONCILER_TEST_ALL"))
BARE = ("--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs")
VETH = "veth/box:eth0--red:eth0"


class Private:
    """An engine in a network namespace, and with mounts, of its own: beside another it would take that one's bridge."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url, self.file = folder, f"unix://{folder}/docker.sock", folder / "topology.yaml"
        self.apart = Apart()
        self.enter = self.apart.enter
        self.start()

    def start(self) -> None:
        own = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [*(f"--{option}={self.folder}/{name}" for option, name in own.items()), *BARE]
        with self.folder.joinpath("log").open("ab") as log:
            command = [*self.enter, "dockerd", f"--host={self.url}", *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + LONG
        while not self._answers():
            assert self.process.poll() is None, self.folder.joinpath("log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return bool(Host(engine_url=self.url, patience=0).engine.version)
        except ReconcilerError:
            return False

    def import_image(self) -> None:
        name, tag = IMAGE.split(":")
        Host(engine_url=self.url).engine.api.import_image_from_data(busybox_tar(), repository=name, tag=tag)

    def end(self, number: int) -> None:
        """End the engine: `nsenter` has become it."""
        self.process.send_signal(number)
        self.process.wait(timeout=LONG)

    def close(self) -> None:
        self.end(signal.SIGTERM)
        self.apart.__exit__()

    def watched(self, *arguments: str) -> Watched:
        self.file.write_text(f"name: t{uuid.uuid4().hex[:6]}\nprefix: p\n{WORLD}")
        arguments = (str(self.file), "--patience", "1s", *arguments)
        return Watched(self.folder, *arguments, environment={"DOCKER_HOST": self.url}, before=self.enter)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the reconciler where the engine is."""
        return subprocess.run(
            [*self.enter, *RECONCILER, *arguments, str(self.file)],
            env={**os.environ, "DOCKER_HOST": self.url},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Private]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    if not shutil.which("dockerd"):
        pytest.skip("no dockerd here to start beside the engine under test")
    made = Private(tmp_path)
    made.import_image()
    yield made
    done = made("destroy", "--now")
    made.close()
    assert done.returncode == 0, done.stdout + done.stderr


def at_rest(private: Private) -> None:
    deadline = time.monotonic() + LONG
    while (done := private("plan", "--detailed-exitcode")).returncode:
        assert time.monotonic() < deadline, done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL] if MANY else [signal.SIGTERM])
def test_an_engine_that_restarts_is_followed_again_and_all_that_went_with_it_mended(
    private: Private, number: signal.Signals
) -> None:
    with private.watched() as watch:
        watch.until(lambda each: is_mended(each, VETH))
        after = len(watch.words)
        private.end(number)
        watch.until(lambda each: each["what"] == "lost", after=after)
        private.start()
        watch.until(lambda each: each["what"] == "engine", after=after)
        at_rest(private)
        assert [each["what"] for each in watch.words[after:]].count("lost") == 1
        watch.mends(
            "a container is killed", lambda: run("docker", "--host", private.url, "kill", "p-box"), "process/box", VETH
        )


def test_it_waits_for_an_engine_that_is_not_there_yet(private: Private) -> None:
    private.end(signal.SIGTERM)
    with private.watched() as watch:
        assert "start one" in watch.until(lambda each: each["what"] == "lost")["text"]
        private.start()
        watch.until(lambda each: is_mended(each, VETH))


def test_an_engine_that_hangs_holds_up_what_is_of_the_kernel_alone_until_it_is_known_to_be_silent(
    private: Private,
) -> None:
    with private.watched("--engine-timeout", "5s") as watch:
        watch.until(lambda each: is_mended(each, VETH))
        settled(watch)
        after = len(watch.words)
        private.process.send_signal(signal.SIGSTOP)
        try:
            remove = ("ip", "netns", "del", "p-red")
            watch.mends("an engine hangs: a namespace", lambda: private.apart(*remove), "namespace/red")
            watch.mends("an engine hangs: the next one", lambda: private.apart(*remove), "namespace/red")
        finally:
            private.process.send_signal(signal.SIGCONT)
        watch.until(lambda each: is_mended(each, VETH), after=after)
        assert [each["what"] for each in watch.words[after:] if each["what"] in ("lost", "engine")] == [
            "lost",
            "engine",
        ]
