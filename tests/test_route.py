from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kernel_files import a_link, problems, resource, spec, topology

from reconciler.host import netns
from reconciler.host.kernel.packed import Noted
from reconciler.host.marks import PROTOCOL, Mark
from reconciler.host.netlink import Link, Route
from reconciler.kinds import kinds
from reconciler.kinds.ipv6 import leave_ipv6
from reconciler.kinds.keep_routes import _is_lost
from reconciler.kinds.route import KIND, whose
from reconciler.kinds.route.aside import overlaps
from reconciler.kinds.route.effects import _with_ipv6
from reconciler.kinds.route.spec import RouteSpec, in_order, normal_metric
from reconciler.model import How, Need, Resource, ResourceKey

NODES = """
networks: {net: {ipam: {config: [{subnet: 172.31.9.0/24}]}}, auto: }
containers:
  leaf: {image: x, network_mode: none, routes: [%s]}
  web: {image: x, networks: [net], routes: [%s]}
  free: {image: x, networks: [auto], routes: [%s]}
  onbridge: {image: x, network_mode: bridge, routes: [%s]}
  hosted: {image: x, network_mode: host, routes: [%s]}
  done: {image: x, network_mode: none, state: stopped, routes: [%s]}
  other: {external: true}
namespaces: {red: {routes: [%s]}}
bridges: {lan: {namespace: red, addresses: [10.5.0.1/24, "FD05::1/64"]}, br0: {addresses: [10.6.0.1/24]}}
host: {routes: [%s]}
veths:
  - [red:eth0 10.0.0.1/24 fd00::1/64, leaf:eth0 10.0.0.2/24 fd00::2/64 fe80::2/64]
  - [red:eth1 10.0.1.1/24 fe80::1/64, leaf:eth1 10.0.1.2/24 fe80::2/64]
  - [host:x 10.7.0.1/24, web:x 10.7.0.2/24]
  - endpoints: [{container: other, interface: y, routes: [{to: 10.44.0.0/16, via: 192.0.2.1}]}, red:y]
"""
PLACES = ("leaf", "web", "free", "onbridge", "hosted", "done", "red", "host")


def text(**routes: str) -> str:
    return NODES % tuple(routes.get(each, "") for each in PLACES)


def keys(tmp_path: Path, **routes: str) -> set[str]:
    return {each.key.name for each in topology(tmp_path, text(**routes)).of_kind("route")} - {"other--10.44.0.0/16"}


def test_keys_name_the_node_and_the_destination(tmp_path: Path) -> None:
    red = "{to: default, via: 10.0.0.2}, {to: default, via: 'fd00::2'}, {to: 10.9.9.9, dev: eth0}"
    host = "{to: 10.70.0.0/16, via: 10.7.0.2}"
    assert keys(tmp_path, red=red, host=host) == {
        "red--default",
        "red--default6",
        "red--10.9.9.9/32",
        "host--10.70.0.0/16",
    }


def test_the_metric_stands_in_the_key_where_there_are_several(tmp_path: Path) -> None:
    red = (
        "{to: default, via: 10.0.0.2}, {to: default, via: 10.0.1.2, metric: 5}, {to: 10.9.0.0/16, dev: eth0, metric: 5}"
    )
    assert keys(tmp_path, red=red) == {"red--default@0", "red--default@5", "red--10.9.0.0/16"}


def test_next_hops_are_in_numerical_order_and_metrics_the_kernels(tmp_path: Path) -> None:
    found = spec(tmp_path, text(red="{to: 10.9.0.0/16, via: [10.0.1.2, 10.0.0.2]}"), "route/red--10.9.0.0/16")
    assert (found.via, found.metric, found.dev) == (("10.0.0.2", "10.0.1.2"), 0, None)
    found = spec(
        tmp_path,
        text(red="{to: 'fd07::/16', via: 'fd00::2', source: 'FD00::1'}"),
        "route/red--fd00::/16".replace("fd00", "fd07"),
    )
    assert (found.metric, found.source) == (1024, "fd00::1")
    assert in_order(["", "10.0.0.10", "10.0.0.9", "::1"]) == ("", "10.0.0.9", "10.0.0.10", "::1")
    assert normal_metric("::/0", 5) == 5


