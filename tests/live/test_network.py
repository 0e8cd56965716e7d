"""Docker networks on a real engine: every attribute applied, edited, put back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from live.boxes import life, reaches
from live.lab import ENGINE, run
from live.recorder import Recorder
from live.witness import routes
from reconciler.errors import Conflict
from reconciler.execute import execute
from reconciler.host import Host
from reconciler.kinds import kinds
from reconciler.model import Action, ResourceKey
from reconciler.reconcile import destroy

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("engine")]

KEY = "network/lan"
BASE = "subnet: 10.213.1.0/24"
V6 = "subnet: 'fd00:d5::/64'"


def net(entry: str = "") -> str:
    return f"networks:\n  lan: {{{entry}}}\n"


def pool(entry: str, more: str = "") -> str:
    return net(f"ipam: {{config: [{{{entry}}}]}}{more}")


def pools(*entries: str) -> str:
    return net(f"enable_ipv6: true, ipam: {{config: [{', '.join(f'{{{each}}}' for each in entries)}]}}")


IPV4, IPV6 = "ipam.config.ipv4.10.213.1.0/24", "ipam.config.ipv6.fd00:d5::/64"
MTU, BRIDGE_NAME = "com.docker.network.driver.mtu", "com.docker.network.bridge.name"
EDITS = [
    ("driver_opts", net(), net(f"driver_opts: {{{MTU}: 1400}}"), f"driver_opts.{MTU}"),
    ("bridge name", net(), net(f"driver_opts: {{{BRIDGE_NAME}: br-d5lan}}"), f"driver_opts.{BRIDGE_NAME}"),
    ("option", net(f"driver_opts: {{{MTU}: 1400}}"), net(f"driver_opts: {{{MTU}: 1300}}"), f"driver_opts.{MTU}"),
    ("aux", pool(BASE), pool(f"{BASE}, aux_addresses: {{r: 10.213.1.7}}"), f"{IPV4}.aux_addresses.r"),
    ("ip_range", pool(BASE), pool(f"{BASE}, ip_range: 10.213.1.128/25"), f"{IPV4}.ip_range"),
    ("ip_range6", pools(BASE, V6), pools(BASE, f"{V6}, ip_range: 'fd00:d5::8000/113'"), f"{IPV6}.ip_range"),
    ("ipam.options", net(), net("ipam: {options: {a: b}}"), "ipam.options.a"),
    ("enable_ipv6", pool(BASE), pools(BASE, V6), "enable_ipv6"),
    ("internal", net(), net("internal: true"), "internal"),
    ("attachable", net(), net("attachable: true"), "attachable"),
    ("labels", net(), net("labels: {role: lan}"), "labels.role"),
    ("labels as a list", net("labels: [a=b]"), net("labels: [a=c]"), "labels.a"),
    ("name", net(), net("name: d5-lan"), "name"),
    ("subnet", pool(BASE), pool("subnet: 10.213.2.0/24"), "ipam.config.ipv4.10.213.2.0/24"),
    ("subnet6", pools(BASE, V6), pools(BASE, "subnet: 'fd00:d6::/64'"), "ipam.config.ipv6.fd00:d6::/64"),
]


@pytest.mark.parametrize(("before", "after", "path"), [each[1:] for each in EDITS], ids=[each[0] for each in EDITS])
def test_an_attribute_that_is_edited_or_removed_replaces_the_network_and_rests(
    lab: Any, before: str, after: str, path: str
) -> None:
    lab.apply(before)
    lab.drifted(after, KEY, Action.REPLACE, path)
    lab.drifted(before, KEY, Action.REPLACE, path)


CHOSEN = [
    ("subnet", net(), pool(BASE), IPV4),
    ("gateway", pool(BASE), pool(f"{BASE}, gateway: 10.213.1.9"), f"{IPV4}.gateway"),
    ("gateway6", pools(BASE, V6), pools(BASE, f"{V6}, gateway: 'fd00:d5::9'"), f"{IPV6}.gateway"),
]


@pytest.mark.parametrize(("before", "after", "path"), [each[1:] for each in CHOSEN], ids=[each[0] for each in CHOSEN])
def test_what_the_engine_may_choose_is_left_alone_when_it_is_removed(
    lab: Any, before: str, after: str, path: str
) -> None:
    lab.apply(before)
    lab.drifted(after, KEY, Action.REPLACE, path)
    assert lab.tells(before) == {}


def test_a_network_is_made_as_declared_and_marked(lab: Any, engine: Any) -> None:
    text = net(f"enable_ipv6: true, ipam: {{config: [{{{BASE}, gateway: 10.213.1.9}}, {{{V6}}}]}}, labels: {{a: b}}")
    lab.apply(text)
    found = engine.inspect_network(f"{lab.name}-lan")
    assert found["Labels"]["reconciler.topology"] == lab.name
    assert {"Subnet": "10.213.1.0/24", "Gateway": "10.213.1.9"} in found["IPAM"]["Config"]
    live = lab.live(text, KEY)
    assert live["id"] == found["Id"]
    assert live["bridge"] == f"br-{found['Id'][:12]}"
    assert live["subnets"] == ("10.213.1.0/24", "fd00:d5::/64")


def test_declaring_the_gateway_that_the_engine_chose_changes_nothing(lab: Any) -> None:
    lab.apply(pool(BASE))
    assert lab.tells(pool(f"{BASE}, gateway: 10.213.1.1")) == {}


def test_another_driver_replaces(lab: Any) -> None:
    run("ip", "link", "add", "d5par", "type", "veth", "peer", "name", "d5per")
    try:
        macvlan = net("driver: macvlan, driver_opts: {parent: d5par}")
        lab.apply(net())
        for text in (macvlan, net("driver: bridge"), macvlan, net()):
            lab.drifted(text, KEY, Action.REPLACE, "driver")
    finally:
        lab.destroy()
        run("ip", "link", "del", "d5par")


def test_a_default_that_is_declared_changes_nothing(lab: Any) -> None:
    text = "driver: bridge, driver_opts: {}, internal: false, attachable: false, enable_ipv6: false, external: false"
    lab.apply(net(f"{text}, labels: {{}}, ipam: {{driver: default, options: {{}}, config: []}}"))
    assert lab.tells(net()) == {}


def test_another_ipam_driver_replaces_and_what_the_engine_says_of_it_is_told(lab: Any) -> None:
    lab.apply(net())
    text = net("ipam: {driver: 'null'}")
    assert lab.tells(text)[KEY] == ("replace", frozenset({"ipam.driver"}))
    assert str(lab.attempt(text).failed[0].error).startswith(f"{KEY}: ")
    lab.apply(net())


def test_a_removed_network_is_made_again(lab: Any, engine: Any) -> None:
    lab.apply(pool(BASE))
    engine.remove_network(f"{lab.name}-lan")
    lab.drifted(pool(BASE), KEY, Action.CREATE)


def test_a_network_that_is_declared_no_longer_is_deleted(lab: Any, engine: Any) -> None:
    lab.apply(net())
    assert lab.tells("")[KEY][0] == "delete"
    lab.apply("")
    assert engine.networks(names=[f"^{lab.name}-lan$"]) == []


def test_a_foreign_network_of_the_same_name_or_subnet_is_a_conflict(lab: Any, engine: Any) -> None:
    foreign = f"{lab.name}-lan"
    run("docker", "network", "create", "--subnet", "10.213.9.0/24", foreign)
    try:
        with pytest.raises(Conflict, match=f"network name '{foreign}' is held by network {foreign}, which is not ours"):
            lab.plan(net())
        with pytest.raises(Conflict, match=r"subnet 10\.213\.9\.128/25 is held by network"):
            lab.plan(pool("subnet: 10.213.9.128/25", ", name: d5-other"))
        for of_host in ("bridges: {d5: {addresses: [%s]}}", "namespaces: {r: }\nveths: [[host:d5 %s, r:x]]"):
            with pytest.raises(Conflict, match=r"address 10\.213\.9\.9 in host is held by network"):
                lab.plan(of_host % "10.213.9.9/25")
        bridge = f"br-{engine.inspect_network(foreign)['Id'][:12]}"
        on_it = f"bridges: {{theirs: {{external: true, name: {bridge}}}}}\nveths: [[host:d5 10.213.9.9/24, theirs]]\n"
        lab.apply(on_it)
        assert lab.tells(on_it) == {}
        lab.destroy()
        assert set(lab.tells(pool("subnet: 10.213.8.0/24", ", name: d5-other"))) == {KEY}
    finally:
        engine.remove_network(foreign)


def test_a_subnet_that_an_interface_of_the_host_is_in_is_a_conflict(lab: Any, engine: Any) -> None:
    run("ip", "link", "add", "d5live", "type", "veth", "peer", "name", "d5peer")
    run("ip", "addr", "add", "10.213.6.1/25", "dev", "d5live")
    run("ip", "addr", "add", "fd00:d6::1/64", "dev", "d5live")
    try:
        for subnet in ("10.213.6.0/24", "10.213.6.64/26"):
            with pytest.raises(Conflict, match=rf"{subnet} is held by interface d5live \(10\.213\.6\.1/25\)"):
                lab.plan(pool(f"subnet: {subnet}"))
        with pytest.raises(Conflict, match=r"subnet fd00:d6::/64 is held by interface d5live \(fd00:d6::1/64\)"):
            lab.plan(pools(BASE, "subnet: 'fd00:d6::/64'"))
        assert set(lab.tells(pool("subnet: 10.213.6.128/25"))) == {KEY}
    finally:
        run("ip", "link", "del", "d5live")


def test_a_bridge_that_is_there_already_can_be_that_of_a_network(lab: Any) -> None:
    text = pool("subnet: 10.213.6.0/24", f", driver_opts: {{{BRIDGE_NAME}: d5live}}")
    run("ip", "link", "add", "d5live", "type", "bridge")
    run("ip", "addr", "add", "10.213.6.1/24", "dev", "d5live")
    try:
        lab.apply(text)
        run("ip", "addr", "add", "10.213.6.9/32", "dev", "lo")
        assert lab.tells(text) == {}, "of a network that is there nothing is to be taken"
        lab.apply("")
        with pytest.raises(Conflict, match=r"held by interface lo \(10\.213\.6\.9/32\), which is not ours"):
            lab.plan(text)
        # The checkout may be in the home of somebody else: reading it is all that dac_read_search is for.
        bare = ["setpriv", *(f"--{each}=-all,+dac_read_search" for each in ("bounding-set", "inh-caps"))]
        told = run(*bare, sys.executable, "-m", "reconciler", "plan", str(lab.folder / "topology.yaml"))
        assert "1 to create" in told, "without the privilege to look there is no such check"
    finally:
        run("ip", "addr", "del", "10.213.6.9/32", "dev", "lo", check=False)
        run("ip", "link", "del", "d5live", check=False)


def test_an_external_network_must_exist_and_is_never_touched(lab: Any, engine: Any) -> None:
    text = net("external: true, name: d5-ext")
    with pytest.raises(Conflict, match="declared external, but there is none"):
        lab.plan(text)
    identity = engine.create_network("d5-ext")["Id"]
    try:
        lab.apply(text)
        assert lab.live(text, KEY)["id"] == identity
        lab.destroy()
        assert engine.inspect_network("d5-ext")["Id"] == identity
    finally:
        engine.remove_network("d5-ext")


def test_dockers_own_bridge_can_be_external(lab: Any) -> None:
    text = net("external: true, name: bridge")
    lab.apply(text)
    assert lab.live(text, KEY)["bridge"] == "docker0"


def test_the_default_network_is_made_on_demand(lab: Any, image: str, engine: Any) -> None:
    text = f"containers:\n  box: {{image: {image}, init: true, command: [sleep, '600']}}\n"
    assert lab.tells(text)["network/default"][0] == "create"
    lab.apply(text)
    assert len(engine.networks(names=[f"^{lab.name}-default$"])) == 1
    lab.apply("")
    assert engine.networks(names=[f"^{lab.name}-default$"]) == []


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_network_that_others_are_on_neither_goes_nor_lets_go_of_ours(
    lab: Any, image: str, engine: Any, state: str
) -> None:
    name = f"{lab.name}-lan"
    box = f"containers:\n  box: {{image: {image}, init: true, command: [sleep, '600'], networks: [lan]}}\n"
    lab.apply(net() + box)
    before = engine.inspect_container(f"{lab.name}-box")
    run("docker", "run", "-d", "--init", "--name", "d5-guest", "--network", name, image, "sleep", "600")
    try:
        if state == "stopped":
            run("docker", "stop", "-t0", "d5-guest")
        told = f"{KEY}: container d5-guest, which is not ours, stands on what is to go: take it off that first"
        for text in (net("labels: {a: b}") + box, ""):
            with pytest.raises(Conflict, match=told):
                lab.attempt(text)
        with pytest.raises(Conflict, match=told):
            destroy(lab.load(net() + box), lab.host, kinds=kinds())
        after = engine.inspect_container(f"{lab.name}-box")
        assert [each["NetworkSettings"]["Networks"][name]["EndpointID"] for each in (before, after)] == [
            before["NetworkSettings"]["Networks"][name]["EndpointID"]
        ] * 2
        assert lab.tells(net() + box) == {}
    finally:
        engine.remove_container("d5-guest", force=True)
    lab.apply(net("labels: {a: b}") + box)


def test_what_is_adopted_with_its_network_does_not_stand_in_the_way_of_that(lab: Any, image: str, engine: Any) -> None:
    name = f"{lab.name}-lan"
    run("docker", "network", "create", name)
    try:
        for each in (f"{lab.name}-box", "d5-guest"):
            run("docker", "run", "-d", "--init", "--name", each, "--network", name, image, "sleep", "600")
        box = f"containers:\n  box: {{image: {image}, init: true, command: [sleep, '600'], networks: [lan]}}\n"
        adopt = (ResourceKey.of(KEY), ResourceKey.of("container/box"))
        with pytest.raises(Conflict) as told:
            lab.attempt(net() + box, adopt=adopt)
        assert [line.partition(",")[0] for line in str(told.value).splitlines()] == [f"{KEY}: container d5-guest"]
        engine.remove_container("d5-guest", force=True)
        lab.apply(net() + box, adopt=adopt)
    finally:
        for each in (f"{lab.name}-box", "d5-guest"):
            run("docker", "rm", "-f", each, check=False)
        lab.destroy()
        run("docker", "network", "rm", name, check=False)


def test_who_comes_onto_a_network_in_the_midst_is_named(lab: Any, image: str, engine: Any) -> None:
    lab.apply(net())
    lab.host = Host(patience=0.1)
    plan = lab.plan("")
    run("docker", "run", "-d", "--init", "--name", "d5-guest", "--network", f"{lab.name}-lan", image, "sleep", "600")
    try:
        (failed,) = execute(plan, lab.host, kinds=kinds()).failed
        assert "container d5-guest is still on it" in str(failed.error)
        assert f"docker network disconnect {lab.name}-lan" in str(failed.error)
    finally:
        engine.remove_container("d5-guest", force=True)
    lab.apply("")


def test_a_network_that_an_engine_has_lost_count_of_says_what_helps(lab: Any, tmp_path: Path) -> None:
    said = json.dumps({"message": "error while removing network: network d5-lan has active endpoints"}).encode()
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with Recorder(ENGINE, tmp_path) as door:
        lab.host = Host(engine_url=door.url, patience=0.1)
        lab.apply(net())
        door.refused["DELETE /networks/"] = head % len(said) + said
        told = str(lab.attempt("").failed[0].error)
        assert told.startswith(f"{KEY}: the engine has lost count: it keeps {lab.name}-lan for endpoints that it does")
        assert "restart the engine, then run again" in told
        door.refused.clear()
        lab.apply("")


def test_ipv6_without_a_subnet_is_explained_or_works(lab: Any) -> None:
    report = lab.attempt(net("enable_ipv6: true"))
    assert report.converged or "declare one in ipam.config" in str(report.failed[0].error)


def test_a_subnet_of_another_driver_is_one_network_s_as_well(lab: Any, engine: Any) -> None:
    subnet = "subnet: 10.213.7.0/24"
    macvlan = f"driver: macvlan, driver_opts: {{parent: d5par}}, ipam: {{config: [{{{subnet}}}]}}"
    run("ip", "link", "add", "d5par", "type", "veth", "peer", "name", "d5per")
    run("ip", "addr", "add", "10.213.7.9/24", "dev", "d5par")
    run("docker", "network", "create", "-d", "macvlan", "-o", "parent=d5par", "--subnet", "10.213.7.0/24", "d5-mv")
    try:
        for text in (pool(subnet), net(macvlan)):
            with pytest.raises(Conflict, match="is held by network d5-mv, which is not ours"):
                lab.plan(text)
        engine.remove_network("d5-mv")
        lab.apply(net(macvlan))
        run("ip", "addr", "del", "10.213.7.9/24", "dev", "d5par")
        lab.apply(f"networks:\n  first: {{ipam: {{config: [{{{subnet}}}]}}}}\n")
        lab.apply(f"networks:\n  another: {{{macvlan}}}\n")
    finally:
        lab.destroy()
        run("docker", "network", "rm", "d5-mv", check=False)
        run("ip", "link", "del", "d5par")


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("veth/host:d5up--red:x", "namespaces: {red: }\nveths: [[host:d5up, red:x]]\n"),
        ("bridge/up", "bridges: {up: {name: d5up}}\n"),
    ],
)
def test_a_network_is_on_an_interface_of_the_same_file(lab: Any, image: str, key: str, entry: str) -> None:
    box = f"containers: {{a: {{image: '{image}', command: [sleep, '600'], init: true, networks: [lan]}}}}\n"
    file = entry + box + net(f"driver: macvlan, driver_opts: {{parent: d5up}}, ipam: {{config: [{{{BASE}}}]}}")
    lab.apply(file)
    run("ip", "link", "del", "d5up")
    told = lab.tells(file)
    assert {each: told[each][0] for each in (key, KEY)} == {key: "create", KEY: "replace"}
    lab.apply(file)
    done = [str(each.step.key) for each in lab.apply(box.replace("networks: [lan]", "network_mode: none")).outcomes]
    assert done.index(f"delete {KEY}") < done.index(f"delete {key}"), "it goes before what it is on"


def test_a_network_goes_and_comes_under_a_new_name_with_the_same_subnet(lab: Any) -> None:
    lab.apply(pool(BASE))
    lab.apply(f"networks:\n  other: {{ipam: {{config: [{{{BASE}}}]}}}}\n")


def test_the_first_observed_state_is_brought_back(lab: Any) -> None:
    lab.apply(pool(BASE))
    report = lab.attempt(pool("subnet: 10.213.3.0/24") + "  bad: {ipam: {driver: 'null'}}\n", revert=True)
    assert report.failed
    assert lab.tells(pool(BASE)) == {}


@pytest.mark.parametrize(("argv", "action"), [(("set", "{}", "down"), "update"), (("del", "{}"), "replace")])
def test_a_bridge_that_a_hand_took_down_or_away_is_seen_and_comes_back(
    lab: Any, image: str, argv: tuple[str, ...], action: str
) -> None:
    box = f"{{image: {image}, init: true, command: [sleep, '600'], networks: {{lan: {{ipv4_address: 10.213.1.%d}}}}}}"
    text = pool(BASE) + f"containers:\n  a: {box % 11}\n  b: {box % 12}\n"
    lab.apply(text)
    before = life(lab, "a", "b")
    run("ip", "link", *(each.format(lab.live(text, KEY)["bridge"]) for each in argv))
    assert lab.tells(text)[KEY] == (action, frozenset({"interface"}))
    lab.apply(text)
    assert life(lab, "a", "b") == before
    assert reaches(lab, "a", "b")
    run("ip", "link", *(each.format(lab.live(text, KEY)["bridge"]) for each in argv))
    bare = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-m", "reconciler")
    told = run(*bare, "plan", str(lab.folder / "topology.yaml"))
    assert "nothing to do" in told, "without the privilege to look nobody sees it"
    lab.apply(text)


ROUTED = """
networks: {lan: {labels: {a: "%s"}, ipam: {config: [{subnet: 10.213.7.0/24}]}}}
host: {routes: [{to: 10.99.77.0/24, via: 10.213.7.9}]}
"""


def test_a_route_of_the_host_by_a_network_is_made_with_it_falls_with_it_and_comes_back(lab: Any, engine: Any) -> None:
    lab.apply(ROUTED % 1)
    assert "10.99.77.0/24" in routes()
    lab.turned(ROUTED % 2, "route/host--10.99.77.0/24", Action.REPLACE)
    run("ip", "link", "set", lab.live(ROUTED % 2, KEY)["bridge"], "down")
    lab.drifted(ROUTED % 2, "route/host--10.99.77.0/24", Action.CREATE)
    engine.remove_network(f"{lab.name}-lan")
    lab.drifted(ROUTED % 2, "route/host--10.99.77.0/24", Action.CREATE)
    report = lab.attempt(ROUTED % 3 + "namespaces: {bad: {exec: ['exit 3']}}\n", revert=True)
    assert report.reverted
    assert report.reverted.converged, report.reverted.remaining
    assert "10.99.77.0/24" in routes()
    lab.destroy()
    assert "10.99.77.0/24" not in routes()
