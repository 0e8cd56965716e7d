"""A container's endpoints on networks: what the file declares, what is sent, what the engine tells."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from kernel_files import a_link
from paper import source

from reconciler.errors import StepFailed
from reconciler.host.kernel.space import Place, Space
from reconciler.host.netlink import Address, Link, Route
from reconciler.kinds.connect.effects import _INTERFACE, disconnected, join
from reconciler.kinds.connect.live import addresses, has_completed, holds, interfaces, is_up, spec_of, stand_in
from reconciler.kinds.connect.look import Seen, _facts
from reconciler.kinds.connect.parse import connects
from reconciler.kinds.connect.spec import MAC_AT_CREATE, ConnectSpec, endpoint
from reconciler.kinds.foreign import holders
from reconciler.kinds.nodes import interface_claim, label
from reconciler.model import Action, Change, How, Need, Resource, ResourceKey, Step, StepKey, Topology, Verb

WEB = ResourceKey("container", "web")
LAN_OF_WEB = ResourceKey("connect", "web--lan")
LAN = {"ipam": {"config": [{"subnet": "10.0.0.0/24"}, {"subnet": "no subnet"}, {"subnet": "fd00::/64"}]}}
POOL = {"subnet": "10.7.0.0/24", "gateway": "10.7.0.9", "aux_addresses": {"r": "10.7.0.3"}}
NETWORKS = {
    "own": {"ipam": {"config": [POOL]}},
    "lan": LAN,
    "wan": {},
    "theirs": {"external": True},
    "six": {"enable_ipv6": True},
    "docker0": {"external": True, "name": "bridge"},
}


def read(containers: dict[str, Any]) -> tuple[dict[str, Resource], list[str]]:
    made = source({"containers": containers, "networks": NETWORKS})
    found = {each.key.name: each for each in connects(made)}
    return found, [f"{each.pointer.partition('/web/')[2]}: {each.message}" for each in made.problems]


def specs(networks: Any, **others: Any) -> dict[str, ConnectSpec]:
    found, problems = read({"web": {"networks": networks}, **others})
    assert problems == []
    return {name.partition("--")[2]: spec for name, each in found.items() if isinstance(spec := each.spec, ConnectSpec)}


def test_an_endpoint_has_the_container_s_name_as_an_alias() -> None:
    assert specs(["wan"])["wan"] == ConnectSpec("t-wan", aliases=("web",), first=True, container="t-web", ours=True)
    assert specs(None)["default"].network == "t-default"
    assert specs(["docker0"])["docker0"].aliases == ()
    assert not any(specs([each])[each].ours for each in ("theirs", "docker0"))


def test_an_endpoint_knows_the_subnets_that_the_file_says_of_its_network() -> None:
    found = {name: spec.subnets for name, spec in specs(["own", "wan", "theirs", "docker0", "default"]).items()}
    assert found == {"own": ("10.7.0.0/24",), "wan": (), "theirs": (), "docker0": (), "default": ()}


MAC = "02:00:00:00:00:0a"


def test_all_that_is_declared_of_an_endpoint_is_read_and_sent() -> None:
    declared = {
        "aliases": ["www", "web"],
        "ipv4_address": "10.0.0.9",
        "ipv6_address": "FD00::9",
        "link_local_ips": ["169.254.8.8"],
        "mac_address": MAC.upper(),
    }
    found = specs({"lan": declared, "wan": None})
    assert [found[name].first for name in ("lan", "wan")] == [True, False]
    body = {
        "Aliases": ["web", "www"],
        "IPAMConfig": {"IPv4Address": "10.0.0.9", "IPv6Address": "fd00::9", "LinkLocalIPs": ["169.254.8.8"]},
    }
    assert endpoint(found["lan"], MAC_AT_CREATE) == {**body, "MacAddress": MAC}
    assert endpoint(found["lan"], (1, 41)) == body
    assert endpoint(found["wan"], (1, 41)) == {"Aliases": ["web"]}
    assert endpoint(ConnectSpec(links=("a:b",)), (1, 41)) == {"Links": ["a:b"]}


def test_an_endpoint_stands_on_container_and_network_and_claims_its_addresses() -> None:
    containers = {"web": {"networks": {"lan": {"ipv4_address": "10.0.0.9"}}}, "db": {"networks": ["lan"]}}
    found = read(containers)[0]
    assert [str(each) for each in found["web--lan"].claims] == ["address 10.0.0.9 in network 'lan'"]
    assert found["web--lan"].part_of == ResourceKey("container", "web")
    assert found["db--lan"].needs == (
        Need(ResourceKey("container", "db"), "container"),
        Need(ResourceKey("network", "lan"), "network"),
        # Else the engine might choose the declared address for it.
        Need(ResourceKey("process", "web"), "networks.lan", How.AFTER),
    )


def test_an_ipv6_address_of_its_link_is_right_where_the_network_may_have_ipv6() -> None:
    for network in ("six", "theirs"):
        assert specs({network: {"link_local_ips": ["fe80::9"]}})[network].link_local_ips == ("fe80::9",)


def test_the_names_of_a_container_s_veths_are_spared() -> None:
    containers = {"web": {"networks": ["lan", "wan"]}, "db": {"networks": ["lan"]}}
    made = source({"containers": containers, "networks": NETWORKS, "veths": [["web:eth2", "db:up"]]})
    spares = {each.key.name: ConnectSpec.of(each).spares for each in connects(made)}
    assert spares == {"web--lan": ("eth2",), "web--wan": ("eth2",), "db--lan": ("up",)}


def test_links_are_given_on_the_networks_in_common() -> None:
    others = {"db": {"networks": ["lan"], "container_name": "own"}}
    made, _ = read({"web": {"networks": ["lan", "wan"], "links": ["db:sql"]}, **others})
    links = {name: spec.links for name, each in made.items() if isinstance(spec := each.spec, ConnectSpec)}
    assert links == {"db--lan": (), "web--lan": ("own:sql",), "web--wan": ()}


def test_the_addresses_of_an_external_network_are_its_owner_s_business() -> None:
    assert specs({"theirs": {"ipv4_address": "10.9.9.9"}})["theirs"].ipv4_address == "10.9.9.9"


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ({"lan": {"ipv4_address": "fd00::1"}}, "networks/lan/ipv4_address: 'fd00::1' is not an IPv4 address"),
        ({"lan": {"ipv6_address": "here"}}, "networks/lan/ipv6_address: 'here' is not an IPv6 address"),
        (
            {"lan": {"ipv4_address": "10.0.1.1"}},
            "networks/lan/ipv4_address: 10.0.1.1 is not in network 'lan', 10.0.0.0/24",
        ),
        (
            {"wan": {"ipv4_address": "10.0.0.1"}},
            "networks/wan/ipv4_address: network 'wan' declares no IPv4 subnet",
        ),
        (
            {"lan": {"ipv4_address": "10.0.0.1"}},
            "networks/lan/ipv4_address: 10.0.0.1 cannot be given: in network 'lan' it is the gateway",
        ),
        (
            {"lan": {"ipv4_address": "10.0.0.255"}},
            "networks/lan/ipv4_address: 10.0.0.255 cannot be given: in network 'lan' it is the broadcast address",
        ),
        (
            {"own": {"ipv4_address": "10.7.0.9"}},
            "networks/own/ipv4_address: 10.7.0.9 cannot be given: in network 'own' it is the gateway",
        ),
        (
            {"own": {"ipv4_address": "10.7.0.3"}},
            "networks/own/ipv4_address: 10.7.0.3 cannot be given: in network 'own' it is kept for 'r'",
        ),
        (
            {"lan": {"mac_address": "01:00:00:00:00:01"}},
            "networks/lan/mac_address: 01:00:00:00:00:01 is the MAC address of a group",
        ),
        (
            {"lan": {"link_local_ips": ["169.254.1.1", "x"]}},
            "networks/lan/link_local_ips/1: 'x' is not an address",
        ),
        (
            {"lan": {"link_local_ips": ["fe80::9"]}},
            "networks/lan/link_local_ips/0: network 'lan' has no IPv6",
        ),
        ({"docker0": {"aliases": ["a"]}}, "networks/docker0/aliases: Docker's own bridge knows no aliases"),
    ],
)
def test_what_no_endpoint_can_have_is_a_problem(networks: Any, expected: str) -> None:
    assert read({"web": {"networks": networks}})[1] == [expected]


@pytest.mark.parametrize(
    "endpoint", [{"link_local_ips": ["fe80::9"]}, {"ipv4_address": "10.0.0.9"}, {"ipv6_address": "fd00::9"}]
)
def test_of_an_unknown_network_nothing_more_is_told(endpoint: dict[str, Any]) -> None:
    assert read({"web": {"networks": {"gone": endpoint}}})[1] == []  # that it is unknown is told of the container


def test_the_network_default_has_no_ipv6_unless_it_is_declared_so() -> None:
    (found,) = read({"web": {"networks": {"default": {"link_local_ips": ["fe80::9"]}}}})[1]
    assert found == "networks/default/link_local_ips/0: network 'default' has no IPv6"


def test_two_containers_with_one_mac_address_on_a_network_are_a_problem() -> None:
    one, other = ({"mac_address": each} for each in ("02:00:00:00:00:0a", "02:00:00:00:00:0A"))
    assert read({"a": {"networks": {"lan": one}}, "b": {"networks": {"wan": other}}})[1] == []
    assert read({"a": {"networks": {"lan": one, "wan": one}}, "web": {"networks": {"lan": other}}})[1] == [
        "networks/lan/mac_address: container 'a' has the MAC address 02:00:00:00:00:0a in network 'lan' already"
    ]


UP = {"Running": True, "Pid": 7}
DOWN = {"Running": False, "Pid": 0}
RESTARTING = {"Running": True, "Pid": 0}


def container(state: dict[str, Any]) -> dict[str, Any]:
    config = {"Config": {"Hostname": "web.example.org"}, "HostConfig": {"NetworkMode": "t-lan"}}
    return {"Id": "0123456789abcdef", "Name": "/t-web", **config, "State": state}


@pytest.mark.parametrize(("state", "up"), [(UP, True), (DOWN, False), (RESTARTING, False)])
def test_a_container_that_runs_has_a_network_namespace(state: dict[str, Any], up: bool) -> None:
    assert is_up(container(state)) == up


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [("exited", 0, True), ("exited", 3, False), ("created", 0, False), ("running", 0, False)],
)
def test_a_job_has_completed_when_it_ran_and_ended_well(status: str, code: int, expected: bool) -> None:
    assert has_completed(container({"Status": status, "ExitCode": code})) == expected


def within(*links: tuple[str, bool], addresses: Sequence[str] = ("10.0.0.9/24", "fd00::9/64")) -> Space:
    """A namespace with links of these MAC addresses, up or down; the addresses are on none in particular."""
    found = {at: Link(at, f"eth{at}", "", mac, 0, up, *_REST) for at, (mac, up) in enumerate(links)}
    held = tuple(Address(1, each, 0, 0, 0) for each in addresses)
    return Space(Place(1), MappingProxyType(found), MappingProxyType({1: held}))


_REST: Any = ("", None, "", (), None, None, None, None)
ENDPOINT = {"EndpointID": "1", "MacAddress": MAC, "IPAddress": "10.0.0.9", "GlobalIPv6Address": "FD00::9"}


@pytest.mark.parametrize(
    ("state", "found", "space", "expected"),
    [
        (DOWN, {}, within(), True),
        (UP, {"EndpointID": "", "MacAddress": MAC}, None, False),
        (UP, ENDPOINT, None, True),
        (UP, ENDPOINT, within((MAC, True)), True),
        (UP, ENDPOINT, within(), False),
        (UP, ENDPOINT, within((MAC, False)), False),
        (UP, ENDPOINT, within((MAC, False), (MAC, True)), False),
        (UP, ENDPOINT, within((MAC, True), addresses=["10.0.0.9/24"]), False),
        (UP, ENDPOINT, within((MAC, True), addresses=[]), False),
        (UP, {"EndpointID": "1", "MacAddress": ""}, within(), True),
        (UP, {"EndpointID": "1"}, within(), True),
    ],
)
def test_an_endpoint_of_a_running_container_counts_when_its_interface_is_there_and_up_with_its_addresses(
    state: dict[str, Any], found: dict[str, Any], space: Space | None, expected: bool
) -> None:
    assert holds(found, container(state), space) == expected


@pytest.mark.parametrize(
    ("sysctls", "addresses", "expected"),
    [
        ({"net.ipv6.conf.all.disable_ipv6": "1"}, ["10.0.0.9/24"], True),
        ({"net.ipv6.conf.default.disable_ipv6": "1"}, ["10.0.0.9/24"], True),
        ({"net.ipv6.conf.all.disable_ipv6": "1"}, ["fd00::9/64"], False),
        ({"net.ipv6.conf.all.disable_ipv6": "0"}, ["10.0.0.9/24"], False),
        ({"net.ipv4.ip_forward": "1"}, ["10.0.0.9/24"], False),
        (None, ["10.0.0.9/24"], False),
    ],
)
def test_where_a_container_has_ipv6_off_its_endpoint_counts_without_that_address(
    sysctls: dict[str, str] | None, addresses: list[str], expected: bool
) -> None:
    inspected = container(UP)
    inspected["HostConfig"]["Sysctls"] = sysctls
    assert holds(ENDPOINT, inspected, within((MAC, True), addresses=addresses)) == expected


def live(found: dict[str, Any], state: dict[str, Any] = UP, want: ConnectSpec | None = None) -> ConnectSpec:
    return spec_of("t-lan", found, container(state), want or ConnectSpec(), version=MAC_AT_CREATE)


OWN = ["0123456789ab", "web.example.org", "t-web"]


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        # 20.10 adds the short id and the hostname to the aliases; later engines tell them apart.
        ({"Aliases": ["web", *OWN]}, ["web"], ("web",)),
        ({"Aliases": ["web"], "DNSNames": ["t-web", "web", "0123456789ab", "web.example.org"]}, ["web"], ("web",)),
        ({"Aliases": None, "DNSNames": None}, ["web"], ()),
        ({"Aliases": ["extra"]}, ["web"], ("extra",)),
        ({"Aliases": None, "DNSNames": ["t-web"]}, ["t-web"], ("t-web",)),
    ],
)
def test_names_that_the_engine_adds_by_itself_are_no_aliases(
    found: dict[str, Any], wanted: list[str], expected: tuple[str, ...]
) -> None:
    assert live(found, want=ConnectSpec(aliases=tuple(wanted))).aliases == expected


STATIC = {
    "IPAMConfig": {"IPv4Address": "10.0.0.9", "IPv6Address": "FD00::9", "LinkLocalIPs": ["169.254.8.8"]},
    "IPAddress": "10.0.0.10",
    "GlobalIPv6Address": "fd00::9",
    "MacAddress": MAC,
    "Links": ["db:sql"],
}


def test_a_static_address_is_the_one_in_force_as_long_as_the_container_runs() -> None:
    found = live(STATIC)
    assert (found.ipv4_address, found.ipv6_address, found.link_local_ips) == ("10.0.0.10", "fd00::9", ("169.254.8.8",))
    assert (found.mac_address, found.links) == (MAC, ("db:sql",))
    assert live(STATIC, DOWN).ipv4_address == "10.0.0.9"


def test_what_the_engine_chose_is_not_told_as_declared() -> None:
    found = live({"IPAddress": "10.0.0.2", "MacAddress": ""})
    assert (found.ipv4_address, found.ipv6_address, found.mac_address) == (None, None, None)
    assert live({}, DOWN, ConnectSpec(mac_address=MAC)).mac_address == MAC


def test_a_mac_address_that_an_old_engine_made_of_the_address_is_as_undeclared_unless_it_is_declared() -> None:
    made = {"IPAddress": "10.0.0.2", "MacAddress": "02:42:0a:00:00:02"}
    assert live(made).mac_address is None
    assert live(made, want=ConnectSpec(mac_address=MAC)).mac_address is None
    assert live(made, want=ConnectSpec(mac_address=made["MacAddress"])).mac_address == made["MacAddress"]
    assert live({**made, "MacAddress": MAC}).mac_address == MAC


def test_the_network_on_which_a_container_was_made_is_its_first() -> None:
    assert live({}).first
    assert not spec_of("t-wan", {}, container(UP), ConnectSpec(), version=MAC_AT_CREATE).first


@pytest.mark.parametrize(
    ("name", "told", "expected"), [("t-lan", MAC, MAC), ("t-lan", None, None), ("t-wan", MAC, None)]
)
def test_an_old_engine_tells_the_mac_address_of_a_container_that_does_not_run_for_its_first_network(
    name: str, told: str | None, expected: str | None
) -> None:
    inspected = container(DOWN)
    inspected["Config"]["MacAddress"] = told
    assert (
        spec_of(name, {}, inspected, ConnectSpec(mac_address="02:00:00:00:00:09"), version=(1, 41)).mac_address
        == expected
    )


def test_an_endpoint_s_addresses_are_those_that_it_has() -> None:
    assert addresses(STATIC) == ["10.0.0.10", "fd00::9"]
    assert addresses({"IPAddress": "", "GlobalIPv6Address": None}) == []


@pytest.mark.parametrize(
    ("version", "spares", "expected"),
    [
        ((1, 49), range(1, 41), ["", "eth41"]),
        ((1, 49), range(2, 9), [""]),
        ((1, 41), range(1, 4), ["", "", "", ""]),
    ],
)
def test_connecting_tries_no_name_that_is_spared(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], spares: Sequence[int], expected: list[str]
) -> None:
    """The engine by itself gives eth1, and an old one counts on from there."""
    tried: list[str] = []

    def connect(_network: str, _container: str, config: Any) -> None:
        tried.append(config.get("DriverOpts", {}).get(_INTERFACE, ""))

    def takes_a_name(_host: Any, _container: str, _network: str, names: Sequence[str]) -> bool:
        return (tried[-1] or f"eth{len(tried)}") in names

    monkeypatch.setattr("reconciler.kinds.connect.effects._takes_a_name", takes_a_name)
    networks = SimpleNamespace(connect=connect, disconnect=lambda _network, _container: None)
    host: Any = SimpleNamespace(engine=SimpleNamespace(version=version, networks=networks))
    join(host, "web", "t-lan", {}, spares=[f"eth{each}" for each in spares])
    assert tried == expected


@pytest.mark.parametrize(
    ("declared", "foreign", "refused"),
    [
        # A daemon's route over all of the former subnet is in nobody's way once the network has another one.
        (("10.9.0.0/24",), "172.16.0.0/12", ""),
        (("10.9.0.0/24",), "10.9.0.128/25", "10.9.0.0/24, fd00::/64"),
        (("10.9.0.0/24",), "fd00::/56", "10.9.0.0/24, fd00::/64"),
        (("10.9.0.0/24", "fd01::/64"), "fd00::/56", ""),
        ((), "172.16.0.0/12", "172.30.0.0/24, fd00::/64"),
    ],
)
def test_a_foreign_route_counts_where_the_container_is_to_be_connected_again(
    monkeypatch: pytest.MonkeyPatch, declared: tuple[str, ...], foreign: str, refused: str
) -> None:
    link = a_link(2, "eth0")
    there = [Route(to, (), (at,), 0, 186, 254, 1, None, False) for to, at in (("172.30.0.0/24", 2), (foreign, 3))]
    inside = SimpleNamespace(ask=lambda queries: [link for _ in queries], dump=lambda _query: there)
    monkeypatch.setattr("reconciler.kinds.route.aside._within", lambda *_: nullcontext(inside))
    monkeypatch.setattr("reconciler.kinds.connect.effects.routes_aside", lambda *_: nullcontext())
    network = {"IPAM": {"Config": [{"Subnet": "172.30.0.0/24"}, {"Subnet": "fd00::/64"}, {}]}}
    gone: list[str] = []
    engine = SimpleNamespace(
        containers=SimpleNamespace(inspect=lambda _: container(UP)),
        networks=SimpleNamespace(inspect=lambda _: network, disconnect=lambda name, _: gone.append(name)),
    )
    host: Any = SimpleNamespace(engine=engine)
    live = Resource(LAN_OF_WEB, ConnectSpec(), live={"container": "web", "name": "t-lan", "interface": "eth0"})
    change = Change(
        LAN_OF_WEB, Action.REPLACE, desired=Resource(LAN_OF_WEB, ConnectSpec(subnets=declared)), observed=live
    )
    with pytest.raises(StepFailed, match=f"would not connect it to {refused} again") if refused else nullcontext():
        disconnected(Step(StepKey(LAN_OF_WEB, Verb.DELETE), change), host)
    assert gone == ([] if refused else ["t-lan"])


def test_an_endpoint_holds_the_name_of_its_interface_by_chance() -> None:
    def held(found: dict[str, Any], space: Space | None) -> list[tuple[str, bool]]:
        return [(str(each), each.chosen) for each in interfaces(WEB, found, space)]

    inside = within((MAC, True), ("02:00:00:00:00:0b", True))
    assert held(ENDPOINT, inside) == [("interface eth0 in container/web", True)]
    assert held(ENDPOINT, None) == held({"MacAddress": ""}, inside) == []


BESIDE = {
    index: Link(index, name, kind, MAC, 0, True, *_REST)
    for index, name, kind in ((2, "br0", "bridge"), (3, "eth0", "veth"), (4, "eth0.10", "vlan"))
}
"""What a container may have made of an endpoint's interface: all of it has that one's MAC address."""


def test_what_stands_on_an_endpoint_s_interface_is_not_taken_for_it() -> None:
    space = Space(Place(1), BESIDE)
    seen = Seen("t-lan", ENDPOINT, space)
    assert _facts(seen, container(UP))["interface"] == "eth0"
    assert [str(each) for each in interfaces(WEB, ENDPOINT, space)] == ["interface eth0 in container/web"]
    assert _facts(Seen("t-lan", ENDPOINT, None), container(UP))["interface"] == ""


@pytest.mark.parametrize(("name", "held"), [("eth0", []), ("eth0.10", ["eth0.10"])])
def test_what_stands_on_an_endpoint_s_interface_is_in_the_way_of_a_veth(name: str, held: list[str]) -> None:
    veth = Resource(ResourceKey("veth", "x"), ConnectSpec(), claims=(interface_claim(label(WEB), name),))
    inspected = {"NetworkSettings": {"Networks": {"t-lan": ENDPOINT}}}
    kernel = SimpleNamespace(
        nodes={WEB: Space(Place(1), BESIDE)}, containers={WEB: inspected}, mine=lambda link: bool(link.alias)
    )
    scope: Any = SimpleNamespace(kernel=kernel, desired=Topology("t", {veth.key: veth}))
    assert [each for _, each, *_ in holders(scope, "veth")] == held


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (("eth0", "eth1"), ("", "")),
        (("eth2", "eth1"), ("eth2", "")),
        (("eth0", "eth3"), ("", "eth3")),
        (("eth3", "eth2"), ("eth3", "eth2")),
        (("eth1", "eth2"), ("eth2", "")),
        ((None, "eth2"), ("", "eth2")),
        ((None, "eth0"), ("", "")),
    ],
)
def test_an_interface_that_the_engine_named_anew_stands_in_for_the_one_of_a_start(
    names: tuple[str | None, ...], meant: tuple[str, str]
) -> None:
    macs = {f"t-n{at}": f"02:00:00:00:00:0{at}" for at, _ in enumerate(names)}
    links = {at: a_link(at, name)._replace(mac=macs[f"t-n{at}"]) for at, name in enumerate(names) if name}
    endpoints = {f"t-n{at}": {"MacAddress": link.mac} for at, link in links.items()}
    space = Space(Place(1), links)
    networks = tuple(zip(("eth0", "eth1"), macs, strict=True))
    found = (stand_in(each, networks, endpoints, space) for each in ("eth0", "eth1"))
    assert tuple(each.name if each else "" for each in found) == meant
    assert stand_in("far", networks, endpoints, space) is None


def test_an_interface_of_another_prefix_stands_in_for_none() -> None:
    links = {at: a_link(at, name)._replace(mac=f"02:00:00:00:00:0{at}") for at, name in ((1, "eth1"), (2, "wan1"))}
    endpoints = {f"t-n{at}": {"MacAddress": link.mac} for at, link in links.items()}
    for name, network, meant in (("eth0", "t-n1", links[1]), ("wan0", "t-n2", links[2])):
        assert stand_in(name, [(name, network)], endpoints, Space(Place(1), links)) == meant