def test_a_route_stands_on_the_interfaces_by_which_it_goes(tmp_path: Path) -> None:
    red = "{to: 10.9.0.0/16, via: [10.0.0.2, 10.0.1.2]}, {to: 10.8.0.0/16, via: 10.5.0.7}"
    web = "{to: 10.9.0.0/16, via: 172.31.9.7}, {to: 10.8.0.0/16, via: 10.7.0.1}, {to: 10.7.7.0/24, dev: x}"
    whole = text(red=red, web=web, free="{to: default, via: 10.1.1.1}", leaf="{to: 10.3.0.0/16, dev: eth1}")
    needs = {
        each.key.name: [str(need.key) for need in each.needs if need.how is How.STANDS_ON]
        for each in topology(tmp_path, whole).of_kind("route")
    }
    assert needs == {
        "red--10.9.0.0/16": ["namespace/red", "veth/leaf:eth0--red:eth0", "veth/leaf:eth1--red:eth1"],
        "red--10.8.0.0/16": ["bridge/lan", "namespace/red"],
        "web--10.9.0.0/16": ["connect/web--net", "process/web"],
        "web--10.8.0.0/16": ["process/web", "veth/host:x--web:x"],
        "web--10.7.7.0/24": ["process/web", "veth/host:x--web:x"],
        "free--default": ["connect/free--auto", "process/free"],
        "leaf--10.3.0.0/16": ["process/leaf", "veth/leaf:eth1--red:eth1"],
        "other--10.44.0.0/16": ["container/other"],
    }


def test_a_route_by_an_interface_of_the_engine_s_stands_on_the_networks_of_which_one_has_it(tmp_path: Path) -> None:
    route = "routes: [{to: 10.9.0.0/16, dev: eth%s}]"
    whole = f"""
networks: {{a: {{internal: true}}, b: {{name: c}}, c: {{ipam: {{config: [{{subnet: 10.1.0.0/24}}]}}}}}}
containers:
  box: {{image: x, networks: [a, b, c], {route % 2}}}
  far: {{image: x, networks: [a], {route % 1}}}
  old: {{image: x, network_mode: bridge, {route % 0}}}
"""
    found = topology(tmp_path, whole).of_kind("route")
    assert {each.key.name.partition("--")[0]: RouteSpec.of(each).networks for each in found} == {
        "box": (("eth0", "c"), ("eth1", "t-c"), ("eth2", "t-a")),
        "far": (),
        "old": (("eth0", "bridge"),),
    }
    assert {need.key.name for each in found for need in each.needs if need.key.kind == "connect"} == {
        "box--a",
        "box--b",
        "box--c",
        "far--a",
    }


@pytest.mark.parametrize(
    ("dev", "networks"),
    [
        ("eth0", (("eth0", "t-lan"),)),
        ("eth1", ()),
        ("wan1", (("wan0", "t-w"), ("wan1", "t-x"))),
        ("wan2", ()),
    ],
)
def test_a_network_with_a_prefix_of_its_own_has_none_of_the_others_names(
    tmp_path: Path, dev: str, networks: tuple[tuple[str, str], ...]
) -> None:
    """So a veth may have eth1 beside two networks of which one has eth0."""
    wan = "{driver_opts: {com.docker.network.container_iface_prefix: wan}}"
    whole = f"""
networks: {{lan: , w: {wan}, x: {wan}}}
containers: {{c: {{image: i, networks: [lan, w, x], routes: [{{to: 10.5.0.0/24, dev: {dev}}}]}}}}
namespaces: {{red: }}
veths: [["c:eth1", "red:eth1"]]
"""
    (found,) = topology(tmp_path, whole).of_kind("route")
    assert RouteSpec.of(found).networks == networks
    assert (ResourceKey("veth", "c:eth1--red:eth1") in {each.key for each in found.needs}) is (dev == "eth1")


