"""Veth pairs against the real kernel, with `ip` as a witness."""

from __future__ import annotations

import subprocess
import uuid
from typing import Any

import pytest

from live.lab import Lab, run
from live.witness import addresses, ip, link, pings, routes
from reconciler.errors import Conflict
from reconciler.kinds.veth import make
from reconciler.model import Action, ResourceKey

pytestmark = pytest.mark.live

NODES = "namespaces: {red: , blue: }\n"
KEY = "veth/blue:eth0--red:eth0"
LONG = NODES + "veths: [{endpoints: [{namespace: red, interface: eth0%s}, blue:eth0]}]"
BARE = LONG % ""
PORT_KEY = "veth/br0--red:eth0"
IN_BRIDGE = "namespaces: {red: }\nbridges: {br0: , br1: }\nveths: [{endpoints: [red:eth0, {bridge: br0%s}]}]"


def ends(lab: Lab) -> tuple[dict[str, Any], dict[str, Any]]:
    return link("eth0", netns=f"{lab.name}-red"), link("eth0", netns=f"{lab.name}-blue")


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        (", addresses: [10.0.0.1/24]", "addresses"),
        (', addresses: [10.0.0.1/24, 10.0.1.1/24, "fd00::1/64"]', "addresses"),
        (", mtu: 9000", "mtu"),
        (", up: false", "up"),
        (', up: false, addresses: [10.0.0.1/24, "fd00::1/64"]', "up"),
    ],
)
def test_an_attribute_of_an_end_is_changed_in_place_and_undone(lab: Lab, attributes: str, path: str) -> None:
    lab.apply(BARE)
    before = [each["ifindex"] for each in ends(lab)]
    lab.both_ways(BARE, LONG % attributes, KEY, Action.UPDATE, f"endpoints.red:eth0.{path}")
    assert [each["ifindex"] for each in ends(lab)] == before


@pytest.mark.parametrize(
    ("attributes", "path", "hand"),
    [
        (", addresses: [10.99.6.1/30]", "addresses", ("address", "flush", "dev", "%")),
        (", mtu: 9000", "mtu", ("link", "set", "%", "mtu", "1300")),
        (", up: false", "up", ("link", "set", "%", "up")),
    ],
)
def test_an_attribute_of_an_end_in_the_host_is_changed_mended_and_undone_in_place(
    lab: Lab, attributes: str, path: str, hand: tuple[str, ...]
) -> None:
    near = f"x{uuid.uuid4().hex[:6]}"
    bare, edited = (
        f"namespaces: {{red: }}\nveths: [{{endpoints: [{{host: true, interface: {near}{each}}}, red:eth0]}}]"
        for each in ("", attributes)
    )
    key, path = f"veth/host:{near}--red:eth0", f"endpoints.host:{near}.{path}"
    lab.both_ways(bare, edited, key, Action.UPDATE, path)
    index = link(near)["ifindex"]
    lab.apply(edited)
    run("ip", *(each.replace("%", near) for each in hand))
    lab.drifted(edited, key, Action.UPDATE, path)
    assert link(near)["ifindex"] == index


def test_the_mtu_of_a_pair_is_that_of_both_ends(lab: Lab) -> None:
    text = NODES + "veths: [{endpoints: [red:eth0, {namespace: blue, interface: eth0, mtu: 3000}], mtu: 9000}]"
    lab.both_ways(BARE, text, KEY, Action.UPDATE, "endpoints.red:eth0.mtu", "endpoints.blue:eth0.mtu")
    lab.apply(text)
    assert [each["mtu"] for each in ends(lab)] == [9000, 3000]


