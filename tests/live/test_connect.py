"""A container's endpoints on networks: every attribute, every drift by hand, and what must stay as it is meanwhile."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import docker.errors
import pytest

from live.boxes import C, D, Json, R, U, alone, box, endpoint, inside, inspect, lan, life, reaches, text
from live.lab import Lab, run
from live.witness import ip
from reconciler.errors import Conflict
from reconciler.execute import execute
from reconciler.kinds import kinds
from reconciler.kinds.connect.spec import MAC_AT_CONNECT
from reconciler.model import Action

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

NAMED = {"com.docker.network.endpoint.ifname": "eth1"}
"""For engines that have to be told the name of an interface; an old one counts on by itself."""
V4, V6 = "10.230.94.0/24", "fd94::/64"
NETWORKS = {
    "lan": {"ipam": {"config": [{"subnet": V4}, {"subnet": V6}]}, "enable_ipv6": True},
    "wan": lan("10.230.95.0/24"),
}
ENDPOINTS: list[tuple[str, Json, Json]] = [
    ("aliases", {"aliases": ["one"]}, {"aliases": ["two", "three"]}),
    ("ipv4_address", {"ipv4_address": "10.230.94.101"}, {"ipv4_address": "10.230.94.102"}),
    ("ipv6_address", {"ipv6_address": "fd94::101"}, {"ipv6_address": "fd94::102"}),
    ("link_local_ips", {"link_local_ips": ["169.254.8.8"]}, {"link_local_ips": ["169.254.8.9"]}),
    ("mac_address", {"mac_address": "02:00:00:00:92:01"}, {"mac_address": "02:00:00:00:92:02"}),
]


def file(stage: int) -> str:
    """A container for each attribute of an endpoint: without it, with its first and with its second value."""
    entries = {
        f"c{at}": box(networks={"lan": ({}, *values)[stage], "wan": {}}) for at, (_, *values) in enumerate(ENDPOINTS)
    }
    return text(entries, networks=NETWORKS)


def test_every_attribute_of_an_endpoint_is_applied_changed_and_taken_out_again(lab: Lab) -> None:
    old = lab.host.engine.version < MAC_AT_CONNECT
    names = [f"c{at}" for at, _ in enumerate(ENDPOINTS)]
    lab.apply(file(0))
    for stage in (1, 2, 0):
        told, before = lab.tells(file(stage)), life(lab, *names)
        for at, (path, *_) in enumerate(ENDPOINTS):
            chosen_again = path == "mac_address" and stage == 0
            assert chosen_again or told[f"connect/c{at}--lan"] == (R, frozenset({path}))
            lab.named(file(stage), f"connect/c{at}--lan", *([] if chosen_again else [path]))
        lab.apply(file(stage))
        kept = [at for at, (path, *_) in enumerate(ENDPOINTS) if not (old and path == "mac_address")]
        after = life(lab, *names)
        assert [after[at] for at in kept] == [before[at] for at in kept]


def test_what_is_declared_of_an_endpoint_is_in_force(lab: Lab) -> None:
    declared = {name: each for _, values, _ in ENDPOINTS for name, each in values.items()}
    lab.apply(text({"a": box(networks={"lan": declared}), "b": box(networks=["lan"])}, networks=NETWORKS))
    found = endpoint(lab, "a", "lan")
    assert (found["IPAddress"], found["GlobalIPv6Address"]) == ("10.230.94.101", "fd94::101")
    assert found["MacAddress"] == "02:00:00:00:92:01"
    assert "169.254.8.8" in inside(lab, "a", "ip", "addr")[1]
    assert reaches(lab, "b", "one")
    assert reaches(lab, "b", "a")


SMALL = text(
    {
        "web": box(
            networks={"lan": {"ipv4_address": "10.230.94.10", "aliases": ["www"]}}, ports=["127.0.0.1:18192:80"]
        ),
        "client": box(networks=["lan"], links=["web:server"]),
        "other": box(networks=["wan"]),
    },
    networks=NETWORKS,
)


def disconnect(lab: Lab, name: str, network: str = "lan") -> None:
    lab.host.engine.api.disconnect_container_from_network(f"{lab.name}-{name}", f"{lab.name}-{network}", force=True)


def connect(lab: Lab, name: str, network: str) -> None:
    lab.host.engine.api.connect_container_to_network(f"{lab.name}-{name}", f"{lab.name}-{network}")


def test_a_disconnect_by_hand_is_mended_without_a_restart(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    disconnect(lab, "web")
    assert lab.tells(SMALL) == {"connect/web--lan": (C, frozenset())}
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "www")
    assert reaches(lab, "client", "server")


def test_an_extra_connect_by_hand_is_undone(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    connect(lab, "web", "wan")
    assert lab.tells(SMALL) == {"connect/web--wan": (D, frozenset())}
    lab.apply(SMALL)
    lab.host.engine.api.connect_container_to_network(f"{lab.name}-other", "bridge")
    assert lab.tells(SMALL) == {"connect/other--@bridge": (D, frozenset())}
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before


def test_a_bare_reconnect_by_hand_is_told_by_what_it_lost(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    for name in ("web", "client"):
        disconnect(lab, name)
        connect(lab, name, "lan")
    told = lab.tells(SMALL)
    assert told["connect/web--lan"] == (R, frozenset({"aliases", "ipv4_address"}))
    assert told["connect/client--lan"] == (R, frozenset({"links"}))
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "server")


def test_a_network_removed_by_force_comes_back_with_all_its_endpoints(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    disconnect(lab, "web")
    disconnect(lab, "client")
    lab.host.engine.api.remove_network(f"{lab.name}-lan")
    told = lab.tells(SMALL)
    assert {key: action for key, (action, _) in told.items()} == dict.fromkeys(
        ("connect/client--lan", "connect/web--lan", "network/lan"), C
    )
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "www")


def test_a_network_is_replaced_under_running_containers(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    after = SMALL.replace(V4, "10.230.94.0/25")
    told = lab.tells(after)
    assert {key: action for key, (action, _) in told.items()} == dict.fromkeys(
        ("connect/client--lan", "connect/web--lan", "network/lan"), R
    )
    lab.apply(after)
    assert life(lab, "web", "client", "other") == before
    assert endpoint(lab, "web", "lan")["IPAddress"] == "10.230.94.10"
    assert reaches(lab, "client", "www")
    assert reaches(lab, "client", "server")


def test_a_network_replaced_while_a_container_was_stopped_is_connected_anew(lab: Lab) -> None:
    api = lab.host.engine.api
    lab.apply(SMALL)
    for name in ("web", "client"):
        api.kill(f"{lab.name}-{name}")
        api.wait(f"{lab.name}-{name}")
    api.remove_network(f"{lab.name}-lan")
    made = lab.load(SMALL).resources
    assert made
    lab.apply(SMALL)
    assert reaches(lab, "client", "www")


def test_a_stopped_container_gets_its_address_back_from_who_took_it(lab: Lab) -> None:
    static = {"a": box(networks={"lan": {"ipv4_address": "10.230.94.2"}})}
    lab.apply(text(static, networks=NETWORKS))
    api = lab.host.engine.api
    api.kill(f"{lab.name}-a")
    api.wait(f"{lab.name}-a")
    both = text({**static, "b": box(networks=["lan"])}, networks=NETWORKS)
    lab.load(both)
    taker = {"b": box(networks=["lan"]), "a": {**static["a"], "state": "stopped"}}
    lab.apply(text(taker, networks=NETWORKS))
    lab.apply(both)
    assert endpoint(lab, "a", "lan")["IPAddress"] == "10.230.94.2"


def test_declared_addresses_are_taken_before_any_is_chosen(lab: Lab) -> None:
    entries = {name: box(networks=["lan"]) for name in "abcd"}
    entries["z"] = box(networks={"lan": {"ipv4_address": "10.230.94.3"}})
    lab.apply(text(entries, networks=NETWORKS))


def test_a_job_that_has_completed_does_without_its_address(lab: Lab) -> None:
    job = box(networks={"lan": {"ipv4_address": "10.230.94.2"}}, state="completed", command=["true"])
    lab.apply(text({"job": job, "d": box(networks=["lan"])}, networks=NETWORKS))
    assert endpoint(lab, "d", "lan")["IPAddress"] == "10.230.94.2"


def test_a_mac_address_moves_to_another_network(lab: Lab) -> None:
    def file(**networks: Json) -> str:
        return text({"c": box(networks=networks)}, networks=NETWORKS)

    declared: Json = {"mac_address": "02:00:00:00:92:11"}
    for networks in ({"lan": declared}, {"wan": declared}, {"lan": declared, "wan": {}}, {"lan": {}, "wan": declared}):
        lab.apply(file(**networks))
        (there,) = [name for name, each in networks.items() if each]
        assert endpoint(lab, "c", there)["MacAddress"] == declared["mac_address"]


def test_a_mac_address_outlives_what_else_becomes_of_its_endpoint_and_its_network(lab: Lab) -> None:
    mac = "02:00:00:00:92:21"

    def file(*, internal: bool = False, **more: Any) -> str:
        networks = {**NETWORKS, "lan": {**NETWORKS["lan"], "internal": internal}}
        return text({"c": box(networks={"lan": {"mac_address": mac, **more}, "wan": {}})}, networks=networks)

    def holds() -> bool:
        return bool(endpoint(lab, "c", "lan")["MacAddress"] == mac)

    last = file(internal=True)
    for each in (file(), file(aliases=["one"]), file(ipv4_address="10.230.94.55"), last):
        lab.apply(each)
        assert holds()
    api, one = lab.host.engine.api, (f"{lab.name}-c", f"{lab.name}-lan")
    for again in (False, True):
        api.disconnect_container_from_network(*one)
        if again:
            api.connect_container_to_network(*one)
        lab.apply(last)
        assert holds()


def test_an_address_that_a_foreign_container_holds_is_a_conflict(lab: Lab) -> None:
    api = lab.host.engine.api
    lab.apply(text({"a": box(networks=["lan"])}, networks=NETWORKS))
    config = {"HostConfig": {"NetworkMode": f"{lab.name}-lan"}, "Image": box()["image"], "Cmd": ["sleep", "1000"]}
    made = api.create_container_from_config(config, f"{lab.name}-foreign")["Id"]
    try:
        api.start(made)
        held = api.inspect_container(made)["NetworkSettings"]["Networks"][f"{lab.name}-lan"]["IPAddress"]
        wanted = {"a": box(networks=["lan"]), "b": box(networks={"lan": {"ipv4_address": held}})}
        with pytest.raises(Conflict, match=rf"connect/b--lan: address {held} in network 'lan' is held by"):
            lab.plan(text(wanted, networks=NETWORKS))
    finally:
        api.remove_container(made, force=True)


def test_what_a_failed_connect_left_behind_counts_as_not_connected(lab: Lab) -> None:
    api = lab.host.engine.api
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    disconnect(lab, "client")
    with contextlib.suppress(docker.errors.APIError):
        api.connect_container_to_network(f"{lab.name}-client", f"{lab.name}-lan", ipv4_address="10.230.94.10")
    assert lab.tells(SMALL) == {"connect/client--lan": (C, frozenset())}
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before


def test_connecting_counts_on_where_the_name_of_the_interface_is_taken(lab: Lab) -> None:
    one = text({"a": box(networks=["lan"])}, networks=NETWORKS)
    both = text({"a": box(networks=["lan", "wan"])}, networks=NETWORKS)
    lab.apply(one)
    before = life(lab, "a")
    pid = inspect(lab, "a")["State"]["Pid"]
    run("nsenter", "-t", str(pid), "-n", "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1b")
    lab.apply(both)
    assert life(lab, "a") == before
    assert "10.230.95." in inside(lab, "a", "ip", "addr")[1]


WIRED = text(
    {"a": box(networks={"lan": {"ipv4_address": "10.230.94.10"}})},
    networks=NETWORKS,
    namespaces={"edge": {}},
    veths=[["a:eth1 10.70.0.2/30", "edge:a 10.70.0.1/30"]],
)
WIRES = "veth/a:eth1--edge:a"


def test_an_endpoint_that_came_to_have_the_name_of_a_veth_makes_way(lab: Lab) -> None:
    lab.apply(WIRED)
    lab.host.engine.api.restart(f"{lab.name}-a", timeout=0)
    before = life(lab, "a")
    disconnect(lab, "a")
    lab.host.engine.api.connect_container_to_network(
        f"{lab.name}-a", f"{lab.name}-lan", ipv4_address="10.230.94.10", aliases=["a"], driver_opt=NAMED
    )
    assert lab.live(WIRED, "connect/a--lan")["interface"] == "eth1"
    assert lab.tells(WIRED) == {WIRES: (C, frozenset()), "connect/a--lan": (R, frozenset())}
    lab.apply(WIRED)
    assert life(lab, "a") == before
    assert "10.70.0.2" in inside(lab, "a", "ip", "addr", "show", "eth1")[1]


def test_a_container_that_starts_again_between_plan_and_step_is_connected_beside_its_veths(lab: Lab) -> None:
    lab.apply(WIRED)
    lab.host.engine.api.kill(f"{lab.name}-a")
    moved = WIRED.replace("10.230.94.10", "10.230.94.20")
    plan = lab.plan(moved)
    assert {str(each.key.key) for each in plan.ordered} == {WIRES, "connect/a--lan", "process/a"}
    lab.host.engine.api.start(f"{lab.name}-a")
    before, report = life(lab, "a"), execute(plan, lab.host, kinds=kinds())
    assert [str(each.error) for each in report.failed] == []
    assert lab.tells(moved) == {}
    assert life(lab, "a") == before


def test_a_veth_has_its_name_beside_docker_s_own_bridge_too(lab: Lab) -> None:
    on_lan = text({"a": box(networks=["lan"])}, networks=NETWORKS)
    bare = text({"a": alone(network_mode="bridge")}, namespaces={"edge": {}})
    wired = f"{bare}\nveths: [['a:eth1 10.70.0.2/30', 'edge:a 10.70.0.1/30']]"
    lab.apply(on_lan)
    before = life(lab, "a")
    lab.apply(wired)
    assert life(lab, "a") == before
    for each in (on_lan, bare, wired):
        lab.apply(each)


COVERED = text(
    {
        "a": box(
            networks={"lan": {"aliases": ["one"]}, "wan": {"aliases": ["one"]}},
            routes=[{"to": to, "via": "fd78::2" if ":" in to else "10.78.0.2"} for to in ("10.0.0.0/8", "fd00::/8")],
        )
    },
    networks=NETWORKS,
    namespaces={"edge": {}},
    veths=[["a:eth2 10.230.94.200/24 fd94::200/64 10.78.0.1/30 fd78::1/64", "edge:a 10.78.0.2/30 fd78::2/64"]],
)
"""A container with routes, and addresses of a veth, that overlap the subnets of its networks."""


def all_routes(lab: Lab) -> list[str]:
    pid = inspect(lab, "a")["State"]["Pid"]
    return sorted(f"{each['dst']} {each['protocol']}" for v in "46" for each in ip(f"-{v}", "route", "show", pid=pid))


def test_routes_that_overlap_a_network_make_way_while_it_is_connected(lab: Lab) -> None:
    lab.apply(COVERED)
    before, there = life(lab, "a"), all_routes(lab)
    edited = COVERED.replace('"one"', '"two"')
    assert set(lab.tells(edited)) == {"connect/a--lan", "connect/a--wan"}
    lab.apply(edited)
    assert all_routes(lab) == there
    disconnect(lab, "a")
    lab.drifted(edited, "connect/a--lan", Action.CREATE)
    assert all_routes(lab) == there
    assert life(lab, "a") == before


def test_a_route_by_an_interface_of_docker_s_follows_it_whatever_that_is_called(lab: Lab) -> None:
    def file(label: str, **more: Json) -> str:
        routed = box(networks=["lan"], routes=[{"to": "10.97.0.0/24", "dev": "eth0"}])
        return text({"c0": routed, **more}, networks={"lan": lan(V4, labels={"k": label})})

    lab.apply(file("1"))
    before = life(lab, "c0")
    lab.apply(file("2"))
    disconnect(lab, "c0")
    lab.drifted(file("2"), "connect/c0--lan", Action.CREATE)
    lab.apply(file("2"))
    report = lab.attempt(file("3", bad=alone(command=["/no/such/command"])), revert=True)
    assert report.reverted
    assert report.reverted.converged
    assert life(lab, "c0") == before
    assert lab.tells(file("2")) == {}
    routes = {each["dst"]: each["dev"] for each in ip("route", pid=inspect(lab, "c0")["State"]["Pid"])}
    assert routes["10.97.0.0/24"] == routes[V4]


def test_a_route_that_overlaps_docker_s_own_bridge_makes_way_too(lab: Lab) -> None:
    config = lab.host.engine.networks.inspect("bridge")["IPAM"]["Config"]
    subnet = next(each for each in (ip_network(each["Subnet"]) for each in config) if each.version == 4)
    wired: Json = {
        "namespaces": {"edge": {}},
        "veths": [["a:eth2 10.78.0.1/30", "edge:a 10.78.0.2/30"]],
    }
    routes = [{"to": str(subnet.supernet()), "via": "10.78.0.2"}]
    lab.apply(text({"a": box(networks=["lan"], routes=routes)}, networks=NETWORKS, **wired))
    before = life(lab, "a")
    lab.apply(text({"a": alone(network_mode="bridge", routes=routes)}, **wired))
    assert life(lab, "a") == before


def test_a_foreign_route_that_overlaps_a_network_is_told_while_it_is_connected_still(lab: Lab) -> None:
    lab.apply(COVERED)
    pid, former = inspect(lab, "a")["State"]["Pid"], endpoint(lab, "a", "lan")
    run("nsenter", "-t", str(pid), "-n", "ip", "route", "add", "10.230.94.128/25", "via", "10.78.0.2")
    edited = COVERED.replace('"one"', '"two"', 1)
    assert "a route to 10.230.94.128/25 that is not ours" in str(lab.attempt(edited).failed[0].error)
    assert endpoint(lab, "a", "lan") == former
    disconnect(lab, "a")
    assert "put that route into the container" in str(lab.attempt(edited).failed[0].error)
    run("nsenter", "-t", str(pid), "-n", "ip", "route", "del", "10.230.94.128/25")
    lab.apply(edited)


def test_an_interface_deleted_by_hand_is_connected_anew(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    pid = inspect(lab, "client")["State"]["Pid"]
    run("nsenter", "-t", str(pid), "-n", "ip", "link", "del", "eth0")
    lab.drifted(SMALL, "connect/client--lan", Action.CREATE)
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "www")


def test_docker_s_own_bridge_can_stand_among_the_networks(lab: Lab) -> None:
    networks = {**NETWORKS, "docker0": {"external": True, "name": "bridge"}}
    both = text({"a": box(networks=["docker0", "lan"])}, networks=networks)
    lab.apply(both)
    before = life(lab, "a")
    lab.host.engine.api.disconnect_container_from_network(f"{lab.name}-a", "bridge")
    lab.drifted(both, "connect/a--docker0", Action.CREATE)
    lab.apply(text({"a": box(networks=["lan"])}, networks=networks))
    lab.apply(text({"a": alone(network_mode="bridge")}, networks=networks))
    assert life(lab, "a") == before
    lab.host.engine.api.disconnect_container_from_network(f"{lab.name}-a", "bridge")
    lab.drifted(text({"a": alone(network_mode="bridge")}, networks=networks), "container/a", Action.UPDATE)
    assert life(lab, "a") == before


def test_a_container_that_has_left_the_network_it_was_made_on_starts_again(lab: Lab) -> None:
    lab.apply(text({"a": box(networks=["lan", "wan"])}, networks=NETWORKS))
    before = life(lab, "a")
    one = {"wan": lan("10.230.96.0/24")}
    lab.apply(text({"a": box(networks=["wan"])}, networks=one))
    assert life(lab, "a") == before
    lab.host.engine.api.restart(f"{lab.name}-a", timeout=0)
    lab.apply(text({"a": box(networks=["wan"]), "b": box(networks=["wan"])}, networks=one))
    assert reaches(lab, "b", "a")


def test_a_container_without_networks_joins_the_default_one(lab: Lab) -> None:
    lab.apply(text({"a": box(), "b": box()}))
    assert reaches(lab, "a", "b")
    assert lab.tells(text({"a": box(), "b": box()})) == {}


def test_a_container_with_ipv6_off_rests_on_a_network_that_has_it(lab: Lab) -> None:
    for each in ("all", "default"):
        off = {f"net.ipv6.conf.{each}.disable_ipv6": 1}
        lab.apply(
            text({"a": box(networks=["lan", "wan"], sysctls=off)}, networks=NETWORKS)
        )  # which proves that it rests


ROUNDS = 12 if os.environ.get("RECONCILER_TEST_ALL") else 1


def test_the_engine_keeps_count_when_endpoints_come_and_go_at_once(lab: Lab) -> None:
    """Eight at a time, beside readers: old engines lose count then, and the network could not be removed."""
    names = [f"c{at}" for at in range(8)]
    boxes = {each: box(networks=["wan"]) for each in names}
    with_lan = text(boxes | {"z": box(networks=["lan"])}, networks={**NETWORKS, "lan": lan(V4)})
    lab.apply(with_lan)
    networks = lab.host.engine.networks

    def come_and_go(name: str) -> None:
        for _ in range(3):
            networks.connect(f"{lab.name}-lan", f"{lab.name}-{name}")
            networks.list()
            networks.disconnect(f"{lab.name}-lan", f"{lab.name}-{name}")

    for _ in range(ROUNDS):
        with ThreadPoolExecutor(len(names)) as pool:
            assert list(pool.map(come_and_go, names)) == [None] * len(names)
        lab.apply(text(boxes, networks={"wan": NETWORKS["wan"]}))
        lab.apply(with_lan)


@pytest.mark.parametrize("argv", [("addr", "flush", "dev", "eth0"), ("link", "set", "eth0", "down")])
def test_an_endpoint_that_a_hand_spoilt_inside_is_connected_anew(lab: Lab, argv: tuple[str, ...]) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    within(lab, "web", "ip", *argv)
    assert lab.tells(SMALL) == {"connect/web--lan": (C, frozenset())}
    lab.apply(SMALL)
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "www")


def test_addresses_that_a_container_has_put_on_a_bridge_of_its_own_are_there(lab: Lab) -> None:
    lab.apply(SMALL)
    address = endpoint(lab, "other", "wan")["IPAddress"] + "/24"
    for line in ("link add br0 type bridge", "link set eth0 master br0", "addr flush dev eth0", "link set br0 up"):
        within(lab, "other", "ip", *line.split())
    within(lab, "other", "ip", "addr", "add", address, "dev", "br0")
    assert lab.tells(SMALL) == {}


def test_an_endpoint_is_changed_beside_a_bridge_that_its_container_has_put_over_it(lab: Lab) -> None:
    lab.apply(SMALL)
    before = life(lab, "web", "client", "other")
    for line in ("link add br0 type bridge", "link set eth0 master br0"):  # which has its MAC address then
        within(lab, "web", "ip", *line.split())
    assert lab.live(SMALL, "connect/web--lan")["interface"] == "eth0"
    lab.apply(SMALL.replace('"www"', '"site"'))
    assert life(lab, "web", "client", "other") == before
    assert reaches(lab, "client", "site")


def test_a_sysctl_of_a_container_that_a_hand_changed_is_set_again(lab: Lab) -> None:
    sysctls = {
        "net.ipv4.ip_forward": "1",
        "net.ipv4.ip_local_port_range": "2000 3000",
        "net.ipv4.icmp_ratelimit": "501",
    }
    file = text({"c": alone(sysctls=sysctls), "d": alone(network_mode="service:c")})
    lab.apply(file)
    before = life(lab, "c", "d")
    within(lab, "c", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    told = {"container/c": (U, frozenset({"sysctls.net.ipv4.ip_forward"}))}
    assert lab.tells(file) == told
    lab.apply(file)
    assert life(lab, "c", "d") == before
    within(lab, "c", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    changed = file.replace('"2000 3000"', '"2000 3001"')
    assert lab.tells(changed)["container/c"][0] == R
    lab.apply(changed)


def within(lab: Lab, name: str, *argv: str) -> None:
    """Run a command of the host in the network of a container."""
    run("nsenter", "-t", str(inspect(lab, name)["State"]["Pid"]), "-n", *argv)