NETWORKS = """
networks:
  lan: {ipam: {config: [{subnet: 10.86.0.0/24}, {subnet: "fd86::/64"}]}}
  named: {driver_opts: {com.docker.network.bridge.name: lanbr}, ipam: {config: [{subnet: 10.87.0.0/24}]}}
  other: {driver: macvlan, ipam: {config: [{subnet: 10.88.0.0/24}]}}
  auto:
bridges: {br0: {addresses: [10.6.0.1/24]}}
host: {routes: [%s]}
"""


@pytest.mark.parametrize(
    ("route", "needs", "by"),
    [
        ("{to: 10.9.0.0/16, via: 10.86.0.10}", {"network/lan via"}, ()),
        ("{to: 'fd09::/16', via: 'fd86::9'}", {"network/lan via"}, ()),
        ("{to: 10.9.0.0/16, via: 10.87.0.10}", {"network/named via"}, ("lanbr",)),
        ("{to: 10.9.0.0/16, dev: lanbr}", {"network/named via"}, ()),
        ("{to: 10.9.0.0/16, via: [10.86.0.10, 10.6.0.2]}", {"bridge/br0 via", "network/lan via"}, ()),
        ("{to: 10.9.0.0/16, dev: lo, source: 10.86.0.1}", {"network/lan source"}, ()),
        ("{to: 10.9.0.0/16, via: 10.88.0.10}", set(), ()),
    ],
)
def test_a_route_of_the_host_stands_on_the_docker_network_by_whose_bridge_it_goes_and_is_noted(
    tmp_path: Path, route: str, needs: set[str], by: tuple[str, ...]
) -> None:
    (found,) = topology(tmp_path, NETWORKS % route).of_kind("route")
    assert {f"{each.key} {each.via}" for each in found.needs if each.how is How.STANDS_ON} == needs
    route_spec = RouteSpec.of(found)
    assert (route_spec.by, route_spec.noted) == (by, True)
    assert "lanbr" not in route_spec.ours, "it carries no mark of ours"


def test_going_back_makes_a_route_again_by_whatever_name_the_bridge_of_its_network_has_then() -> None:
    by_network, by_mark = (
        Resource(
            ResourceKey("route", "host--default"),
            RouteSpec(to="0.0.0.0/0", via=("10.86.0.1",), dev="br-0123456789ab"),
            needs=(Need(ResourceKey.of(key), "via"),),
            handle={"route": None},
        )
        for key in ("network/lan", "bridge/br0")
    )
    made = KIND.former(by_network)
    assert made
    assert (RouteSpec.of(made).via, RouteSpec.of(made).dev) == (("10.86.0.1",), None)
    assert KIND.former(by_mark) == by_mark
    by_link = replace(by_network, spec=replace(RouteSpec.of(by_network), via=("fe80::1",)))
    assert KIND.former(by_link) == by_link, "a next hop on the link is one by its device only"


def test_a_next_hop_is_by_the_interface_that_reaches_it_where_the_file_tells_of_just_one(tmp_path: Path) -> None:
    red = (
        "{to: 10.9.0.0/16, via: [10.0.0.2, 10.0.1.2]}, {to: 10.8.0.0/16, via: 10.5.0.7}, "
        "{to: 10.6.0.0/16, via: 10.55.0.1}, {to: 10.55.0.0/24, dev: eth0}"
    )
    whole = text(red=red, web="{to: 10.3.0.0/16, via: 172.31.9.7}, {to: 10.4.0.0/16, via: [10.7.0.1, 172.31.9.7]}")
    routes = topology(tmp_path, whole.replace("red:eth1 10.0.1.1/24", "red:eth1 10.0.1.1/24 10.5.0.9/24"))
    by = {each.key.name: each.spec.by for each in routes.of_kind("route") if isinstance(each.spec, RouteSpec)}
    assert by["red--10.9.0.0/16"] == ("eth0", "eth1")
    assert by["red--10.8.0.0/16"] == (), "two interfaces reach it"
    assert by["red--10.6.0.0/16"] == ("eth0",), "another route reaches it"
    assert by["web--10.3.0.0/16"] == by["web--10.4.0.0/16"] == (), "the engine names its interfaces"


