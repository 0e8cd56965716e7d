"""What hands do to the network of containers is named by a plan and mended by the smallest step."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest

from live.lab import Lab, run
from live.witness import addresses, ip, link, pings, routes
from reconciler.errors import Conflict, FileInvalid
from reconciler.model import Action

pytestmark = pytest.mark.live

TEXT = """
defaults: {containers: {image: %s, init: true, command: [sleep, "1000"]}}
networks: {lan: {ipam: {config: [{subnet: 10.231.217.0/24}]}}}
containers:
  box: {network_mode: none, routes: [{to: 10.77.0.0/16, via: [10.0.0.2, 10.0.1.2]}], exec: [echo ran >> /tmp/log]}
  web: {networks: [lan]}
  calm: {network_mode: none}
namespaces: {red: , blue: }
bridges: {br0: {addresses: [10.0.2.254/24]}}
veths:
  - [box:eth0 10.0.0.1/24 fd00::1/64, red:eth0 10.0.0.2/24 fd00::2/64]
  - [box:eth1 10.0.1.1/24, blue:eth0 10.0.1.2/24]
  - [web:eth1 10.0.2.1/24, br0]
  - [calm:eth0, red:calm]
  - [red:lone, blue:lone]
"""
FIRST, SECOND = "veth/box:eth0--red:eth0", "veth/blue:eth0--box:eth1"


@pytest.fixture
def text(lab: Lab, image: str) -> str:
    found = TEXT % image
    lab.apply(found)
    return found


def pid(engine: Any, lab: Lab, name: str) -> int:
    return int(engine.inspect_container(f"{lab.name}-{name}")["State"]["Pid"])


def untouched(engine: Any, lab: Lab, *names: str) -> tuple[Any, ...]:
    containers = tuple(engine.inspect_container(f"{lab.name}-{each}")["State"]["StartedAt"] for each in names)
    return (
        *containers,
        link("lone", netns=f"{lab.name}-red")["ifindex"],
        link("calm", netns=f"{lab.name}-red")["ifindex"],
    )


def keys(report: Any) -> set[str]:
    return {str(each.step.key.key) for each in report.outcomes}


def test_all_is_there(lab: Lab, engine: Any, text: str) -> None:
    box = pid(engine, lab, "box")
    assert addresses("eth0", pid=box) == {"10.0.0.1/24", "fd00::1/64"}
    assert len(routes(pid=box)["10.77.0.0/16"]["nexthops"]) == 2
    assert pings("10.0.0.2", pid=box)
    assert pings("fd00::2", pid=box)
    assert pings("10.0.2.254", pid=pid(engine, lab, "web"))
    engine.pause(f"{lab.name}-calm")
    engine.unpause(f"{lab.name}-calm")
    assert lab.tells(text) == {}


@pytest.mark.parametrize("how", ["restart", "stop", "kill"])
def test_a_restarted_container_gets_its_veths_addresses_routes_and_commands_again(
    lab: Lab, engine: Any, text: str, how: str
) -> None:
    before = untouched(engine, lab, "web", "calm")
    name = f"{lab.name}-box"
    getattr(engine, how)(name, **({} if how == "kill" else {"timeout": 0}))
    report = lab.apply(text)
    assert keys(report) - {"process/box"} == {FIRST, SECOND, "route/box--10.77.0.0/16", "exec/box"}
    assert untouched(engine, lab, "web", "calm") == before
    test_all_is_there(lab, engine, text)
    assert run("docker", "exec", name, "cat", "/tmp/log").split() == ["ran", "ran"]


def test_a_removed_container_gets_them_too(lab: Lab, engine: Any, text: str) -> None:
    before = untouched(engine, lab, "web", "calm")
    engine.remove_container(f"{lab.name}-box", force=True)
    lab.apply(text)
    assert untouched(engine, lab, "web", "calm") == before
    test_all_is_there(lab, engine, text)


def test_a_restarted_port_of_a_bridge_comes_back_to_it(lab: Lab, engine: Any, text: str) -> None:
    before = untouched(engine, lab, "box", "calm")
    engine.restart(f"{lab.name}-web", timeout=0)
    report = lab.apply(text)
    assert keys(report) == {"veth/br0--web:eth1"}
    assert untouched(engine, lab, "box", "calm") == before
    assert pings("10.0.2.254", pid=pid(engine, lab, "web"))


@pytest.mark.parametrize(
    ("hand", "told"),
    [
        (("address", "del", "10.0.0.1/24", "dev", "eth0"), {FIRST: "update"}),
        (("address", "del", "fd00::1/64", "dev", "eth0"), {FIRST: "update"}),
        (("link", "set", "eth0", "mtu", "1400"), {FIRST: "update"}),
        (("link", "set", "eth1", "down"), {SECOND: "update"}),
        (("route", "del", "10.77.0.0/16"), {"route/box--10.77.0.0/16": "create"}),
        (("link", "del", "eth0"), {FIRST: "create", "route/box--10.77.0.0/16": "create"}),
    ],
)
def test_a_hand_in_a_containers_network(
    lab: Lab, engine: Any, text: str, hand: tuple[str, ...], told: dict[str, str]
) -> None:
    before = untouched(engine, lab, "box", "web", "calm")
    run("nsenter", f"--net=/proc/{pid(engine, lab, 'box')}/ns/net", "--", "ip", *hand)
    found = lab.tells(text)
    assert {key: action for key, (action, _) in found.items() if key in told} == told
    assert keys(lab.apply(text)) <= {*told, "route/box--10.77.0.0/16"}
    assert untouched(engine, lab, "box", "web", "calm") == before
    test_all_is_there(lab, engine, text)


def test_a_paused_container_has_its_veths(lab: Lab, engine: Any, image: str) -> None:
    text = (
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], network_mode: none, state: paused, "
        "routes: [{to: default, via: 10.0.0.2}]}}\nnamespaces: {red: }\nveths: [[box:eth0 10.0.0.1/24, red:eth0]]"
    )
    lab.apply(text)
    assert routes(pid=pid(engine, lab, "box"))["default"]["gateway"] == "10.0.0.2"


def test_a_declared_default_takes_dockers_place_and_gives_it_back(lab: Lab, engine: Any, image: str) -> None:
    text = (
        f"networks: {{lan: {{ipam: {{config: [{{subnet: 10.231.216.0/24}}]}}}}}}\n"
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], networks: [lan], routes: [%s]}}}}\n"
        "namespaces: {red: }\nveths: [[box:eth1 10.0.0.1/24, red:eth0 10.0.0.2/24]]"
    )
    bare = text % ""
    lab.apply(bare)
    box = pid(engine, lab, "box")
    assert routes(pid=box)["default"]["gateway"] == "10.231.216.1"
    for metric in ("", ", metric: 9"):
        ours = text % f"{{to: default, via: 10.0.0.2{metric}}}"
        assert lab.tells(ours)["route/box--default"][0] == Action.UPDATE
        lab.apply(ours)
        found = [each for each in ip("route", "show", pid=box) if each["dst"] == "default"]
        assert [each["gateway"] for each in found] == ["10.0.0.2"]
        lab.apply(bare)
        assert routes(pid=box)["default"]["gateway"] == "10.231.216.1"
    lab.apply(ours)
    engine.restart(f"{lab.name}-box", timeout=0)
    lab.apply(ours)
    assert routes(pid=pid(engine, lab, "box"))["default"]["gateway"] == "10.0.0.2"


def test_a_port_of_a_docker_networks_bridge(lab: Lab, engine: Any, image: str) -> None:
    text = (
        "networks: {lan: {ipam: {config: [{subnet: 10.231.215.0/24}]}}}\nnamespaces: {red: }\n"
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], networks: [lan]}}}}\n"
        "veths: [{endpoints: [red:eth0 10.231.215.200/24, {network: lan, path_cost: 5}]}]"
    )
    bare = text.replace(", path_cost: 5", "")
    lab.both_ways(bare, text, "veth/network.lan--red:eth0", Action.UPDATE, "endpoints.network.lan.path_cost")
    lab.apply(text)
    address = engine.inspect_container(f"{lab.name}-box")["NetworkSettings"]["Networks"][f"{lab.name}-lan"]["IPAddress"]
    assert pings(address, netns=f"{lab.name}-red")
    index = link("eth0", netns=f"{lab.name}-red")["ifindex"]
    mine = next(each for each in ip("link", "show") if "veth/network.lan--red:eth0" in each.get("ifalias", ""))
    run("ip", "link", "set", mine["ifname"], "nomaster")
    lab.drifted(text, "veth/network.lan--red:eth0", Action.UPDATE, "endpoints.network.lan.master")
    lab.apply(text.replace("lan: {ipam", "lan: {labels: {a: b}, ipam"))
    assert link("eth0", netns=f"{lab.name}-red")["ifindex"] == index
    assert pings("10.231.215.1", netns=f"{lab.name}-red")


def test_a_foreign_interface_in_a_container_is_a_conflict(lab: Lab, engine: Any, image: str) -> None:
    text = (
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], network_mode: none}}}}\n"
        "namespaces: {red: }\n"
    )
    lab.apply(text)
    name = f"x{uuid.uuid4().hex[:6]}"
    box = pid(engine, lab, "box")
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(box))
    try:
        with pytest.raises(Conflict, match="interface eth0 in container/box is held by"):
            lab.attempt(text + "veths: [[box:eth0, red:eth0]]")
    finally:
        run("ip", "link", "del", name)


def test_the_names_that_docker_takes_are_an_error(lab: Lab, image: str) -> None:
    with pytest.raises(FileInvalid, match="use eth1"):
        lab.load(f"containers: {{box: {{image: {image}}}}}\nnamespaces: {{red: }}\nveths: [[box:eth0, red:eth0]]")


def test_a_name_that_a_dying_pair_still_holds_is_waited_for(lab: Lab) -> None:
    name = f"x{uuid.uuid4().hex[:6]}"
    text = f"namespaces: {{red: }}\nveths: [[host:{name} 10.99.6.1/30, red:eth0]]"
    held = f"h{uuid.uuid4().hex[:6]}"
    plan = lab.plan(text)
    assert plan.steps
    run("ip", "link", "add", name, "type", "veth", "peer", "name", held)
    timer = threading.Timer(0.3, run, ("ip", "link", "del", held))
    timer.start()
    try:
        from reconciler.execute import execute
        from reconciler.kinds import kinds

        started = time.monotonic()
        report = execute(plan, lab.host, kinds=kinds())
        assert [str(each.error) for each in report.failed] == []
        assert time.monotonic() - started > 0.2
    finally:
        timer.join()
    assert lab.tells(text) == {}


def test_networks_come_and_go_beside_a_declared_default(lab: Lab, engine: Any, image: str) -> None:
    text = (
        "networks:\n  lan: {ipam: {config: [{subnet: 10.231.214.0/24}]}}\n"
        "  aaa: {ipam: {config: [{subnet: 10.231.213.0/24}]}}\n"
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], networks: [lan%s], "
        "routes: [{to: default, via: 10.0.0.2}]}}\nnamespaces: {red: }\nveths: [[box:up 10.0.0.1/24, red:eth0]]"
    )
    lab.apply(text % "")
    box = pid(engine, lab, "box")
    for changed in (text % ", aaa", text % "", (text % "").replace("  lan: {", "  lan: {labels: {a: b}, ")):
        lab.apply(changed)
        assert defaults(box) == ["10.0.0.2"]
    engine.disconnect_container_from_network(f"{lab.name}-box", f"{lab.name}-lan")
    lab.drifted(changed, "connect/box--lan", Action.CREATE)
    assert defaults(box) == ["10.0.0.2"]
    assert pid(engine, lab, "box") == box


def defaults(box: int) -> list[str]:
    """The gateways of the default routes in the namespace of a process."""
    return [each["gateway"] for each in ip("route", "show", pid=box) if each["dst"] == "default"]


def test_an_end_in_a_container_is_changed_mended_and_undone_in_place(lab: Lab, engine: Any, image: str) -> None:
    text = (
        f"containers: {{box: {{image: {image}, init: true, command: [sleep, '1000'], network_mode: none}}}}\n"
        "namespaces: {red: }\nveths: [{endpoints: [{container: box, interface: eth0%s}, red:eth0 10.0.0.2/24]}]"
    )
    bare = text % ""
    full = text % ", addresses: [10.0.0.1/24, 'fd00::1/64'], mtu: 1400, routes: [{to: default, via: 10.0.0.2}]"
    key, label = "veth/box:eth0--red:eth0", "endpoints.box:eth0"
    lab.both_ways(bare, full, key, Action.UPDATE, f"{label}.addresses", f"{label}.mtu")
    box = pid(engine, lab, "box")
    index = link("eth0", pid=box)["ifindex"]
    lab.apply(full)
    assert defaults(box) == ["10.0.0.2"]
    down = full.replace("mtu: 1400, routes: [{to: default, via: 10.0.0.2}]", "up: false, mac: '02:00:00:00:0b:01'")
    assert lab.tells(down)[key] == (Action.UPDATE, frozenset(f"{label}.{each}" for each in ("mtu", "up", "mac")))
    lab.apply(down)
    lab.apply(bare)
    assert (pid(engine, lab, "box"), link("eth0", pid=box)["ifindex"]) == (box, index)
