"""What a kill leaves between two messages is ours by its mark, and completed in place by the next apply."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from live.lab import Lab, run
from live.witness import link, pings
from reconciler.host import netns
from reconciler.host.netlink import Socket, new_bridge, new_veth, set_link
from reconciler.kinds.bridge.spec import BridgeSpec
from reconciler.kinds.effects import new_index
from reconciler.model import Action, ResourceKey

pytestmark = pytest.mark.live

NODES = "namespaces: {red: , blue: }\n"
KEY = "veth/blue:eth0--red:eth0"


def ends(lab: Lab) -> tuple[dict[str, Any], dict[str, Any]]:
    return link("eth0", netns=f"{lab.name}-red"), link("eth0", netns=f"{lab.name}-blue")


def test_a_namespace_without_its_sysctls_is_completed(lab: Lab) -> None:
    name = f"{lab.name}-red"
    netns.create(name, lab.mark("namespace/red").alias())
    before = Path("/run/netns", name).stat().st_ino
    text = "namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}"
    lab.drifted(text, "namespace/red", Action.UPDATE, "sysctls.net.ipv4.ip_forward")
    assert Path("/run/netns", name).stat().st_ino == before
    assert run("ip", "netns", "exec", name, "cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"


def test_a_bridge_with_nothing_but_its_mark_is_completed(lab: Lab, engine: object) -> None:
    text = 'bridges: {distribution-switch: {stp: true, mtu: 1400, addresses: [10.99.7.1/24, "fd99:7::1/64"]}}'
    key = ResourceKey.of("bridge/distribution-switch")
    spec = lab.load(text).resources[key].spec
    assert isinstance(spec, BridgeSpec)
    with Socket() as socket:
        index = new_index()
        messages = new_bridge(spec.name, index=index), set_link(index, alias=lab.mark(str(key)).alias())
        assert socket.send([messages]) == [None]
    passes = bool(run("iptables", "-S", "DOCKER-USER", check=False))
    paths = ["altname", "stp", "mtu", "addresses", "up", *(["forward"] if passes else [])]
    lab.drifted(text, str(key), Action.UPDATE, *paths)
    assert link(spec.name)["ifindex"] == index


def test_a_pair_with_one_end_unfinished_is_completed_in_place(lab: Lab) -> None:
    text = NODES + "veths: [[red:eth0 10.0.0.1/24, blue:eth0]]"
    lab.apply(text)
    blue = ("ip", "-n", f"{lab.name}-blue", "link", "set", "eth0")
    run(*blue, "alias", "")
    run(*blue, "down")
    run("ip", "-n", f"{lab.name}-red", "address", "flush", "dev", "eth0")
    index = ends(lab)[1]["ifindex"]
    paths = ("endpoints.blue:eth0.marked", "endpoints.blue:eth0.up", "endpoints.red:eth0.addresses")
    lab.drifted(text, KEY, Action.UPDATE, *paths)
    assert ends(lab)[1]["ifindex"] == index
    assert KEY in ends(lab)[1]["ifalias"]


def test_pairs_with_nothing_but_their_marks_are_completed_in_place(lab: Lab) -> None:
    nodes = NODES + "bridges: {br0: }\n"
    text = nodes + (
        "veths: [{mtu: 9000, endpoints: [{namespace: red, interface: eth0, addresses: [10.0.0.1/24, 'fd00::1/64'],"
        " mac: '02:00:00:00:0a:01'}, blue:eth0 10.0.0.2/24]}, {name: port, endpoints: [red:eth1 10.0.1.1/24,"
        " {bridge: br0, interface: p-%, path_cost: 9, priority: 7, hairpin: true}]}]"
    ).replace("%", lab.name)
    lab.apply(nodes)
    begin(lab, KEY, (f"{lab.name}-red", "eth0"), (f"{lab.name}-blue", "eth0"))
    begin(lab, "veth/port", ("", f"p-{lab.name}"), (f"{lab.name}-red", "eth1"))
    before = [each["ifindex"] for each in (*ends(lab), link(f"p-{lab.name}"))]
    told = lab.tells(text)
    near, far = ("addresses", "mac", "mtu", "up"), ("addresses", "mtu", "up", "marked")
    assert told[KEY] == (
        Action.UPDATE,
        frozenset((*(f"endpoints.red:eth0.{each}" for each in near), *(f"endpoints.blue:eth0.{each}" for each in far))),
    )
    label = f"endpoints.br0:p-{lab.name}"
    lab.drifted(text, "veth/port", Action.UPDATE, f"{label}.master", f"{label}.up", "endpoints.red:eth1.addresses")
    assert [each["ifindex"] for each in (*ends(lab), link(f"p-{lab.name}"))] == before
    assert pings("fd00::1", netns=f"{lab.name}-red")
    assert pings("10.0.0.2", netns=f"{lab.name}-red")


def begin(lab: Lab, key: str, near: tuple[str, str], far: tuple[str, str]) -> None:
    """Make a pair with its mark and nothing else: the least that a kill leaves."""
    fds = [netns.open_named(each) if each else os.open("/proc/self/ns/net", os.O_RDONLY) for each, _ in (near, far)]
    index, alias = new_index(), lab.mark(key).alias()
    pair = new_veth(near[1], far[1], namespace_fd=fds[0], peer_namespace_fd=fds[1], index=index)
    try:
        with Socket(fds[0]) as socket:
            assert socket.send([(pair, set_link(index, alias=alias))]) == [None]
    finally:
        for fd in fds:
            os.close(fd)