def test_a_next_hop_by_a_route_on_the_link_comes_after_it(tmp_path: Path) -> None:
    red = "{to: default, via: 10.3.0.1}, {to: 10.3.0.0/24, dev: eth0}, {to: 10.3.0.0/24, dev: eth1, metric: 3}"
    found = resource(tmp_path, text(red=red), "route/red--default").needs
    assert Need(ResourceKey("route", "red--10.3.0.0/24@0"), "via", How.AFTER) in found
    found = resource(tmp_path, text(red=red.rpartition(", {")[0]), "route/red--default").needs
    assert Need(ResourceKey("route", "red--10.3.0.0/24"), "via", How.AFTER) in found


@pytest.mark.parametrize(
    ("routes", "dev"),
    [
        ("{to: 10.3.0.0/24, dev: eth0}, {to: 10.3.0.0/24, dev: eth1, metric: 3}", "eth0"),
        ("{to: 10.3.0.0/24, dev: eth0}, {to: 10.3.0.0/28, dev: eth1, metric: 3}", "eth1"),
        ("{to: 10.3.0.0/24, dev: eth1}, {to: 10.4.0.0/24, dev: eth0}", "eth1"),
        ("{to: 10.3.0.0/24, dev: eth1, metric: 3}, {to: 10.3.0.0/24, dev: eth0, metric: 7}", "eth1"),
    ],
)
def test_a_next_hop_by_a_route_on_the_link_goes_by_its_interface_and_stands_on_it(
    tmp_path: Path, routes: str, dev: str
) -> None:
    found = resource(tmp_path, text(red=f"{{to: default, via: 10.3.0.1}}, {routes}"), "route/red--default")
    assert isinstance(found.spec, RouteSpec)
    assert (found.spec.dev, found.spec.by, dict(found.spec.ours)) == (dev, (dev,), {dev: f"veth/leaf:{dev}--red:{dev}"})
    assert Need(ResourceKey("veth", f"leaf:{dev}--red:{dev}"), "via") in found.needs


def test_the_interface_is_compared_only_where_a_route_says_which_it_is(tmp_path: Path) -> None:
    onlink = "{to: 10.3.0.0/24, dev: eth0}"
    found = spec(tmp_path, text(red="{to: default, via: 10.0.0.2}, " + onlink), "route/red--default")
    assert (found.dev, found.by) == (None, ("eth0",)), "an address does"
    found = spec(tmp_path, text(red="{to: default, via: [10.3.0.1, 10.0.1.2]}, " + onlink), "route/red--default")
    assert (found.dev, found.by) == (None, ("eth1", "eth0"))
    found = spec(tmp_path, text(red="{to: default, via: 10.3.0.1, dev: eth0}, " + onlink), "route/red--default")
    assert (found.dev, found.by) == ("eth0", ("eth0",))
    wrong = problems(tmp_path, text(red="{to: default, via: 10.4.0.1}, " + onlink))
    assert wrong == ["the next hop 10.4.0.1 is not reachable through any declared interface of 'red'"]


def test_a_route_stands_on_what_has_its_source_address(tmp_path: Path) -> None:
    red = (
        "{to: 10.9.0.0/16, via: 10.0.0.2, source: 10.0.1.1}, {to: 10.8.0.0/16, dev: eth0, source: 10.5.0.1}, "
        "{to: 10.7.0.0/16, dev: eth0, source: 10.0.1.2}, {to: 'fd09::/16', via: 'fd00::2', source: 'FD05::1'}"
    )
    web = "{to: 10.9.0.0/16, via: 10.7.0.1, source: 172.31.9.7}"
    host = "{to: 10.9.0.0/16, via: 192.0.2.1, source: 10.6.0.1}"
    found = {
        each.key.name: [str(need.key) for need in each.needs if need.via == "source"]
        for each in topology(tmp_path, text(red=red, web=web, host=host)).of_kind("route")
    }
    assert found == {
        "red--10.9.0.0/16": ["veth/leaf:eth1--red:eth1"],
        "red--10.8.0.0/16": ["bridge/lan"],
        "red--10.7.0.0/16": [],
        "red--fd09::/16": ["bridge/lan"],
        "web--10.9.0.0/16": ["connect/web--net"],
        "host--10.9.0.0/16": ["bridge/br0"],
        "other--10.44.0.0/16": [],
    }