def test_a_mac_is_set_in_place_and_left_alone_when_undeclared(lab: Lab) -> None:
    text = LONG % ', mac: "02:00:00:00:0A:01"'
    lab.apply(BARE)
    index = ends(lab)[0]["ifindex"]
    assert lab.tells(text) == {KEY: (Action.UPDATE, frozenset(("endpoints.red:eth0.mac",)))}
    lab.apply(text)
    assert (ends(lab)[0]["ifindex"], ends(lab)[0]["address"]) == (index, "02:00:00:00:0a:01")
    assert lab.tells(BARE) == {}
    run("ip", "-n", f"{lab.name}-red", "link", "set", "eth0", "address", "02:00:00:00:0a:02")
    lab.drifted(text, KEY, Action.UPDATE, "endpoints.red:eth0.mac")


def test_the_link_local_address_that_the_kernel_was_quicker_to_give_is_declared_with_another_length(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = (
        "{namespace: blue, interface: eth0, mac: '02:00:00:00:00:02', addresses: [10.0.0.1/24, 'fe80::ff:fe00:2/10']}"
    )
    kernels = ("ip", "-n", f"{lab.name}-blue", "address", "replace", "fe80::ff:fe00:2/64", "dev", "eth0")
    monkeypatch.setattr(make, "allow_ipv6", lambda *_: run(*kernels))
    lab.apply(f"{NODES}veths: [{{endpoints: ['red:eth0', {inside}]}}]")
    assert "fe80::ff:fe00:2/10" in run("ip", "-n", f"{lab.name}-blue", "address", "show", "eth0")


def test_a_mac_that_moves_to_the_other_end_is_left_by_the_first_in_place(lab: Lab) -> None:
    at = "namespaces: {red: , blue: }\nveths: [{endpoints: [{namespace: %s, interface: eth0, mac: '02:00:00:00:0a:01'}, '%s:eth0']}]"
    lab.apply(at % ("red", "blue"))
    indices = [each["ifindex"] for each in ends(lab)]
    lab.turned(at % ("blue", "red"), KEY, Action.UPDATE, "endpoints.blue:eth0.mac", "endpoints.red:eth0.own_mac")
    red, blue = ends(lab)
    assert blue["address"] == "02:00:00:00:0a:01" != red["address"]
    assert [red["ifindex"], blue["ifindex"]] == indices


def test_a_mac_that_moves_to_another_pair_is_left_by_the_first(lab: Lab) -> None:
    at = "namespaces: {red: }\nveths: %s\n"
    with_mac = "{endpoints: [{namespace: red, interface: %s, mac: '02:00:00:00:0a:01'}, 'red:%s']}"
    lab.apply(at % f"[{with_mac % ('a0', 'a1')}, ['red:b0', 'red:b1']]")
    lab.turned(
        at % f"[['red:a0', 'red:a1'], {with_mac % ('b0', 'b1')}]",
        "veth/red:a0--red:a1",
        Action.UPDATE,
        "endpoints.red:a0.own_mac",
    )
    former, now = (link(each, netns=f"{lab.name}-red")["address"] for each in ("a0", "b0"))
    assert now == "02:00:00:00:0a:01" != former


def test_a_mac_that_moved_is_back_where_it_was_after_a_failure(lab: Lab) -> None:
    at = "namespaces: {red: , blue: %s}\nveths: [{endpoints: [{namespace: %s, interface: eth0, mac: '02:00:00:00:0a:01'}, '%s:eth0']}]"
    lab.apply(at % ("", "red", "blue"))
    before = [(each["ifindex"], each["address"]) for each in ends(lab)]
    report = lab.attempt(at % ("{exec: [exit 3]}", "blue", "red"), revert=True)
    assert report.reverted
    assert report.reverted.converged, report.reverted.remaining
    assert [(each["ifindex"], each["address"]) for each in ends(lab)] == before


def test_a_pair_carries_both_families(lab: Lab) -> None:
    lab.apply(NODES + 'veths: [[red:eth0 10.0.0.1/30 fd00::1/64, "blue:eth0 10.0.0.2/30 fd00::2/64"]]')
    assert pings("10.0.0.2", netns=f"{lab.name}-red")
    assert pings("fd00::1", netns=f"{lab.name}-blue")


def test_ends_in_one_namespace_in_the_host_and_in_two_bridges(lab: Lab) -> None:
    near = f"x{uuid.uuid4().hex[:6]}"
    lab.apply(
        NODES + "bridges: {br0: , lan: {namespace: blue}}\n"
        f"veths: [[red:a, red:b], [host:{near} 10.99.6.1/30, red:c 10.99.6.2/30], [br0, lan], [lan, red:eth7]]"
    )
    assert {"a", "b", "c", "eth7"} <= {each["ifname"] for each in ip("link", "show", netns=f"{lab.name}-red")}
    assert pings("10.99.6.1", netns=f"{lab.name}-red")
    assert len(ip("link", "show", "master", f"{lab.name}-br0")) == 1
    assert len(ip("link", "show", "master", "lan", netns=f"{lab.name}-blue")) == 2


@pytest.mark.parametrize(
    ("attributes", "path"),
    [(", path_cost: 10", "path_cost"), (", priority: 7", "priority"), (", hairpin: true", "hairpin")],
)
def test_an_attribute_of_a_port_is_changed_in_place_and_undone(lab: Lab, attributes: str, path: str) -> None:
    bare, edited = IN_BRIDGE % "", IN_BRIDGE % attributes
    lab.both_ways(bare, edited, PORT_KEY, Action.UPDATE, f"endpoints.br0.{path}")
    lab.apply(edited)
    (found,) = ip("link", "show", "master", f"{lab.name}-br0")
    told = found["linkinfo"]["info_slave_data"]
    assert {"path_cost": told["cost"], "priority": told["priority"], "hairpin": told["hairpin"]}[path] != {
        "path_cost": 2,
        "priority": 32,
        "hairpin": False,
    }[path]
    hand = {"path_cost": ("cost", "50"), "priority": ("priority", "9"), "hairpin": ("hairpin", "off")}[path]
    run("bridge", "link", "set", "dev", found["ifname"], *hand)
    lab.drifted(edited, PORT_KEY, Action.UPDATE, f"endpoints.br0.{path}")


def test_a_port_moves_from_one_bridge_to_another_in_place(lab: Lab) -> None:
    text = "namespaces: {red: }\nbridges: {br0: , br1: }\nveths: [{name: v, endpoints: [red:eth0, {bridge: %, interface: p-*}]}]"
    first, second = (text.replace("%", each).replace("*", lab.name) for each in ("br0", "br1"))
    lab.apply(first)
    index = link(f"p-{lab.name}")["ifindex"]
    run("ip", "link", "set", f"p-{lab.name}", "master", f"{lab.name}-br1")
    lab.drifted(first, "veth/v", Action.UPDATE, f"endpoints.br0:p-{lab.name}.master")
    run("ip", "link", "set", f"p-{lab.name}", "nomaster")
    lab.drifted(first, "veth/v", Action.UPDATE, f"endpoints.br0:p-{lab.name}.master")
    assert link(f"p-{lab.name}")["ifindex"] == index
    lab.apply(second)
    assert link(f"p-{lab.name}")["master"] == f"{lab.name}-br1"


def test_another_interface_is_another_pair(lab: Lab) -> None:
    lab.apply(NODES + "veths: [[red:eth0, blue:eth0]]")
    after = NODES + "veths: [[red:eth0, blue:eth1]]"
    assert lab.tells(after) == {
        KEY: (Action.DELETE, frozenset()),
        "veth/blue:eth1--red:eth0": (Action.CREATE, frozenset()),
    }
    lab.apply(after)


def test_a_named_pair_is_replaced_when_an_end_moves(lab: Lab) -> None:
    text = NODES + "veths: [{name: wire, endpoints: [red:eth0, %s]}]"
    lab.both_ways(text % "blue:eth0", text % "red:eth1", "veth/wire", Action.REPLACE)


@pytest.mark.parametrize(
    ("hand", "path"),
    [
        (("address", "del", "10.0.0.1/24", "dev", "eth0"), "addresses"),
        (("address", "del", "fd00::1/64", "dev", "eth0"), "addresses"),
        (("address", "flush", "dev", "eth0"), "addresses"),
        (("link", "set", "eth0", "mtu", "1300"), "mtu"),
        (("link", "set", "eth0", "mtu", "1000"), "mtu"),
        (("link", "set", "eth0", "down"), "up"),
        (("link", "set", "eth0", "alias", "mine"), "marked"),
    ],
)
def test_what_a_hand_changed_is_named_and_mended_in_place(lab: Lab, hand: tuple[str, ...], path: str) -> None:
    text = LONG % ', addresses: [10.0.0.1/24, "fd00::1/64"]'
    lab.apply(text)
    before = [each["ifindex"] for each in ends(lab)]
    run("ip", "-n", f"{lab.name}-red", *hand)
    lab.drifted(text, KEY, Action.UPDATE, f"endpoints.red:eth0.{path}")
    assert [each["ifindex"] for each in ends(lab)] == before
    assert addresses("eth0", netns=f"{lab.name}-red") == {"10.0.0.1/24", "fd00::1/64"}


def test_a_renamed_or_moved_end_is_replaced(lab: Lab) -> None:
    lab.apply(BARE)
    red = ("ip", "-n", f"{lab.name}-red", "link", "set")
    run(*red, "eth0", "down")
    run(*red, "eth0", "name", "other")
    lab.drifted(BARE, KEY, Action.REPLACE, "endpoints.red:eth0.interface")
    run(*red, "eth0", "netns", f"{lab.name}-blue", "name", "moved")
    lab.drifted(BARE, KEY, Action.REPLACE, "endpoints.red:eth0.node")


def test_a_deleted_pair_comes_back(lab: Lab) -> None:
    lab.apply(BARE)
    run("ip", "-n", f"{lab.name}-red", "link", "del", "eth0")
    lab.drifted(BARE, KEY, Action.CREATE)


def test_an_address_that_a_hand_added_is_left_alone_and_ours_go_when_taken_out(lab: Lab) -> None:
    lab.apply(LONG % ", addresses: [10.0.0.1/24]")
    run("ip", "-n", f"{lab.name}-red", "address", "add", "10.5.0.1/24", "dev", "eth0")
    lab.apply(BARE)
    assert addresses("eth0", netns=f"{lab.name}-red") == {"10.5.0.1/24"}


HANDS = (
    "address add 10.0.0.78/24 dev eth0 broadcast 10.0.0.254 metric 7",
    "address add 10.0.0.77/24 dev eth0 label eth0:web noprefixroute valid_lft 5500 preferred_lft 4500",
    "address add fd00::77/64 dev eth0 nodad",
    "route add 10.50.0.0/16 via 10.0.0.2 proto static",
    "route add 10.51.0.0/16 via 10.0.0.2 src 10.0.0.77 table 77 metric 5 mtu 1300 tos 0x10",
    "route append 10.51.0.0/16 via 10.0.0.9 src 10.0.0.77 table 77 metric 5 mtu 1300 tos 0x10",
    "route add 10.52.0.0/16 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.0.9 weight 5",
    "route add 10.53.0.0/16 via 10.99.0.2 dev eth0 onlink",
    "route add 10.60.0.0/24 dev eth0 scope link",
    "route add 10.54.0.0/16 via 10.60.0.2",
    "route add 10.55.0.0/16 via 10.1.0.2 src 10.0.0.77",
    "route add local 10.56.0.0/16 dev eth0 table local scope host",
    "route add 10.57.0.0/16 via inet6 fe80::1 dev eth0",
    "route add fd50::/64 via fe80::9 dev eth0 src fd00::5 metric 5 mtu 1300",
    "route add fd51::/64 via fe80::9 dev eth1 src fd00::5",
    "route add fd52::/64 via fe80::9 dev eth0 src fd00::77",
    "nexthop add id 1 via 10.0.0.2 dev eth0",
    "route add 10.58.0.0/16 nhid 1 src 10.0.0.77",
)


def of_hands(lab: Lab) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The addresses and routes that are neither ours nor the kernel's own; of lifetimes, how many thousand seconds."""
    (end,) = (each for each in ip("address", "show", netns=f"{lab.name}-red") if each["ifname"] == "eth0")
    for each in end["addr_info"]:
        each |= {name: each[name] // 1000 for name in ("valid_life_time", "preferred_life_time")}
        each.pop("secondary", None)  # the first of a subnet is none
    found = ip("route", "show", "table", "all", netns=f"{lab.name}-red")
    return (
        [each for each in end["addr_info"] if each["local"].endswith((".77", ".78", ":77"))],
        [each for each in found if each["protocol"] != "kernel"],
    )


@pytest.mark.parametrize("after", [["10.0.0.3/24", "10.0.0.5/24"], ["10.0.0.5/24"], ["10.2.0.1/24"]])
@pytest.mark.parametrize("carrier", ["up", "down"])
def test_what_a_hand_gave_an_end_outlives_a_change_of_its_addresses(lab: Lab, after: list[str], carrier: str) -> None:
    text = f"{NODES}veths: [[red:eth0 %s, blue:eth0], [red:eth1 10.1.0.1/24, 'blue:eth1']]"
    lab.apply(text % "10.0.0.1/24 10.0.0.5/24 fd00::5/64")
    for hand in HANDS:
        run("ip", "-n", f"{lab.name}-red", *hand.split())
    run("ip", "-n", f"{lab.name}-blue", "link", "set", "eth0", carrier)
    before = of_hands(lab)
    assert [len(each) for each in before] == [3, 14 if carrier == "up" else 13], "a nexthop object needs a carrier"
    assert lab.attempt(text % " ".join((*after, "fd00::5/80"))).converged
    run("ip", "-n", f"{lab.name}-blue", "link", "set", "eth0", carrier)
    assert of_hands(lab) == before
    assert addresses("eth0", netns=f"{lab.name}-red") == {
        "10.0.0.77/24",
        "10.0.0.78/24",
        "fd00::77/64",
        "fd00::5/80",
        *after,
    }


def test_a_route_that_a_hand_added_outlives_a_change_of_the_only_address_to_another_subnet(lab: Lab) -> None:
    text = f"{NODES}veths: [[red:eth0 %s, blue:eth0]]"
    lab.apply(text % "10.0.0.1/24")
    run("ip", "-n", f"{lab.name}-red", "route", "add", "10.50.0.0/16", "via", "10.0.0.2")
    lab.apply(text % "10.2.0.1/24")
    assert "10.50.0.0/16" in routes(netns=f"{lab.name}-red"), "as with `ip address add` and then `del`"


def test_a_route_whose_source_is_an_address_that_stays_outlives_a_change_of_the_first(lab: Lab) -> None:
    text = """
namespaces: {red: {routes: [{to: 10.7.0.0/16, via: 10.1.0.2, source: 10.0.0.5}]}, blue: }
veths: [[red:eth0 %s 10.0.0.5/24, blue:eth0], [red:eth1 10.1.0.1/24, 'blue:eth1']]
"""
    lab.apply(text % "10.0.0.1/24")
    lab.apply(text % "10.0.0.3/24")


def test_a_namespace_deleted_by_hand_takes_its_pairs_and_all_come_back(lab: Lab) -> None:
    text = NODES + "veths: [[red:eth0 10.0.0.1/24, blue:eth0 10.0.0.2/24], [blue:lone, blue:twin]]"
    lab.apply(text)
    lone = link("lone", netns=f"{lab.name}-blue")["ifindex"]
    run("ip", "netns", "del", f"{lab.name}-red")
    report = lab.apply(text)
    assert {str(each.step.key.key) for each in report.outcomes} == {"namespace/red", KEY}
    assert link("lone", netns=f"{lab.name}-blue")["ifindex"] == lone
    assert pings("10.0.0.1", netns=f"{lab.name}-blue")


def test_a_foreign_interface_is_a_conflict_before_the_first_step(lab: Lab) -> None:
    run("ip", "netns", "add", f"out-{lab.name}")
    try:
        run("ip", "-n", f"out-{lab.name}", "link", "add", "eth0", "type", "bridge")
        text = f"namespaces: {{red: {{external: true, name: out-{lab.name}}}, blue: }}\nveths: [[red:eth0, blue:eth0]]"
        with pytest.raises(Conflict, match="interface eth0 in namespace/red is held by"):
            lab.attempt(text)
        assert lab.observed(text).of_kind("namespace")[0].owned is False
    finally:
        run("ip", "netns", "del", f"out-{lab.name}")


def test_a_foreign_pair_can_be_adopted(lab: Lab) -> None:
    near = f"x{uuid.uuid4().hex[:6]}"
    text = f"veths: [[host:{near} 10.99.6.1/30, host:{near}p]]"
    run("ip", "link", "add", near, "type", "veth", "peer", "name", f"{near}p")
    try:
        index = link(near)["ifindex"]
        key = f"veth/host:{near}--host:{near}p"
        with pytest.raises(Conflict, match=f"interface {near} in host is held by"):
            lab.attempt(text)
        lab.apply(text, adopt=(ResourceKey.of(key),))
        assert link(near)["ifindex"] == index
        lab.destroy()
        assert not link(near)
    finally:
        subprocess.run(["ip", "link", "del", near], check=False, capture_output=True)


def test_many_pairs_are_made_and_deleted_together(lab: Lab) -> None:
    count = 150
    pairs = ", ".join(
        f"[red:e{n} 10.{n // 200}.{n % 200}.1/30, blue:e{n} 10.{n // 200}.{n % 200}.2/30]" for n in range(count)
    )
    report = lab.apply(NODES + f"veths: [{pairs}]")
    made = [each.seconds for each in report.outcomes if each.step.key.key.kind == "veth"]
    assert len(made) == count
    assert max(made) < 2
    assert len(ip("link", "show", netns=f"{lab.name}-red")) == count + 1
    report = lab.apply(NODES)
    assert max(each.seconds for each in report.outcomes) < 2
    assert len(ip("link", "show", netns=f"{lab.name}-red")) == 1


def test_what_is_not_of_this_topology_is_left_alone(lab: Lab, tmp_path: object) -> None:
    other = Lab(lab.folder)
    try:
        other.apply(BARE)
        lab.apply(BARE)
        lab.destroy()
        assert other.tells(BARE) == {}
    finally:
        other.destroy()


GIVEN = "10.0.0.9/24 10.0.0.1/24 fd00::1/64"
WHOLE = f"namespaces: {{red: , blue: }}\nveths: [['red:eth0 {GIVEN}', 'blue:eth0 10.0.0.2/24']]"


@pytest.mark.parametrize(
    "hand",
    [
        "address del 10.0.0.1/24 dev eth0; address add 10.0.0.1 peer 10.0.0.77/24 dev eth0",
        "address change 10.0.0.9/24 dev eth0 valid_lft 300 preferred_lft 200",
        "address change 10.0.0.1/24 dev eth0 preferred_lft 0",
        "address change fd00::1/64 dev eth0 preferred_lft 0",
        "address del fd00::1/64 dev eth0; address add fd00::1/48 dev eth0 nodad",
        "address del fd00::1/64 dev eth0; address add fd00::1/64 dev eth0 noprefixroute nodad",
        "route del 10.0.0.0/24 dev eth0",
        "-6 route del fd00::/64 dev eth0",
        "address flush dev eth0; address add 10.0.0.1/24 dev eth0; address add 10.0.0.9/24 dev eth0",
    ],
)
def test_an_address_that_a_hand_changed_is_as_it_was_given(lab: Lab, hand: str) -> None:
    name = f"{lab.name}-red"
    lab.apply(WHOLE)
    before = given(name)
    assert first(name) == "10.0.0.9/24", "which is declared before the other"
    for each in hand.split("; "):
        run("ip", "-n", name, *each.split())
    lab.drifted(WHOLE, KEY, Action.UPDATE, "endpoints.red:eth0.addresses")
    assert given(name) == before


def given(name: str) -> list[str]:
    """All addresses of a namespace's eth0, and the routes that the kernel made of them, but for the link-local ones."""
    lines = [*run("ip", "-n", name, "-o", "address", "show", "eth0").splitlines()]
    lines += [*run("ip", "-n", name, "route").splitlines(), *run("ip", "-n", name, "-6", "route").splitlines()]
    return [line for line in lines if "fe80::" not in line]


def first(name: str) -> str:
    """The IPv4 address from which a namespace's eth0 speaks."""
    return run("ip", "-n", name, "-o", "-4", "address", "show", "dev", "eth0", "primary").split()[3]


def test_another_address_becomes_the_first_of_its_subnet_beside_one_of_a_hand(lab: Lab) -> None:
    name, turned = f"{lab.name}-red", WHOLE.replace(GIVEN, "10.0.0.1/24 10.0.0.9/24 fd00::1/64")
    lab.apply(WHOLE)
    run("ip", "-n", name, "address", "add", "10.0.0.5/24", "dev", "eth0")
    lab.both_ways(WHOLE, turned, KEY, Action.UPDATE, "endpoints.red:eth0.addresses")
    lab.apply(turned)
    assert first(name) == "10.0.0.1/24"
    assert addresses("eth0", netns=name) == {"10.0.0.1/24", "10.0.0.5/24", "10.0.0.9/24", "fd00::1/64"}
    run("ip", "-n", name, "address", "flush", "dev", "eth0")
    run("ip", "-n", name, "address", "add", "10.0.0.5/24", "dev", "eth0")
    lab.apply(turned)


@pytest.mark.parametrize("last", ["10.0.0.3/29", "10.0.0.4/29"])
def test_a_new_address_at_the_edge_of_a_subnet_that_leaves_keeps_its_own_subnet(lab: Lab, last: str) -> None:
    """With 10.0.0.0/30, or 10.0.0.4/30, the kernel takes all routes of such an address."""
    first = "10.0.0.2/30" if last == "10.0.0.3/29" else "10.0.0.5/30"
    text = "namespaces: {{red: , blue: }}\nveths: [[red:eth0 {}, blue:eth0]]"
    lab.both_ways(text.format(first), text.format(last), KEY, Action.UPDATE, "endpoints.red:eth0.addresses")
    lab.apply(text.format(last))
    assert "10.0.0.0/29" in run("ip", "-n", f"{lab.name}-red", "route")


def test_ipv6_goes_together_with_the_mtu_that_it_needs(lab: Lab) -> None:
    small = (
        "namespaces: {red: , blue: }\nveths: [{endpoints: [red:eth0 10.0.0.1/24, 'blue:eth0 10.0.0.2/24'], mtu: 1200}]"
    )
    lab.both_ways(WHOLE, small, KEY, Action.UPDATE, "endpoints.red:eth0.mtu", "endpoints.red:eth0.addresses")
    lab.apply(small)


def test_a_name_that_a_foreign_interface_has_for_an_altname_is_a_conflict(lab: Lab) -> None:
    name = f"x{uuid.uuid4().hex[:8]}"
    run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    try:
        run("ip", "link", "property", "add", "dev", name, "altname", f"{name}a")
        with pytest.raises(
            Conflict, match=f"interface {name}a in host is held by {name}, which has that for an altname"
        ):
            lab.attempt(f"namespaces: {{red: }}\nveths: [[red:eth0, host:{name}a]]")
    finally:
        run("ip", "link", "del", name)
