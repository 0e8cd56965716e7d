"""A watch looks only where something may have changed - and misses nothing: whatever drifts, it ends as apply does."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Sequence

import pytest

from live.boxes import alone, text
from live.lab import NOWHERE, Lab, run
from live.watched import LONG, Watched, is_mended, settled
from reconciler.errors import Conflict
from reconciler.watch.patience import FREE

pytestmark = pytest.mark.live

ROUNDS = 40 if os.environ.get("RECONCILER_TEST_ALL") else 3


RING = "".join(f", [n{n}:l 10.66.{n}.1/30, n{(n + 1) % 8}:r 10.66.{n}.2/30]" for n in range(8))
FILE = f"namespaces: {{{', '.join(f'n{n}: ' for n in range(8))}}}\nveths: [{RING[2:]}]\n"


def test_only_the_namespaces_that_are_concerned_are_entered(bare: Lab) -> None:
    bare.load(FILE)
    log = bare.folder / "log"
    with log.open("w") as errors, Watched(bare.folder, "-v", environment=NOWHERE, errors=errors) as watch:
        watch.until(lambda each: is_mended(each, "veth/n0:r--n7:l"))
        settled(watch)
        assert entered(bare, log.read_text()) == {f"n{each}" for each in range(8)}
        before = log.stat().st_size
        watch.mends(
            "an address in one of eight namespaces",
            lambda: run("ip", "-n", f"{bare.name}-n3", "address", "flush", "dev", "l"),
            "veth/n3:l--n4:r",
        )
        settled(watch)
        assert entered(bare, log.read_text()[before:]) == {"n2", "n3", "n4"}
    assert bare.tells(FILE) == {}


def entered(lab: Lab, log: str) -> set[str]:
    """Which namespaces the kernel was asked about."""
    return set(re.findall(rf"netns {lab.name}-(\w+): RTM_GETLINK", log))


def end(node: str, interface: str, address: str) -> dict[str, object]:
    return {"namespace": node, "interface": interface, "addresses": [address]}


MIXED = {
    "namespaces": {
        "a": {"routes": [{"to": "10.9.0.0/16", "via": "10.0.0.2"}], "exec": ["true"]},
        "b": {"exec": ["true"]},
        "c": {"routes": [{"to": "10.8.0.0/16", "via": "10.0.1.1"}]},
        "d": {},
    },
    "bridges": {"br0": {"stp": False, "addresses": ["10.73.0.1/24"]}, "inner": {"namespace": "c"}},
    "veths": [
        {"endpoints": [end("a", "e0", "10.0.0.1/24"), end("b", "e0", "10.0.0.2/24")], "mtu": 1400},
        {"endpoints": [end("b", "e1", "10.0.1.1/24"), end("c", "e1", "10.0.1.2/24")]},
        ["a:e2 10.73.0.2/24", "br0"],
        ["d:e2 10.73.0.3/24", "br0"],
        {"endpoints": ["d:e3", {"bridge": "inner", "interface": "p"}]},
    ],
}
PLACES = [("a", "e0"), ("b", "e0"), ("b", "e1"), ("c", "e1"), ("a", "e2"), ("d", "e2"), ("d", "e3"), ("c", "p")]
Drift = Callable[[Lab, random.Random], tuple[str, ...]]


def on_a_link(*words: str) -> Drift:
    def drift(lab: Lab, draw: random.Random) -> tuple[str, ...]:
        node, link = draw.choice(PLACES)
        return "ip", "-n", f"{lab.name}-{node}", "link", *(link if each == "@" else each for each in words)

    return drift


def on_a_mark(lab: Lab, draw: random.Random) -> tuple[str, ...]:
    """Take the mark of one end; a pair without any would be a stranger's."""
    node, link = draw.choice([("a", "e0"), ("c", "e1"), ("a", "e2"), ("d", "e3")])
    return "ip", "-n", f"{lab.name}-{node}", "link", "set", link, "alias", ""


def on_an_address(lab: Lab, draw: random.Random) -> tuple[str, ...]:
    node, link = draw.choice(PLACES[:6])
    return "ip", "-n", f"{lab.name}-{node}", "address", "flush", "dev", link