def test_a_route_of_the_host_is_noted_unless_each_interface_is_ours_and_tells(tmp_path: Path) -> None:
    routes = {
        "10.70.0.0/16": ("via: 10.7.0.2", False),
        "10.71.0.0/16": ("via: 10.6.0.2", False),
        "10.72.0.0/16": ("via: 1.2.3.4", True),
        "10.73.0.0/16": ("via: [10.6.0.2, 10.7.0.2]", False),
        "10.74.0.0/16": ("via: [10.6.0.2, 1.2.3.4]", True),
        "10.75.0.0/16": ("dev: x", False),
        "10.76.0.0/16": ("dev: eth0", True),
        "10.77.0.0/16": ("dev: theirs", True),
        "10.78.0.0/16": ("dev: theirs, via: 10.8.0.1", True),
    }
    host = ", ".join(f"{{to: {to}, {how}}}" for to, (how, _) in routes.items())
    with_theirs = text(host=host).replace("br0:", "out: {external: true, name: theirs}, br0:")
    found = {each.key.name: each for each in topology(tmp_path, with_theirs).of_kind("route")}
    noted = {key: RouteSpec.of(each).noted for key, each in found.items() if key.startswith("host")}
    assert noted == {f"host--{to}": expected for to, (_, expected) in routes.items()}
    assert found["host--10.70.0.0/16"].part_of is None
    assert not any(RouteSpec.of(each).noted for key, each in found.items() if not key.startswith("host"))


NOTE, ANOTHERS = whose.noted("lab", "10.9.0.0/16", 0), whose.noted("other", "10.9.0.0/16", 0)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        # what is noted, and whether it is ours: in the host, in a node of ours, in one of others
        ([], {"all": "yyy", "some": "-y-", "theirs": "---", "nobody's": "-y-", "none": "-y-"}),
        ([NOTE], {"all": "y--", "some": "y--", "theirs": "y--", "nobody's": "y--", "none": "y--"}),
        ([ANOTHERS], {"all": "---", "some": "---", "theirs": "---", "nobody's": "---", "none": "---"}),
        ([whose.noted("other", "10.8.0.0/16", 0)], {"all": "yyy", "theirs": "---"}),
    ],
)
def test_a_note_tells_whose_a_route_is_then_its_interfaces_then_the_node(
    notes: list[Noted], expected: dict[str, str]
) -> None:
    links: dict[str, list[bool | None]] = {
        "all": [True, True],
        "some": [True, False],
        "theirs": [False],
        "nobody's": [None],
        "none": [],
    }
    places = [{"in_host": True, "in_ours": False}, {"in_host": False, "in_ours": True}]
    places.append({"in_host": False, "in_ours": False})
    for name, told in expected.items():
        found = "".join("y" if whose.is_ours(NOTE, notes, links[name], **each) else "-" for each in places)
        assert (name, found) == (name, told)


