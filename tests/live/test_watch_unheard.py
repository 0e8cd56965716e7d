"""What a watch does not hear: messages of the kernel that are lost, and a stream of events that breaks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live.apart import Apart
from live.boxes import alone, text
from live.lab import ENGINE, NOWHERE, REQUIRED, Lab, run
from live.proxy import Fault, Proxy
from live.watched import LONG, Watched, is_mended, moment, settled
from reconciler.watch.concern import OVERFLOW

pytestmark = pytest.mark.live

PAIR = "namespaces: {red: , blue: }\nveths: [[red:eth0 10.66.0.1/30, blue:eth0 10.66.0.2/30]]\n"
VETH = "veth/blue:eth0--red:eth0"
_DROPS = 8
"""Which column of /proc/net/netlink says how many messages a socket has lost."""


@pytest.fixture
def apart() -> Iterator[Apart]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    with Apart() as made:
        yield made


def test_what_the_kernel_has_told_in_vain_is_found_by_a_full_look(apart: Apart, tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(f"name: unheard\n{PAIR}")
    with Watched(tmp_path, str(file), environment=NOWHERE, before=apart.enter) as watch:
        watch.until(lambda each: is_mended(each, VETH))
        settled(watch)
        after = len(watch.words)
        watch.process.send_signal(signal.SIGSTOP)
        try:
            flood(apart, tmp_path / "batch")
            apart("ip", "-n", "unheard-red", "link", "set", "eth0", "mtu", "1300")
        finally:
            watch.process.send_signal(signal.SIGCONT)
        word = watch.until(lambda each: is_mended(each, VETH), after=after)
        assert OVERFLOW in word["because"]
        assert not any("eth0" in each for each in word["because"])
        assert word["fields"] == {"endpoints.red:eth0.mtu": {"observed": 1300, "desired": 1500}}


def flood(apart: Apart, file: Path) -> None:
    """Have so much told of a stranger's pair, which concerns nobody, that a socket which nobody reads overflows."""
    apart("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
    file.write_text("".join(f"link set one mtu {1400 + number % 2}\n" for number in range(5000)))
    deadline = time.monotonic() + LONG
    while not any(int(line.split()[_DROPS]) for line in apart("cat", "/proc/net/netlink").splitlines()[1:]):
        assert time.monotonic() < deadline
        apart("ip", "-batch", str(file))


LENT = """
name: unheard
namespaces: {red: }
bridges: {br0: {ports: [lent]}}
veths: [[red:eth0, br0]]
host: {routes: [{to: 10.70.0.0/16, via: 10.67.0.2}]}
"""


def test_what_becomes_of_interfaces_of_the_host_that_are_but_borrowed_or_routed_by_is_heard(
    apart: Apart, tmp_path: Path
) -> None:
    """Both are ends of pairs that somebody else made, and so carry no mark."""
    for name in ("lent", "uplink"):
        apart("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
        apart("ip", "link", "set", f"{name}-far", "up")
    apart("ip", "address", "add", "10.67.0.1/24", "dev", "uplink")
    apart("ip", "link", "set", "uplink", "up")
    file = tmp_path / "topology.yaml"
    file.write_text(LENT)
    with Watched(tmp_path, str(file), environment=NOWHERE, before=apart.enter) as watch:
        for key in ("bridge/br0", "route/host--10.70.0.0/16"):
            watch.until(lambda each, key=key: is_mended(each, key))  # type: ignore[misc]
        settled(watch)
        watch.mends("a borrowed port", lambda: apart("ip", "link", "set", "lent", "nomaster"), "bridge/br0")
        settled(watch)
        watch.mends(
            "a route",
            lambda: (apart("ip", "link", "set", "uplink", "down"), apart("ip", "link", "set", "uplink", "up")),
            "route/host--10.70.0.0/16",
        )


HALF = """
name: unheard
containers: {box: {image: x, network_mode: none}}
namespaces: {red: , blue: }
veths: [[red:eth0, blue:eth0], [red:eth1, box:eth0]]
"""


def test_while_the_engine_is_away_what_is_of_the_kernel_alone_is_mended_and_an_edit_of_it_applied(
    apart: Apart, tmp_path: Path
) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(HALF)
    with Watched(tmp_path, str(file), environment=NOWHERE, before=apart.enter) as watch:
        watch.until(lambda each: is_mended(each, VETH))
        settled(watch)
        set_mtu = ("ip", "-n", "unheard-red", "link", "set", "eth0", "mtu", "1300")
        watch.mends("without an engine: an interface", lambda: apart(*set_mtu), VETH)
        watch.mends("without an engine: a namespace", lambda: apart("ip", "netns", "del", "unheard-blue"), VETH)
        edited = HALF.replace("blue: }", "blue: , green: }")
        watch.mends("without an engine: an edit", lambda: file.write_text(edited), "namespace/green")
        assert not {"failed", "trouble", "blocked"} & {each["what"] for each in watch.words}
        assert [each["what"] for each in watch.words].count("lost") == 1


WORLD = text(
    {"box": alone(restart="no")},
    namespaces={"red": {}},
    veths=[["box:eth0 10.79.0.1/30", "red:eth0 10.79.0.2/30"]],
)
EVENTS = "GET /events"


@contextmanager
def behind_a_proxy(lab: Lab, *options: str) -> Iterator[tuple[Proxy, Watched]]:
    """A watch at rest, between which and the engine there is a proxy."""
    lab.load(WORLD)
    with (
        Proxy(ENGINE, lab.folder) as proxy,
        Watched(lab.folder, "--patience", "1s", *options, environment={"DOCKER_HOST": proxy.url}) as watch,
    ):
        watch.until(lambda each: is_mended(each, "veth/box:eth0--red:eth0"))
        settled(watch)
        yield proxy, watch


def test_a_stream_of_events_that_breaks_is_followed_again_and_what_it_did_not_tell_is_mended(
    lab: Lab, engine: Any, image: str
) -> None:
    del engine, image
    with behind_a_proxy(lab) as (proxy, watch):
        after = len(watch.words)
        proxy.arm(EVENTS, Fault.RESET, once=False)
        proxy.cut(EVENTS)
        watch.until(lambda each: each["what"] == "lost", after=after)
        run("docker", "kill", f"{lab.name}-box")
        run("docker", "wait", f"{lab.name}-box")
        assert [each["what"] for each in watch.words[after:]] == ["lost"]
        proxy.disarm()
        for key in ("process/box", "veth/box:eth0--red:eth0"):
            word = watch.until(lambda each, key=key: is_mended(each, key), after=after)  # type: ignore[misc]
            assert "the engine answers" in word["because"]
        assert [each["what"] for each in watch.words[after:]][:2] == ["lost", "engine"]


_ASKED = 1.0
LOOK = "GET /containers/json"


def test_an_engine_of_which_only_the_events_answer_holds_up_the_kernel_ever_less_often(
    lab: Lab, engine: Any, image: str
) -> None:
    del engine, image
    with behind_a_proxy(lab, "--engine-timeout", f"{_ASKED:g}s") as (proxy, watch):
        after = len(watch.words)
        proxy.arm(LOOK, Fault.HANG, once=False)
        run("docker", "kill", f"{lab.name}-box")
        lost: list[float] = []
        for _ in range(3):
            lost.append(moment(watch.until(lambda each: each["what"] == "lost", after=after)["time"]))
            after = next(at for at, each in enumerate(watch.words) if at >= after and each["what"] == "lost") + 1
        assert lost[1] - lost[0] >= _ASKED + 1
        assert lost[2] - lost[1] >= _ASKED + 2
        proxy.disarm()
        watch.until(lambda each: is_mended(each, "veth/box:eth0--red:eth0"), after=after)