def on_a_route(lab: Lab, draw: random.Random) -> tuple[str, ...]:
    node, to = draw.choice([("a", "10.9.0.0/16"), ("c", "10.8.0.0/16")])
    return "ip", "-n", f"{lab.name}-{node}", "route", "delete", to


def on_a_name(lab: Lab, draw: random.Random) -> tuple[str, ...]:
    return "ip", "netns", "delete", f"{lab.name}-{draw.choice('abcd')}"


def on_the_bridge(*words: str) -> Drift:
    return lambda lab, _: ("ip", "link", words[0], "dev", f"{lab.name}-br0", *words[1:])


def on_a_port(lab: Lab, draw: random.Random) -> tuple[str, ...]:
    found = json.loads(run("ip", "-json", "link", "show", "master", f"{lab.name}-br0", check=False) or "[]")
    ports = sorted(str(each["ifname"]) for each in found)
    return ("ip", "link", "set", draw.choice(ports), "nomaster") if ports else ("true",)


EVERY: list[Drift] = [
    on_a_link("delete", "@"),
    on_a_link("set", "@", "mtu", "1300"),
    on_a_link("set", "@", "down"),
    on_a_link("set", "@", "name", "odd"),
    on_a_mark,
    on_a_link("set", "@", "address", "02:00:00:00:00:77"),
    on_an_address,
    on_a_route,
    on_a_name,
    on_the_bridge("delete"),
    on_the_bridge("set", "type", "bridge", "stp_state", "1"),
    on_the_bridge("set", "down"),
    on_a_port,
]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_drifts_in_the_kernel_it_ends_in_the_state_that_apply_makes(
    bare: Lab, pytestconfig: pytest.Config, number: int
) -> None:
    draw = random.Random(f"{pytestconfig.option.hypothesis_seed} {number}")
    file = "\n".join(f"{name}: {json.dumps(each)}" for name, each in MIXED.items())
    bare.load(file)
    done: list[str] = []
    with Watched(bare.folder, "--resync", "3600", environment=NOWHERE) as watch:
        watch.until(lambda each: is_mended(each, "exec/a"))
        for _ in range(FREE):  # what is mended more often counts as what never lasts
            after, argv = len(watch.words), draw.choice(EVERY)(bare, draw)
            done.append(f"{time.time():.3f} {' '.join(argv)}")
            run(*argv, check=False)  # what is not there just now cannot drift
            if draw.random() < 0.7:
                rests(watch, bare, file, done, after)
        rests(watch, bare, file, done, 0)


def rests(watch: Watched, lab: Lab, file: str, done: Sequence[str], after: int) -> None:
    deadline = time.monotonic() + LONG
    while left := differs(lab, file):
        assert time.monotonic() < deadline, "\n".join((*done, str(left), *map(str, watch.words[after:])))


def differs(lab: Lab, file: str) -> object:
    try:
        return lab.tells(file)
    except Conflict as error:
        return error


CONTAINERS = text(
    {"leaf": alone(exec=["true"], restart="always"), "far": alone(), "calm": alone()},
    namespaces={"edge": {}, "else": {}},
    veths=[["leaf:eth0 10.79.0.1/30", "edge:eth0 10.79.0.2/30"], ["far:eth0 10.79.1.1/30", "else:eth0 10.79.1.2/30"]],
)


def test_what_drifts_in_a_container_is_mended_without_a_word_from_the_engine(lab: Lab, image: str) -> None:
    del image
    lab.load(CONTAINERS)
    log = lab.folder / "log"
    with log.open("w") as errors, Watched(lab.folder, "-v", errors=errors) as watch:
        watch.until(lambda each: is_mended(each, "exec/leaf"))
        settled(watch)
        for number in range(3):
            before = log.stat().st_size
            watch.mends(
                f"an MTU beside a container {number}",
                lambda: run("ip", "-n", f"{lab.name}-edge", "link", "set", "eth0", "mtu", "1300"),
                "veth/edge:eth0--leaf:eth0",
            )
            settled(watch)
            told = log.read_text()[before:]
            assert "GET /containers/json" not in told
            assert entered(lab, told) == {"edge"}
            before = len(watch.words)
            run("docker", "restart", "-t", "0", f"{lab.name}-leaf")
            watch.until(lambda each: is_mended(each, "exec/leaf"), after=before)
            settled(watch)
    assert lab.tells(CONTAINERS) == {}