def test_a_link_is_ours_another_s_or_nobody_s() -> None:
    mark = Mark("lab", ResourceKey("bridge", "br0"), host="1").alias()
    ours, bare = a_link(1, "br0", alias=mark), a_link(2, "eth0")
    told = [whose.is_mine(ours, *each) for each in (("lab", "1"), ("other", "1"), ("lab", "2"))]
    assert told == [True, False, False]
    assert [whose.is_mine(each, "lab", "1") for each in (bare, None)] == [None, None]


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (
            {"red": "{to: default, via: 10.4.0.1}"},
            "the next hop 10.4.0.1 is not reachable through any declared interface of 'red'",
        ),
        (
            {"web": "{to: default, via: 10.4.0.1}"},
            "the next hop 10.4.0.1 is not reachable through any declared interface of 'web'",
        ),
        (
            {"red": "{to: default, via: 10.0.0.2, dev: eth1}"},
            "the next hop 10.0.0.2 is not reachable through any declared interface of 'red'",
        ),
        ({"red": "{to: default, via: 10.0.0.1}"}, "the next hop 10.0.0.1 is an address of 'red' itself"),
        (
            {"red": "{to: default, via: 10.0.0.255}"},
            "the next hop 10.0.0.255 is the broadcast address of a subnet of 'red'",
        ),
        ({"red": "{to: default, via: 'FD05::1'}"}, "the next hop fd05::1 is an address of 'red' itself"),
        ({"red": "{to: default, via: 'fe80::1', dev: eth1}"}, "the next hop fe80::1 is an address of 'red' itself"),
        ({"red": "{to: default, via: 'fe80::2', dev: eth9}"}, "'red' has no interface 'eth9' in this file"),
        ({"web": "{to: default, via: 'fe80::2'}"}, "the next hop fe80::2 is not reachable through any declared"),
        (
            {"leaf": "{to: default, via: 'fe80::9'}"},
            "the next hop fe80::9 is on more than one link of 'leaf' (name the interface with `dev`)",
        ),
        ({"red": "{to: 10.0.0.0/33, dev: eth0}"}, "'10.0.0.0/33' is not a destination"),
        ({"red": "{to: default, via: 10.0.0.300}"}, "'10.0.0.300' is not an address"),
        ({"red": "{to: 10.3.0.0/16, via: 'fd00::2'}"}, "the next hops are not of the same family as 10.3.0.0/16"),
        ({"red": "{to: 10.3.0.0/16, dev: eth9}"}, "'red' has no interface 'eth9' in this file"),
        (
            {"red": "{to: 10.3.0.0/16, dev: eth0}, {to: 10.3.0.0/16, dev: eth1}"},
            "red has a route to 10.3.0.0/16 already",
        ),
        (
            {"red": "{to: default, via: 10.0.0.2}, {to: default, via: 10.0.1.2}"},
            "red has a route to default already (one route can have a list of next hops; or give it another metric)",
        ),
        (
            {"red": "{to: 10.3.0.1/16, dev: eth0}"},
            "10.3.0.1/16 is an address in a prefix (the destination is 10.3.0.0/16)",
        ),
        ({"red": "{to: default, via: [10.0.0.2, 10.0.0.2]}"}, "the next hop 10.0.0.2 is listed twice"),
        (
            {"hosted": "{to: 10.3.0.0/16, dev: x}"},
            "container 'hosted' has no network of its own: give the route to 'host'",
        ),
        (
            {"done": "{to: 10.3.0.0/16, dev: x}"},
            "container 'done' is to be stopped: only a running or paused one has routes",
        ),
    ],
)
def test_what_is_wrong_is_a_problem(tmp_path: Path, routes: dict[str, str], message: str) -> None:
    found = problems(tmp_path, text(**routes))
    assert any(message in each for each in found), found


@pytest.mark.parametrize("place", ["free", "onbridge", "host"])
def test_where_more_is_reached_than_the_file_says_any_next_hop_will_do(tmp_path: Path, place: str) -> None:
    assert (
        problems(tmp_path, text(**{place: "{to: 10.200.0.0/16, via: 10.4.0.1}, {to: 10.201.0.0/16, dev: eth0}"})) == []
    )


@pytest.mark.parametrize("place", ["leaf", "red", "host"])
def test_a_route_may_go_by_lo_which_is_there_in_every_node(tmp_path: Path, place: str) -> None:
    found = spec(tmp_path, text(**{place: "{to: 10.9.0.0/16, dev: lo}"}), f"route/{place}--10.9.0.0/16")
    assert (found.dev, found.via, dict(found.ours)) == ("lo", (), {})


