"""Docker networks as the file declares them, and as both generations of the engine list them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_files import problems, resource, spec, topology
from fake_engine import PONG, RESET, Answer, FakeEngine

from reconciler.diff import diff
from reconciler.errors import HostRefuses, NotNow
from reconciler.host import Host
from reconciler.host.kernel import Place, Space
from reconciler.host.kernel.elsewhere import Elsewhere
from reconciler.host.marks import ID, Mark
from reconciler.host.netlink import Address, Link
from reconciler.host.scope import Scope
from reconciler.kinds.addresses import claims_of
from reconciler.kinds.network import KIND, beside
from reconciler.kinds.network.effects import deleted
from reconciler.kinds.network.live import facts, interface, observed_spec, plain
from reconciler.kinds.network.spec import Ipam, NetworkSpec, Pool, Pools, subnet_claim
from reconciler.model import (
    Action,
    Change,
    FrozenMap,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
)

KEY = "network/lan"
BASE = "subnet: 10.1.0.0/24"
MARK = Mark("t", ResourceKey.of(KEY), "file")


def net(entry: str = "") -> str:
    return f"networks: {{lan: {{{entry}}}}}"


def pool(*entries: str, more: str = "") -> str:
    return net(f"ipam: {{config: [{', '.join(f'{{{each}}}' for each in entries)}]}}{more}")


def test_an_entry_that_says_nothing_is_a_bridge_under_the_prefix_with_pools_that_the_engine_chooses(
    tmp_path: Path,
) -> None:
    found = resource(tmp_path, net(), KEY)
    assert found.spec == NetworkSpec("t-lan")
    assert found.owned
    assert [each.scope for each in found.claims] == ["network name t-lan"]


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        ("name: office", "name", "office"),
        ("driver: macvlan", "driver", "macvlan"),
        ("driver_opts: {parent: eth0, n: 1}", "driver_opts", FrozenMap({"parent": "eth0", "n": "1"})),
        ("enable_ipv6: true", "enable_ipv6", True),
        ("internal: true", "internal", True),
        ("attachable: true", "attachable", True),
        ("labels: {a: 1}", "labels", FrozenMap({"a": "1"})),
        ("labels: [a=1, b]", "labels", FrozenMap({"a": "1", "b": ""})),
        ("ipam: ", "ipam", Ipam()),
        ("ipam: {config: }", "ipam", Ipam()),
        ("ipam: {driver: other, options: {a: 1}}", "ipam", Ipam("other", FrozenMap({"a": "1"}))),
    ],
)
def test_an_attribute_is_read_in_each_form(tmp_path: Path, entry: str, field: str, value: Any) -> None:
    assert getattr(spec(tmp_path, net(entry), KEY), field) == value


def test_a_pool_is_known_by_its_subnet_and_addresses_are_in_their_shortest_form(tmp_path: Path) -> None:
    text = pool(
        f"{BASE}, gateway: 10.1.0.9, ip_range: 10.1.0.128/25, aux_addresses: {{r: 10.1.0.7}}",
        "subnet: 'FD00:0:0:1::/64', gateway: 'fd00:0:0:1:0::1', aux_addresses: ",
        more=", enable_ipv6: true",
    )
    assert spec(tmp_path, text, KEY).ipam.config == Pools(
        ipv4=FrozenMap({"10.1.0.0/24": Pool("10.1.0.9", "10.1.0.128/25", FrozenMap({"r": "10.1.0.7"}))}),
        ipv6=FrozenMap({"fd00:0:0:1::/64": Pool("fd00:0:0:1::1")}),
    )


@pytest.mark.parametrize(("entry", "live"), [("external: true", "lan"), ("external: true, name: bridge", "bridge")])
def test_an_external_network_is_not_ours_and_has_its_own_name(tmp_path: Path, entry: str, live: str) -> None:
    found = resource(tmp_path, net(entry), KEY)
    assert (found.spec, found.owned, found.claims) == (NetworkSpec(live), False, ())


def test_a_bridge_claims_its_name_its_subnets_and_its_interface(tmp_path: Path) -> None:
    option = ", driver_opts: {com.docker.network.bridge.name: br-lan}"
    found = resource(tmp_path, pool(BASE, more=option), KEY)
    assert {each.label for each in found.claims} == {
        "network name 't-lan'",
        "subnet 10.1.0.0/24",
        "interface br-lan in host",
    }


@pytest.mark.parametrize(
    ("parent", "key"),
    [
        ("up0", "veth/host:up0--red:x"),
        ("up0.7", "veth/host:up0--red:x"),
        ("t-br", "bridge/br"),
        ("x", ""),
        ("inner", ""),
    ],
)
@pytest.mark.parametrize("driver", ["macvlan", "ipvlan", "bridge"])
def test_a_network_stands_on_what_of_the_file_is_its_parent_interface(
    tmp_path: Path, driver: str, parent: str, key: str
) -> None:
    beside = "namespaces: {red: }\nbridges: {br: , inner: {namespace: red}}\nveths: [[host:up0, red:x]]\n"
    found = resource(tmp_path, beside + net(f"driver: {driver}, driver_opts: {{parent: {parent}}}"), KEY)
    wanted = key if driver != "bridge" else ""
    assert [str(each.key) for each in found.needs] == list(filter(None, [wanted]))


@pytest.mark.parametrize(
    ("entry", "claimed"),
    [
        ("driver: macvlan", True),
        ("driver: ipvlan", True),
        ("driver: overlay", False),
        ("driver: theirs", False),
        ("driver: macvlan, ipam: {driver: theirs, config: [{%s}]}", False),
        ("driver: macvlan, ipam: {config: [{%s, ip_range: 10.1.0.128/25}]}", False),
    ],
)
def test_a_network_of_another_driver_claims_a_subnet_that_the_engine_keeps_for_one(
    tmp_path: Path, entry: str, claimed: bool
) -> None:
    entry = entry % BASE if "%s" in entry else f"{entry}, ipam: {{config: [{{{BASE}}}]}}"
    found = {each.label for each in resource(tmp_path, net(entry), KEY).claims}
    assert found == {"network name 't-lan'"} | ({"subnet 10.1.0.0/24"} if claimed else set())


CONTAINER = "containers: {web: {image: x%s}}"


@pytest.mark.parametrize("more", ["", ", networks: [default]", ", networks: {default: }"])
def test_the_network_default_is_made_on_demand(tmp_path: Path, more: str) -> None:
    assert [str(each.key) for each in topology(tmp_path, CONTAINER % more).of_kind("network")] == ["network/default"]


@pytest.mark.parametrize(
    "text",
    [
        CONTAINER % ", network_mode: none",
        CONTAINER % ", networks: [lan]" + "\n" + net(),
        "containers: {web: {external: true}}",
        "",
    ],
)
def test_the_network_default_is_not_made_when_nothing_joins_it(tmp_path: Path, text: str) -> None:
    assert ResourceKey("network", "default") not in topology(tmp_path, text).resources


def test_the_network_default_can_be_declared(tmp_path: Path) -> None:
    text = "networks: {default: {internal: true}}\n" + CONTAINER % ""
    (found,) = topology(tmp_path, text).of_kind("network")
    assert found.spec.internal  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (pool("subnet: 10.1.0.5/24"), "subnet: 10.1.0.5/24 is an address in a subnet (the subnet is 10.1.0.0/24)"),
        (pool("subnet: 10.1.0.0/33"), "subnet: '10.1.0.0/33' is not a subnet (e.g. 172.30.0.0/24)"),
        (pool(f"{BASE}, gateway: 10.2.0.1"), "gateway: 10.2.0.1 is not in the subnet 10.1.0.0/24"),
        (pool(f"{BASE}, gateway: 10.1.0.256"), "gateway: '10.1.0.256' is not an address"),
        (pool(f"{BASE}, aux_addresses: {{r: 10.2.0.1}}"), "r: 10.2.0.1 is not in the subnet 10.1.0.0/24"),
        (pool(f"{BASE}, aux_addresses: {{r: 10.1.0.256}}"), "r: '10.1.0.256' is not an address"),
        (pool(f"{BASE}, ip_range: 10.2.0.0/25"), "ip_range: 10.2.0.0/25 is not in the subnet 10.1.0.0/24"),
        (pool(f"{BASE}, ip_range: 'fd00::/64'"), "ip_range: fd00::/64 is not in the subnet 10.1.0.0/24"),
        (pool(f"{BASE}, ip_range: 10.1.0.0/33"), "ip_range: '10.1.0.0/33' is not a subnet (e.g. 172.30.0.0/24)"),
        (pool(f"{BASE}, gateway: 10.1.0.0"), "gateway: 10.1.0.0 is the address of the subnet itself"),
        (pool(f"{BASE}, gateway: 10.1.0.255"), "gateway: 10.1.0.255 is the broadcast address"),
        (pool(f"{BASE}, gateway: 10.1.0.9, aux_addresses: {{r: 10.1.0.9}}"), "r: 10.1.0.9 is the gateway"),
        (pool(f"{BASE}, aux_addresses: {{r: 10.1.0.1}}"), "r: 10.1.0.1 is the gateway, unless another one is declared"),
        (
            pool(f"{BASE}, ip_range: 10.1.0.128/25, aux_addresses: {{q: 10.1.0.1, r: 10.1.0.128}}"),
            "r: 10.1.0.128 is the gateway, unless another one is declared",
        ),
        (pool(f"{BASE}, aux_addresses: {{q: 10.1.0.7, r: 10.1.0.7}}"), "r: 10.1.0.7 is kept for 'q'"),
        (
            pool("subnet: 'fd00::/64', gateway: 'fd00::'", more=", enable_ipv6: true"),
            "gateway: fd00:: is the address of the subnet itself",
        ),
        (
            pool(BASE, "subnet: 10.1.0.0/25", more=", driver: macvlan"),
            "config: the subnets 10.1.0.0/24 and 10.1.0.0/25 overlap",
        ),
        (pool("subnet: 'fd00::/64'"), "config: an IPv6 subnet has no effect here (say `enable_ipv6: true`)"),
        (
            pool(BASE, "subnet: 10.2.0.0/24"),
            "config[1].subnet: a bridge has one IPv4 subnet, and this is another (make two networks)",
        ),
        (
            pool("subnet: 'fd00::/64'", BASE, "subnet: 'fd01::/64'", more=", enable_ipv6: true"),
            "config[2].subnet: a bridge has one IPv6 subnet, and this is another (make two networks)",
        ),
        (
            net("driver_opts: {com.docker.network.bridge.name: much-too-long-a-name}"),
            "the interface name 'much-too-long-a-name' is longer than 15 characters (give the bridge another name)",
        ),
        (
            net("driver_opts: {com.docker.network.driver.mtu: abc}"),
            "driver_opts.com.docker.network.driver.mtu: 'abc' is no MTU (a number of bytes, e.g. 1400)",
        ),
        (
            net("driver_opts: {com.docker.network.bridge.enable_icc: perhaps}"),
            "'perhaps' is neither true nor false (write one of these)",
        ),
        (
            net("driver_opts: {com.docker.network.bridge.host_binding_ipv4: here}"),
            "'here' is not an address (e.g. 127.0.0.1)",
        ),
        *(
            (
                net(f"driver: {driver}, driver_opts: {{com.docker.network.enable_ipv6: 'true'}}"),
                "the engine takes it out, or makes nothing of it (say `enable_ipv6: true` in its place)",
            )
            for driver in ("bridge", "macvlan")
        ),
        (
            net("external: true, name: host"),
            "name: the engine connects nothing to its network 'host' (say `network_mode: host` in the container)",
        ),
        (
            "networks: {none: {external: true}}",
            "none: the engine connects nothing to its network 'none' (say `network_mode: none` in the container)",
        ),
        (net("name: bridge"), "lan: the engine keeps the network name 'bridge' for itself (declare it external)"),
        (
            'prefix: ""\n' + CONTAINER % "",
            "web: the engine keeps the network name 'default' for itself (give it another `name:`, or a prefix)",
        ),
        (
            net("labels: {reconciler.x: y}"),
            "labels.reconciler.x: the label 'reconciler.x' is kept for our own marks (not reconciler.…)",
        ),
    ],
)
def test_what_is_wrong_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.endswith(message)


@pytest.mark.parametrize(
    "text",
    [
        pool("subnet: 10.1.0.0/31, gateway: 10.1.0.0"),
        pool("subnet: 'fd00::/64', gateway: 'fd00::ffff:ffff:ffff:ffff'", more=", enable_ipv6: true"),
        pool(f"{BASE}, aux_addresses: {{r: 10.1.0.1}}", more=", driver: macvlan"),
        pool(f"{BASE}, aux_addresses: {{r: 10.1.0.1}}", more=", driver_opts: {gateway_mode_ipv4: isolated}"),
        net(f"ipam: {{driver: theirs, config: [{{{BASE}, gateway: 10.1.0.0, aux_addresses: {{r: 10.1.0.1}}}}]}}"),
    ],
)
def test_an_address_that_the_engine_does_not_keep_is_free(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        net(
            "driver_opts: {com.docker.network.driver.mtu: 1400, com.docker.network.bridge.enable_icc: false,"
            " com.docker.network.bridge.name: br-lan, com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}"
        ),
        net("driver_opts: {com.docker.network.bridge.name: '', com.docker.network.bridge.inhibit_ipv4: T}"),
        net("driver: theirs, driver_opts: {com.docker.network.driver.mtu: large}"),
        pool(BASE, "subnet: 10.2.0.0/24", more=", driver: macvlan"),
    ],
)
def test_what_the_driver_takes_is_right(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == []


def test_two_families_do_not_overlap(tmp_path: Path) -> None:
    assert problems(tmp_path, pool(BASE, "subnet: 'fd00::/64'", more=", enable_ipv6: true")) == []


def row(**more: Any) -> dict[str, Any]:
    """What an engine lists of a network for which nothing was said."""
    ipam = {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.1.0.0/24", "Gateway": "10.1.0.1"}]}
    return {"Id": "0123456789abcdef", "Name": "t-lan", "Driver": "bridge", "IPAM": ipam, **more}


def config(*pools: dict[str, Any]) -> dict[str, Any]:
    return row(IPAM={"Driver": "default", "Options": {}, "Config": list(pools)}, EnableIPv6=True)


def observed(found: dict[str, Any]) -> Topology:
    key = ResourceKey.of(KEY)
    return Topology("t", {key: Resource(key, observed_spec(found, MARK))})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (net(), row()),
        (net(), row(IPAM=None, Options={}, Labels=MARK.labels(), EnableIPv6=False)),
        (pool(BASE), row(EnableIPv4=True, Status={"IPAM": {}})),
        (pool(f"{BASE}, gateway: 10.1.0.1"), config({"Subnet": "10.1.0.0/24"}) | {"EnableIPv6": False}),
        (
            pool(f"{BASE}, ip_range: 10.1.0.128/25, gateway: 10.1.0.128, aux_addresses: {{r: 10.1.0.7}}"),
            config({"Subnet": "10.1.0.0/24", "IPRange": "10.1.0.128/25", "AuxiliaryAddresses": {"r": "10.1.0.7"}})
            | {"EnableIPv6": False},
        ),
        (
            pool(BASE, "subnet: 'fd00::/64', gateway: 'fd00::1'", more=", enable_ipv6: true"),
            config({"Subnet": "10.1.0.5/24"}, {"Subnet": "FD00::/64", "Gateway": "fd00::1/64"}),
        ),
        (
            net("driver: macvlan, internal: true, attachable: true, labels: {a: b}, driver_opts: {parent: x}"),
            row(Driver="macvlan", Internal=True, Attachable=True, Labels={"a": "b"}, Options={"parent": "x"}),
        ),
        (net("ipam: {options: {a: b}}"), row(IPAM={"Driver": "", "Options": {"a": "b"}, "Config": None})),
        (net("ipam: {driver: 'null'}"), row(IPAM={"Driver": "null", "Config": [{"Subnet": ""}]})),
    ],
)
def test_a_listed_network_that_is_as_declared_needs_no_change(tmp_path: Path, text: str, found: dict[str, Any]) -> None:
    changes = diff(topology(tmp_path, text), observed(found), kinds={"network": KIND})
    assert list(changes.pending) == []


def test_an_engine_that_does_not_tell_the_gateway_has_chosen_the_first_address_of_the_range() -> None:
    def gateway(driver: str = "bridge", **more: str) -> str | None:
        found = observed_spec(config({"Subnet": "10.1.0.0/24", **more}) | {"Driver": driver}, None)
        assert found.ipam.config.ipv4 is not None
        return found.ipam.config.ipv4["10.1.0.0/24"].gateway

    assert gateway() == "10.1.0.1"
    assert gateway(IPRange="10.1.0.0/25") == "10.1.0.1"
    assert gateway(IPRange="10.1.0.130/25") == "10.1.0.128"
    assert gateway(Gateway="10.1.0.9") == "10.1.0.9"
    assert gateway("macvlan") is None


def test_a_network_without_our_mark_is_foreign() -> None:
    found = observed_spec(row(Labels={"a": "b"}), None)
    assert (found.marked, dict(found.labels)) == (False, {"a": "b"})


def test_facts_are_the_id_the_bridge_and_the_subnets() -> None:
    def of(found: dict[str, Any]) -> dict[str, Any]:
        return dict(facts(found, observed_spec(found, None)))

    assert of(row(Labels=MARK.labels())) == {
        "id": "0123456789abcdef",
        "bridge": "br-0123456789ab",
        "subnets": ("10.1.0.0/24",),
        "source": "file",
    }
    assert of(row(Options={"com.docker.network.bridge.name": "br-lan"}))["bridge"] == "br-lan"
    assert of(row(Driver="macvlan"))["bridge"] == ""


@pytest.mark.parametrize(("text", "short"), [("10.1.0.1", "10.1.0.1"), ("FD00:0::1/64", "fd00::1")])
def test_an_address_is_written_in_its_shortest_form_without_a_prefix_length(text: str, short: str) -> None:
    assert plain(text) == short


def test_the_bridge_of_a_network_is_up_down_or_absent_and_only_one_that_is_down_is_mended_in_place() -> None:
    link = Link(1, "br", "bridge", "", 1500, True, "UP", None, "", (), None, None, None, None)
    assert [interface(each) for each in (link, link._replace(up=False), None)] == ["up", "down", "absent"]
    key = ResourceKey.of(KEY)
    want = Resource(key, NetworkSpec())
    for seen, mutable in (
        (NetworkSpec(interface="down"), True),
        (NetworkSpec(interface="down", enable_ipv6=True), False),
        (NetworkSpec(interface="absent"), False),
    ):
        assert KIND.mutable("interface", Resource(key, seen), want) == mutable
        assert KIND.former(Resource(key, seen)) == Resource(key, replace(seen, interface="up"))
    assert not KIND.mutable("driver", Resource(key, NetworkSpec(interface="down")), want)


def test_a_watch_hears_of_the_bridge_of_a_network_once_there_is_one(tmp_path: Path) -> None:
    desired = resource(tmp_path, net(), KEY)
    assert list(KIND.host_interfaces(desired)) == []
    observed = replace(desired, live={"bridge": "br-0123456789ab"})
    assert list(KIND.host_interfaces(observed)) == ["br-0123456789ab"]
    assert list(KIND.host_interfaces(replace(observed, owned=False))) == []


@pytest.mark.parametrize(
    ("topology", "bridge", "late"),
    [
        ("t", "br-0123456789ab", True),
        ("t, listed late", "br-0123456789ab", True),
        ("another", "br-0123456789ab", False),
        ("", "br-0123456789ab", False),
        ("unlisted", "br-0123456789ab", False),
        ("unlisted", "br-lan", False),
    ],
)
def test_an_interface_in_a_subnet_is_no_stranger_s_where_another_run_makes_its_network_just_now(
    monkeypatch: pytest.MonkeyPatch, topology: str, bridge: str, late: bool
) -> None:
    topology, _, late_listed = topology.partition(", ")
    looks: list[list[dict[str, Any]]] = [[]] * (2 if late_listed else 0)
    monkeypatch.setattr(beside, "LISTED_WITHIN", (0.0, 0.0, 0.0))
    labels = Mark(topology, MARK.key).labels() if topology else {}
    made = {"Id": f"{'f' if topology == 'unlisted' else ''}0123456789abcdef", "Name": "t-lan", "Labels": labels}
    host, scope = Host(), Scope(Host(), Topology("t"))
    vars(host)["engine"] = SimpleNamespace(networks=SimpleNamespace(list=lambda: looks.pop() if looks else [made]))
    link = Link(7, bridge, "bridge", "", 1500, True, "UP", None, "", (), None, None, None, None)
    space = Space(Place(1), {7: link}, {7: (Address(7, "10.1.0.1/24", 0, 0, 0),)})
    monkeypatch.setattr(beside, "in_reach", lambda _: SimpleNamespace(host=space, mine=lambda _: None))
    scope.host = host
    vars(scope)["networks"] = {}
    found = beside.holders(scope, [subnet_claim("10.1.0.0/24")])
    if late:
        with pytest.raises(NotNow, match=rf"^the bridge {bridge} has come up since .* another run of t in another"):
            list(found)
    else:
        assert [str(each.key) for each in found] == [f"interface/@{bridge} (10.1.0.1/24)"]


@pytest.mark.parametrize(
    ("address", "lives", "told"),
    [
        ("10.1.0.9/25", None, ["network/@somebodys"]),
        ("10.1.0.9/25", HostRefuses("perhaps"), ["network/@somebodys"]),
        ("10.1.0.9/25", Elsewhere("there"), []),
        ("10.2.0.9/25", None, []),
    ],
)
def test_a_foreign_network_is_in_the_way_of_an_address_of_the_host_in_its_subnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, lives: HostRefuses | None, told: list[str]
) -> None:
    claims = claims_of("host", "br0", [address], beside=True)
    br0 = Resource(ResourceKey("bridge", "br0"), Spec(), claims=claims)
    scope = Scope(Host(), Topology("t", {br0.key: br0}))
    ipam = {"Config": [{"Subnet": "10.1.0.0/24"}]}
    vars(scope)["networks"] = {"i": {"Id": "i", "Name": "somebodys", "Driver": "bridge", "IPAM": ipam, "Labels": {}}}
    monkeypatch.setattr("reconciler.kinds.network.look.stranger", lambda _: lives)
    assert [str(each.key) for each in KIND.observe(scope)] == told
    wanted = resource(tmp_path, pool(BASE), KEY).claims
    assert any(mine.overlaps(each) for each in wanted for mine in claims) is address.startswith("10.1.")


def _on_a_network(topology: str) -> dict[str, Any]:
    labels = {**Mark(topology, ResourceKey("container", "web")).labels(), ID: "1"}
    endpoints = {"t-lan": {"NetworkID": "9a", "EndpointID": "e"}}
    return {
        "Config": {"Labels": labels},
        "HostConfig": {"ContainerIDFile": "1"},
        "NetworkSettings": {"Networks": endpoints},
        "State": {"Running": True},
    }


def test_a_network_that_goes_lets_go_of_containers_of_ours_by_its_id_and_once(tmp_path: Path) -> None:
    there: dict[str, dict[str, Any]] = {"ours": _on_a_network("t"), "theirs": _on_a_network("other")}

    def answer(call: str, before: int) -> Answer:
        if call == "DELETE /networks/9a":
            return 403 if before < 3 else 204
        if call == "POST /networks/9a/disconnect":
            return RESET  # its answer is lost: a look at the container tells
        if call == "GET /containers/ours/json" and before == 2:
            there["ours"]["NetworkSettings"]["Networks"] = {}
        found = {
            "GET /_ping": PONG,
            "GET /networks/9a": {"Containers": {"gone": {}, **there}},
            **{f"GET /containers/{name}/json": each for name, each in there.items()},
        }
        return (200, found[call]) if call in found else 404

    key = ResourceKey.of(KEY)
    gone = Change(key, Action.DELETE, observed=Resource(key, NetworkSpec(name="t-lan"), live={"id": "9a"}))
    with FakeEngine(tmp_path, answer) as fake, Host(engine_url=fake.url, patience=2) as host:
        assert deleted(Step(StepKey(key, Verb.DELETE), gone, topology="t"), host) is Status.DONE
        assert fake.count("DELETE /networks/9a") == 4
        assert fake.count("POST /networks/9a/disconnect") == 1
        assert fake.count("GET /containers/ours/json") == 3, "whose it is, and twice whether it is off"
        assert fake.count("GET /containers/theirs/json") == 1
