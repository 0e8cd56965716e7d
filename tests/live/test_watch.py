"""A watch on a real kernel and a real engine: whatever drifts is mended, and nothing holds up the rest."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from live.boxes import alone, box, inspect, lan, life, text
from live.lab import ENGINE, REQUIRED, Lab, run
from live.recorder import Recorder
from live.watched import LONG, TOOK, Watched, Words, moment, settled

pytestmark = [pytest.mark.live]

VETH, PORT, PAIR = "veth/edge:core--far:eth0", "veth/br0--left:eth0", "veth/left:eth1--right:eth1"
FAR = {"container": "far", "interface": "eth0", "addresses": ["10.71.0.2/30"]}
BACK = [{"to": "10.98.0.0/16", "via": "10.71.0.2"}]
WORLD = text(
    {
        "box": box(networks={"lan": {"ipv4_address": "10.231.77.10", "aliases": ["db"]}}),
        "far": alone(
            routes=[{"to": "10.99.0.0/16", "via": "10.71.0.1"}], exec=["echo up >>/tmp/ups"], restart="always"
        ),
        "calm": alone(),
    },
    networks={"lan": lan("10.231.77.0/24")},
    namespaces={"edge": {"routes": BACK}, "left": {}, "right": {}},
    bridges={"br0": {"stp": False, "addresses": ["10.73.0.1/24"]}},
    veths=[
        {"endpoints": [FAR, {"namespace": "edge", "interface": "core", "addresses": ["10.71.0.1/30"]}], "mtu": 1400},
        ["left:eth0 10.73.0.2/24", "br0"],
        ["left:eth1 10.72.0.1/30", "right:eth1 10.72.0.2/30"],
    ],
)
"""Of everything that may drift one; far's pair has addresses and routes at both ends, and a command that is run."""


class World:
    """A topology that is watched for as long as a module's tests last."""

    def __init__(self, lab: Lab, watch: Watched) -> None:
        self.lab, self.watch, self.name = lab, watch, lab.name

    def docker(self, *arguments: str) -> str:
        return run("docker", *arguments)

    def ip(self, where: str, *arguments: str) -> str:
        return run("ip", "-n", f"{self.name}-{where}", *arguments)

    def inside(self, container: str, *arguments: str) -> str:
        return self.docker("exec", f"{self.name}-{container}", *arguments)