@pytest.mark.parametrize(
    ("routes", "by"),
    [
        ("{to: 10.9.0.0/16, via: 10.0.0.2}", "x"),
        ("{to: 10.9.0.0/16, dev: x}", "x"),
        ("{to: 10.9.0.0/16, via: [10.0.0.2, 10.0.1.2]}", "x"),
        ("{to: 10.9.0.0/16, via: 10.0.2.2}", ""),
        ("{to: 10.9.0.0/16, via: 10.0.1.2}", ""),
        ("{to: 10.9.0.0/16, dev: lo}", ""),
    ],
)
def test_a_route_by_an_interface_that_is_to_be_down_is_a_problem(tmp_path: Path, routes: str, by: str) -> None:
    ends = "{namespace: red, interface: x, up: false, addresses: [10.0.0.1/24, 10.0.2.1/24]%s}"
    whole = """
namespaces: {red: {routes: [%s]}, blue: }
veths: [{endpoints: [%s, blue:x]}, [red:y 10.0.1.1/24 10.0.2.9/24, blue:y]]
"""
    told = (
        f"the interface {by!r} of 'red' is to be down: only what is up has routes (take the route out, or `up: false`)"
    )
    assert problems(tmp_path, whole % (routes, ends % "")) == ([told] if by else [])
    at_end = ends % ", routes: [{to: 10.9.0.0/16, via: 10.0.2.2}]"
    assert problems(tmp_path, whole % ("", at_end)) == [told.replace("''", "'x'")]


def test_that_another_stands_before_a_route_is_said_in_words() -> None:
    assert [RouteSpec().said(each) for each in ("first", "via")] == ["another stands before it", ""]


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("{to: 'fd99::/48', dev: x}", "x"),
        ("{to: default, via: 'fe80::9', dev: x}", "x"),
        ("{to: 'fd99::/48', dev: lan}", "lan"),
        ("{to: 'fd99::/48', dev: low}", "low"),
        ("{to: 'fd99::/48', dev: wide}", ""),
        ("{to: 'fd99::/48', dev: y}", ""),
        ("{to: 'fd99::/48', dev: lo}", ""),
        ("{to: 10.9.0.0/16, dev: x}", ""),
    ],
)
def test_a_route_of_ipv6_by_an_interface_that_is_too_small_for_it_is_a_problem(
    tmp_path: Path, route: str, name: str
) -> None:
    whole = """
namespaces: {red: {routes: [%s]}, blue: }
bridges: {lan: {namespace: red}, low: {namespace: red, mtu: 1000}, wide: {namespace: red, mtu: 1500}, out: {external: true}}
veths: [{mtu: 1000, endpoints: [red:x, lan]}, [red:y, wide], {mtu: 1000, endpoints: [blue:y, wide]}]
"""
    found = problems(tmp_path, whole % route)
    message = f"IPv6 needs an MTU of 1280 at least, and the interface {name!r} of 'red' has but 1000"
    assert found == ([f"{message} (give it a larger `mtu`, or the bridge's smallest port)"] if name else [])


def test_what_a_port_without_a_name_has_is_not_what_a_docker_networks_bridge_has(tmp_path: Path) -> None:
    whole = """
networks: {net: {enable_ipv6: true, ipam: {config: [{subnet: 'fd31::/64'}]}}}
namespaces: {blue: }
bridges: {br: }
host: {routes: [{to: 'fd99::/48', via: 'fd31::9'}]}
veths: [{endpoints: [blue:y, {bridge: br, mtu: 1000, up: false}]}]
"""
    assert problems(tmp_path, whole) == []


def test_a_link_local_next_hop_is_on_the_link_that_is_named(tmp_path: Path) -> None:
    red = "{to: 'fd08::/16', via: 'fe80::1', dev: eth0}, {to: 'fd09::/16', via: ['fe80::2', 'fe80::3'], dev: eth1}, {to: default, via: 'fe80::9'}"
    whole = text(red=red, web="{to: 'fd08::/16', via: 'fe80::1', dev: eth0}")
    routes = topology(tmp_path, whole)
    by = {each.key.name: each.spec.by for each in routes.of_kind("route") if isinstance(each.spec, RouteSpec)}
    assert (by["red--fd08::/16"], by["red--fd09::/16"]) == (("eth0",), ("eth1", "eth1"))
    assert by["web--fd08::/16"] == (), "the engine names its interfaces"
    assert by["red--default6"] == ("eth1",), "only one of its links has such addresses"


def test_destinations_next_hops_and_sources_are_written_as_the_kernel_writes_them(tmp_path: Path) -> None:
    red = "{to: '::ffff:a09:0/112', via: '::a00:2', source: '::A00:1'}"
    whole = text(red=red).replace("red:eth1 ", "red:eth1 ::a00:1/96 ")
    found = spec(tmp_path, whole, "route/red--::ffff:10.9.0.0/112")
    assert (found.to, found.via, found.source) == ("::ffff:10.9.0.0/112", ("::10.0.0.2",), "::10.0.0.1")


def test_a_bad_address_of_a_bridge_is_told_once(tmp_path: Path) -> None:
    whole = text(red="{to: default, via: 10.0.0.2}").replace("10.5.0.1/24", "10.5.0.1/99")
    assert len(problems(tmp_path, whole)) == 1


FROM = Route("fd07::/16", ("fd00::2",), (3,), 1024, 114, 254, 1, "fd00::1", dead=False)
"""A route from an address."""


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        (None, True),
        (FROM, False),
        (FROM._replace(source=None), True),
        (FROM._replace(source="fd00::9"), False),
        (FROM._replace(source=None, protocol=4), False),
        (FROM._replace(gateways=(), devices=()), True),
    ],
)
def test_a_route_that_lost_its_source_is_to_be_made_again_unless_it_is_another(now: Route | None, lost: bool) -> None:
    assert _is_lost(FROM, now) is lost


def test_a_route_that_had_no_source_has_lost_none() -> None:
    assert not _is_lost(FROM._replace(source=None), FROM._replace(source=None))


def test_everything_is_mutable() -> None:
    found = Resource(ResourceKey("route", "x"), RouteSpec())
    assert kinds()["route"].mutable("via", found, found)


def test_a_default_is_one_of_either_family() -> None:
    assert [RouteSpec(to=each).is_default for each in ("0.0.0.0/0", "::/0", "10.0.0.0/8")] == [True, True, False]


def test_going_back_makes_no_route_of_which_there_was_but_a_note() -> None:
    key = ResourceKey("route", "host--10.0.0.0/8")
    whole, note = Resource(key, RouteSpec(), handle={"route": object()}), Resource(key, RouteSpec())
    assert (KIND.former(whole), KIND.former(note)) == (whole, None)


@pytest.mark.parametrize(
    ("destination", "in_the_way"),
    [
        ("10.0.0.0/8", True),
        ("10.5.0.0/24", True),
        ("10.5.0.128/25", True),
        ("10.5.1.0/24", False),
        ("0.0.0.0/0", False),
        ("fd05::/16", True),
        ("fd06::/16", False),
        ("::/0", False),
    ],
)
def test_a_route_that_overlaps_a_subnet_is_in_its_way(destination: str, in_the_way: bool) -> None:
    route = Route(destination, (), (2,), 0, PROTOCOL, 254, 1, None, dead=False)
    assert overlaps(route, ["10.5.0.0/24", "fd05::/64"]) is in_the_way


def test_a_route_of_ipv6_waits_while_ipv6_is_taken_from_where_nothing_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came between the look and the end of IPv6 would be lost."""
    done: list[str] = []
    link = a_link(2, "eth0")._replace(alias=Mark("t", ResourceKey("veth", "x")).alias())
    giving: Any = SimpleNamespace(send=lambda _: [*map(done.append, ["route"])])
    monkeypatch.setattr(netns, "call", lambda _, act, *names: done.append(act.__name__) if names else "1")
    with ThreadPoolExecutor(1) as pool:

        def ask(_: object) -> list[Link]:
            coming = pool.submit(_with_ipv6, giving, giving, RouteSpec(to="fd01::/48"), b"")
            assert not wait([coming], timeout=0.05).done
            return [link]

        taking: Any = SimpleNamespace(dump=lambda _: [], ask=ask)
        leave_ipv6(0, taking, [link.index])
    assert done == ["_take_default", "route"]