@pytest.fixture(scope="module")
def world(engine: Any, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    made = Lab(tmp_path_factory.mktemp("watched"))
    made.load(WORLD)
    with Watched(made.folder) as watch:
        watch.until(lambda each: each["what"] == "mended" and each["key"] == "exec/far")
        yield World(made, watch)
    assert made.destroy().converged


def at_rest(lab: Lab, file: str) -> None:
    """Insist that nothing differs, as soon as the last step's look again has ended."""
    deadline = time.monotonic() + LONG
    while left := lab.tells(file):
        assert time.monotonic() < deadline, left


_DOWN = ("ip", "link", "set", "down")
Drift = Callable[[World], object]
DRIFTS: dict[str, tuple[Drift, list[str]]] = {
    "a container restarts": (lambda w: w.docker("restart", f"{w.name}-far"), [VETH, "exec/far"]),
    "a container crashes": (
        lambda w: os.kill(inspect(w.lab, "far")["State"]["Pid"], signal.SIGKILL),
        [VETH, "exec/far"],
    ),
    "a container is stopped": (lambda w: w.docker("stop", f"{w.name}-far"), ["process/far", VETH, "exec/far"]),
    "a container is paused": (lambda w: w.docker("pause", f"{w.name}-box"), ["process/box"]),
    "a container is removed": (lambda w: w.docker("rm", "-f", f"{w.name}-far"), ["container/far", VETH, "exec/far"]),
    "a container is renamed": (lambda w: w.docker("rename", f"{w.name}-box", f"{w.name}-bux"), ["container/box"]),
    "a limit is changed": (lambda w: w.docker("update", "--pids-limit", "99", f"{w.name}-box"), ["container/box"]),
    "a network is disconnected": (
        lambda w: w.docker("network", "disconnect", f"{w.name}-lan", f"{w.name}-box"),
        ["connect/box--lan"],
    ),
    "an endpoint is set down": (
        lambda w: run("nsenter", "-t", str(inspect(w.lab, "box")["State"]["Pid"]), "-n", *_DOWN, endpoint_of(w)),
        ["connect/box--lan"],
    ),
    "a network's bridge is set down": (lambda w: run(*_DOWN, bridge_of(w)), ["network/lan"]),
    "a pair is deleted": (lambda w: w.ip("edge", "link", "delete", "core"), [VETH, "route/edge--10.98.0.0/16"]),
    "an MTU is changed": (lambda w: w.ip("left", "link", "set", "eth1", "mtu", "1300"), [PAIR]),
    "an interface is set down": (lambda w: w.ip("right", "link", "set", "eth1", "down"), [PAIR]),
    "an address is deleted": (lambda w: w.ip("right", "address", "delete", "10.72.0.2/30", "dev", "eth1"), [PAIR]),
    "a route is deleted": (lambda w: w.ip("edge", "route", "delete", "10.98.0.0/16"), ["route/edge--10.98.0.0/16"]),
    "a port leaves its bridge": (lambda w: run("ip", "link", "set", port_of(w), "nomaster"), [PORT]),
    "a bridge is changed": (
        lambda w: run("ip", "link", "set", "dev", f"{w.name}-br0", "type", "bridge", "stp_state", "1"),
        ["bridge/br0"],
    ),
    "a bridge is deleted": (lambda w: run("ip", "link", "delete", f"{w.name}-br0"), ["bridge/br0", PORT]),
    "a namespace is deleted": (lambda w: run("ip", "netns", "delete", f"{w.name}-right"), ["namespace/right", PAIR]),
}


def endpoint_of(world: World) -> str:
    """Return how box's interface is called: each time that it is connected anew a number higher."""
    return next(each for each in world.inside("box", "ls", "/sys/class/net").split() if each != "lo")


def bridge_of(world: World) -> str:
    return f"br-{world.docker('network', 'inspect', '-f', '{{.Id}}', f'{world.name}-lan')[:12]}"


def port_of(world: World) -> str:
    links = json.loads(run("ip", "-json", "link", "show", "master", f"{world.name}-br0"))
    return str(links[0]["ifname"])


@pytest.mark.parametrize("name", DRIFTS)
def test_what_drifts_is_mended_as_it_happens(name: str, world: World) -> None:
    drift, keys = DRIFTS[name]
    before = life(world.lab, "calm")
    last = world.watch.mends(name, lambda: drift(world), *keys)[-1]
    if "restart" in name or "crash" in name:  # how long the engine takes for that is not ours
        TOOK[name] = moment(last["time"]) - moment(inspect(world.lab, "far")["State"]["StartedAt"])
    at_rest(world.lab, WORLD)
    assert TOOK[name] < (5 if "restart" in name or "crash" in name else 15)  # seconds: generous on a busy machine
    assert life(world.lab, "calm") == before


def set_mtu(world: World) -> float:
    began = time.time()
    world.ip("left", "link", "set", "eth1", "mtu", "1300")
    return began


def delete_pair(world: World) -> float:
    began = time.time()
    world.ip("edge", "link", "delete", "core")
    return began


def disconnect(world: World) -> float:
    began = time.time()
    world.docker("network", "disconnect", f"{world.name}-lan", f"{world.name}-box")
    return began


def restart(world: World) -> float:
    """Restart a container; the clock runs from when it runs again: how long the engine takes is not ours."""
    world.docker("restart", f"{world.name}-far")
    return moment(inspect(world.lab, "far")["State"]["StartedAt"])


ROUTES = ["route/far--10.99.0.0/16", "route/edge--10.98.0.0/16"]
"""At the end that was made anew, and at the other one."""
PROMISED: dict[str, tuple[Callable[[World], float], list[str]]] = {
    "a container has restarted": (restart, [VETH, "exec/far", *ROUTES]),
    "a pair was deleted": (delete_pair, [VETH, "route/edge--10.98.0.0/16"]),
    "an MTU was changed": (set_mtu, [PAIR]),
    "a network was disconnected": (disconnect, ["connect/box--lan"]),
}


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_within_a_second_takes_no_longer(name: str, world: World) -> None:
    drift, keys = PROMISED[name]
    settled(world.watch)
    world.watch.mends_within(1.0, name, lambda: drift(world), *keys)
    at_rest(world.lab, WORLD)


SICK = {"test": ["CMD", "false"], "interval": "1s", "retries": 1}
ILL = text(
    {
        "loop": alone(restart="always", command=["sh", "-c", "sleep 0.6; exit 3"]),
        "sick": alone(healthcheck=SICK),
        "after": alone(depends_on={"sick": {"condition": "service_healthy"}}),
        "lost": alone(image="127.0.0.1:1/nothing:1"),
    },
    namespaces={"red": {}, "blue": {}},
    veths=[["red:eth0 10.66.0.1/30", "blue:eth0 10.66.0.2/30"], ["loop:eth0 10.67.0.1/30", "red:eth1 10.67.0.2/30"]],
)


def test_what_ends_again_and_again_is_never_healthy_or_has_no_image_is_told_and_holds_up_nothing(
    image: str, lab: Lab
) -> None:
    lab.load(ILL)
    with Watched(lab.folder) as watch:

        def failures(key: str) -> list[Words]:
            return [each for each in watch.words if each["what"] == "failed" and each["key"] == key]

        watch.until(lambda each: each.get("retry") == 4 and each["key"] == "process/sick")
        watch.mends(
            "an MTU beside what fails",
            lambda: run("ip", "-n", f"{lab.name}-red", "link", "set", "eth0", "mtu", "1300"),
            "veth/blue:eth0--red:eth0",
        )
        assert [each["retry"] for each in failures("process/sick")] == [1, 2, 4]
        assert "it is unhealthy" in failures("process/sick")[0]["text"]
        assert "ends again and again" in failures("process/loop")[0]["text"]
        assert "cannot be pulled" in failures("image/127.0.0.1:1/nothing:1")[0]["text"]
        assert len(failures("process/loop")) <= 6
        health = ("docker", "inspect", "--format", "{{.State.Health.Status}}", f"{lab.name}-sick")
        assert run(*health) == "unhealthy\n"


def test_an_idle_watch_asks_the_engine_nothing_and_sleeps(lab: Lab, engine: Any, image: str) -> None:
    lab.load(text({"box": alone(), "calm": box(networks=["lan"])}, networks={"lan": lan("10.231.78.0/24")}))
    with (
        Recorder(ENGINE, lab.folder) as recorder,
        Watched(lab.folder, environment={"DOCKER_HOST": recorder.url}) as watch,
    ):
        watch.until(lambda each: each["what"] == "mended" and each["key"] == "process/calm")
        settled(watch, quiet=2.0)  # the kernel tells of an IPv6 address again when it has been checked
        before, woken = len(recorder.calls), watch.cost()[0]
        time.sleep(3)  # this is what idle means
        assert recorder.calls[before:] == []
        assert watch.cost()[0] - woken <= 3, "no thread wakes up to look whether something has happened"
