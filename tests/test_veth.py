from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kernel_files import a_link, problems, resource, spec, topology

from reconciler.host.marks import PROTOCOL, Mark
from reconciler.host.netlink import add_address, set_bridge_port, set_link
from reconciler.kinds import kinds
from reconciler.kinds.addresses import is_beside
from reconciler.kinds.veth import messages, told
from reconciler.kinds.veth.look import _labelled
from reconciler.kinds.veth.parse import needs_of
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.model import FrozenMap, How, Need, Resource, ResourceKey

NODES = """
namespaces: {red: , blue: , out: {external: true}}
bridges: {br0: , lan: {namespace: red}}
networks:
  net:
  pre: {driver_opts: {com.docker.network.container_iface_prefix: p2-}}
  one: {driver_opts: {com.docker.network.container_iface_prefix: p1}}
  mac: {driver: macvlan}
containers:
  web: {image: x, networks: [net]}
  both: {image: x, networks: {net: , default: }}
  begun: {image: x, networks: [net, mac, pre, one]}
  plain: {image: x}
  alone: {image: x, network_mode: none}
  onbridge: {image: x, network_mode: bridge}
  hosted: {image: x, network_mode: host}
  sharing: {image: x, network_mode: "service:alone"}
  too: {image: x, network_mode: "service:sharing"}
  guest: {image: x, network_mode: "container:theirs"}
  done: {image: x, state: completed, network_mode: none}
  other: {external: true}
"""


def key_of(tmp_path: Path, veths: str) -> str:
    found = [each.key for each in topology(tmp_path, f"{NODES}veths: {veths}") if each.key.kind == "veth"]
    return " ".join(map(str, found))


@pytest.mark.parametrize(
    ("veths", "key"),
    [
        ("[[red:eth0, blue:eth0]]", "veth/blue:eth0--red:eth0"),
        ("[[alone:eth2, br0]]", "veth/alone:eth2--br0"),
        ("[[br0, red:x]]", "veth/br0--red:x"),
        ("[[br0:port, red:x]]", "veth/br0:port--red:x"),
        ("[[br0, lan]]", "veth/br0--lan"),
        ("[[host:x, red:x]]", "veth/host:x--red:x"),
        ("[{endpoints: [{network: net}, red:x]}]", "veth/network.net--red:x"),
        ("[{endpoints: [{host: true, interface: h}, {container: web, interface: e}]}]", "veth/host:h--web:e"),
        ("[{name: wire, endpoints: [red:x, blue:x]}]", "veth/wire"),
    ],
)
def test_the_key_is_the_two_ends_in_order_or_the_name(tmp_path: Path, veths: str, key: str) -> None:
    assert key_of(tmp_path, veths) == key


def test_short_and_long_form_say_the_same(tmp_path: Path) -> None:
    short = f"{NODES}veths: [[red:eth0 10.0.0.1/30 FD00::1/64, blue:eth0]]"
    long = (
        f"{NODES}veths: [{{endpoints: [{{namespace: blue, interface: eth0}}, "
        "{namespace: red, interface: eth0, addresses: ['fd00:0::1/64', 10.0.0.1/30]}]}]"
    )
    key = "veth/blue:eth0--red:eth0"
    assert spec(tmp_path, short, key) == spec(tmp_path, long, key)
    assert resource(tmp_path, short, key) == resource(tmp_path, long, key)


def test_the_mtu_of_an_end_goes_before_that_of_the_pair(tmp_path: Path) -> None:
    text = f"{NODES}veths: [{{mtu: 9000, endpoints: [red:x, {{namespace: blue, interface: x, mtu: 2000, up: false}}]}}]"
    ends = spec(tmp_path, text, "veth/blue:x--red:x").endpoints
    assert (ends["red:x"].mtu, ends["blue:x"].mtu, ends["blue:x"].up) == (9000, 2000, False)


def test_a_port_has_a_generated_name_of_its_own(tmp_path: Path) -> None:
    text = "namespaces: {a-long-name: }\nbridges: {br0: }\nveths: [[a-long-name:x, br0], [a-long-name:y, br0]]"
    found = [
        end.interface
        for name in ("t", "u")
        for each in topology(tmp_path, text, name=name).of_kind("veth")
        for label, end in each.spec.endpoints.items()  # type: ignore[attr-defined]
        if label == "br0"
    ]
    assert len(set(found)) == 4
    assert all(each.startswith("va-long-") and len(each) == 15 for each in found)


def test_needs_are_the_nodes_and_references_to_bridges(tmp_path: Path) -> None:
    text = f"{NODES}veths: [[web:eth1, lan], [other:x, out:x], {{endpoints: [host:x, {{network: net}}]}}]"
    assert resource(tmp_path, text, "veth/lan--web:eth1").needs == (
        Need(ResourceKey("bridge", "lan"), "endpoints.lan.master", How.REFERS),
        Need(ResourceKey("namespace", "red"), "endpoints.lan"),
        Need(ResourceKey("process", "web"), "endpoints.web:eth1"),
    )
    assert [str(each.key) for each in resource(tmp_path, text, "veth/other:x--out:x").needs] == [
        "container/other",
        "namespace/out",
    ]
    assert [str(each.key) for each in resource(tmp_path, text, "veth/host:x--network.net").needs] == ["network/net"]


def test_addresses_are_sorted_but_for_the_first_of_each_subnet_of_ipv4(tmp_path: Path) -> None:
    given = "10.1.0.9/16 fd00::2/64 10.0.0.2/24 fd00::1/64 10.0.0.10/24 10.0.0.1/24 10.1.0.9/16 10.0.0.2/25"
    found = spec(tmp_path, f"{NODES}veths: [[red:x {given}, out:x]]", "veth/out:x--red:x")
    assert found.endpoints["red:x"].addresses == (
        *("10.0.0.2/24", "10.0.0.1/24", "10.0.0.10/24"),
        "10.0.0.2/25",
        "10.1.0.9/16",
        *("fd00::1/64", "fd00::2/64"),
    )


def test_a_foreign_master_is_no_need() -> None:
    assert needs_of("x", Endpoint(master="@docker0")) == ()


@pytest.mark.parametrize(
    ("veths", "message"),
    [
        ("[[rde:x, blue:x]]", "there is no node 'rde' (did you mean 'red'?)"),
        ("[[red, blue:x]]", "'red' needs the name of the interface in it (e.g. red:eth0)"),
        ("[[web, blue:x]]", "'web' needs the name of the interface in it (e.g. web:eth1)"),
        ("[[red:sixteen-letters-, blue:x]]", "the interface name 'sixteen-letters-' is longer than 15 characters"),
        ("[[red:.., blue:x]]", "'..' cannot be the name of an interface"),
        ("[[red:lo, blue:x]]", "'lo' is there in every network namespace"),
        ("[[red:default, blue:x]]", "'default' cannot be the name of an interface: its settings are those of all"),
        ("[[red:x 10.0.0.1/33, blue:x]]", "'10.0.0.1/33' is not an address with its prefix length"),
        ("[[red:x 0.0.0.0/0, blue:x]]", "'0.0.0.0/0' cannot be the address of an interface"),
        ("[[red:x 127.0.0.2/8, blue:x]]", "'127.0.0.2/8' cannot be the address of an interface"),
        ("[['red:x ::1/128', blue:x]]", "'::1/128' cannot be the address of an interface"),
        ("[[br0 10.0.0.1/24, blue:x]]", "'br0' is the port of a bridge (give the addresses to the bridge)"),
        ("[[web:eth0, blue:x]]", "the name 'eth0' is Docker's in 'web', for its network's interface (use eth1)"),
        ("[[both:eth1, blue:x]]", "the name 'eth1' is Docker's in 'both', for its network's interface (use eth2)"),
        (
            "[[plain:eth0, blue:x]]",
            "the name 'eth0' is Docker's in 'plain', for its network's interface (use eth1, or network_mode: none if",
        ),
        (
            "[[onbridge:eth0, blue:x]]",
            "the name 'eth0' is Docker's in 'onbridge', for its network's interface (use eth1",
        ),
        ("[[begun:p2-0, blue:x]]", "the name 'p2-0' is Docker's in 'begun', for its network's interface (use p2-1)"),
        ("[[begun:p10, blue:x]]", "the name 'p10' is Docker's in 'begun', for its network's interface (use p11)"),
        ("[[begun:eth1, blue:x]]", "the name 'eth1' is Docker's in 'begun', for its network's interface (use eth2)"),
        ("[[hosted:x, blue:x]]", "container 'hosted' has no network of its own: give the interface to 'host'"),
        ("[[sharing:x, blue:x]]", "container 'sharing' has no network of its own: give the interface to 'alone'"),
        ("[[too:x, blue:x]]", "container 'too' has no network of its own: give the interface to 'alone'"),
        ("[[guest:x, blue:x]]", "container 'guest' has no network of its own: give the interface to 'theirs'"),
        ("[[done:x, blue:x]]", "container 'done' is to be completed: only a running or paused one has interfaces"),
        ("[{endpoints: [{bridge: br1}, blue:x]}]", "there is no 'br1' in bridges (did you mean 'br0'?)"),
        ("[{mtu: 1000, endpoints: ['red:x fd00::1/64', blue:x]}]", "IPv6 needs an MTU of 1280 at least, not 1000"),
        ("[[red:x, blue:x], [red:x, blue:y]]", "interface x in namespace/red is taken already by veth/blue:x--red:x"),
        ("[[red:x 10.0.0.1/24, blue:x], [red:y 10.0.0.1/30, blue:y]]", "address 10.0.0.1 in namespace/red is taken"),
        ("[[red:x, red:x]]", "both ends are red:x (a veth pair is two interfaces)"),
        ("[[br0, br0]]", "both ends are br0 (a veth pair is two interfaces)"),
        ("[[host:x, br0:x]]", "both ends are br0:x (a veth pair is two interfaces)"),
        (
            "[[red:x 10.0.0.1/24, red:y 10.0.0.1/30]]",
            "both ends have the address 10.0.0.1 in namespace/red",
        ),
        (
            "[[red:x 10.0.0.1/24, blue:y 10.0.0.1/30]]",
            "address 10.0.0.1 on veth/blue:y--red:x is taken already by red:x (declared at ",
        ),
        (
            "[[red:x 10.0.0.1/24, br0], [br0, blue:y 10.0.0.1/30]]",
            "address 10.0.0.1 on bridge/br0 is taken already by red:x",
        ),
        (
            (
                "[{endpoints: [{namespace: red, interface: x, mac: '02:00:00:00:00:aa'},"
                " {namespace: blue, interface: x, mac: '02:00:00:00:00:AA'}]}]"
            ),
            "both ends have the MAC address 02:00:00:00:00:aa",
        ),
        ("[[red:y, blue:y], [blue:x, red:y]]", "interface y in namespace/red is taken already"),
        ("[[br0, lan], [br0, lan]]", "veth/br0--lan is declared twice (give one of them a `name:` of its own)"),
    ],
)
def test_what_is_wrong_is_a_problem(tmp_path: Path, veths: str, message: str) -> None:
    found = problems(tmp_path, f"{NODES}veths: {veths}")
    assert any(message in each for each in found), found


def test_addresses_are_written_as_the_kernel_writes_them(tmp_path: Path) -> None:
    veths = "veths: [['red:x ::ffff:10.0.0.1/96 ::a00:1/96 64:FF9B::10.0.0.1/96', 'red:y 10.0.0.1/24']]"
    found = spec(tmp_path, NODES + veths, "veth/red:x--red:y").endpoints["red:x"].addresses
    assert found == ("64:ff9b::a00:1/96", "::10.0.0.1/96", "::ffff:10.0.0.1/96")


def test_each_link_can_have_the_same_link_local_address(tmp_path: Path) -> None:
    veths = "[['red:x fe80::1/64', 'red:y fe80::1/64'], ['red:z fe80::1/64', 'blue:z fe80::1/64']]"
    whole = NODES.replace("namespace: red", "namespace: red, addresses: ['fe80::1/64']") + f"veths: {veths}"
    assert problems(tmp_path, whole) == []
    claimed = [str(each) for each in resource(tmp_path, whole, "veth/blue:z--red:z").claims]
    assert "address fe80::1 in namespace/red:z" in claimed


ON_ONE_LINK = """
namespaces: {red: , blue: }
bridges: {br0: {addresses: [10.0.0.1/24]}, plain: }
networks:
  net: {ipam: {config: [{subnet: 10.1.0.0/24}]}}
  said: {ipam: {config: [{subnet: 10.2.0.0/24, gateway: 10.2.0.9}]}}
  none: {driver_opts: {com.docker.network.bridge.inhibit_ipv4: 'true'}, ipam: {config: [{subnet: 10.3.0.0/24}]}}
  odd: {ipam: {driver: theirs, config: [{subnet: 10.4.0.0/24}]}}
containers: {web: {image: x, networks: {net: {ipv4_address: 10.1.0.5}}}, odd: {image: x, networks: {net: }}}
"""


@pytest.mark.parametrize(
    ("veths", "said"),
    [
        ("[red:x 10.0.0.1/24, br0]", "address 10.0.0.1 on bridge/br0 is taken already by bridge/br0"),
        ("[red:x 10.0.0.2/24, br0], [blue:x 10.0.0.1/24, plain]", ""),
        ("[red:x 10.0.0.2/24, br0], [br0, blue:x 10.0.0.3/24]", ""),
        (
            "{endpoints: [red:x 10.1.0.5/24, {network: net}]}",
            "address 10.1.0.5 on network/net is taken already by container/web",
        ),
        ("{endpoints: [red:x 10.1.0.6/24, {network: net}]}", ""),
        (
            "{endpoints: [red:x 10.1.0.1/24, {network: net}]}",
            "address 10.1.0.1 on network/net is taken already by the gateway of network/net",
        ),
        (
            "{endpoints: [host:x 10.2.0.9/24, {network: said}]}",
            "address 10.2.0.9 on network/said is taken already by the gateway of network/said",
        ),
        ("{endpoints: [host:x 10.2.0.1/24, {network: said}]}", ""),
        ("{endpoints: [host:x 10.3.0.1/24, {network: none}]}", ""),
        ("{endpoints: [host:x 10.4.0.1/24, {network: odd}]}", ""),
    ],
)
def test_one_address_is_not_given_twice_on_one_link(tmp_path: Path, veths: str, said: str) -> None:
    found = problems(tmp_path, f"{ON_ONE_LINK}veths: [{veths}]")
    assert [each.split(" (")[0] for each in found] == ([said] if said else [])


@pytest.mark.parametrize(
    ("end", "key", "beside"),
    [
        ("red:x", "host:x--red:x", True),
        ("br0", "br0--host:x", True),
        ("inner", "host:x--inner", True),
        ("docker0", "docker0--host:x", False),
        ("{network: net}", "host:x--network.net", False),
    ],
)
def test_an_address_of_the_host_is_beside_docker_networks_unless_its_link_may_be_one(
    tmp_path: Path, end: str, key: str, beside: bool
) -> None:
    bridges = "docker0: {external: true}, inner: {namespace: red, external: true}, plain:"
    text = ON_ONE_LINK.replace("plain:", bridges) + f"veths: [{{endpoints: [host:x 10.1.1.6/24, {end}]}}]"
    found = resource(tmp_path, text, f"veth/{key}").claims
    assert "address 10.1.1.6 in host" in map(str, found)
    assert any(is_beside(each, "host") for each in found) is beside


def test_an_address_is_given_once_in_the_host_whatever_the_links_are(tmp_path: Path) -> None:
    one, two, three = (f"host:{name} 10.9.0.5/24" for name in ("x", "y", "z"))
    veths = f"[{{endpoints: [{one}, {{network: n1}}]}}, [{two}, red:y], {{endpoints: [{three}, {{network: n2}}]}}]"
    found = problems(tmp_path, f"namespaces: {{red: }}\nnetworks: {{n1: , n2: }}\nveths: {veths}\n")
    taken = "address 10.9.0.5 in host is taken already by veth/host:x--network.n1"
    assert [each.split(" (")[0] for each in found] == [taken, taken]


@pytest.mark.parametrize(
    "name", ["alone:eth0", "web:eth1", "web:eth01", "red:eth0", "begun:eth2", "begun:p2-1", "begun:p1", "web:p2-0"]
)
def test_what_docker_does_not_name_is_free(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, f"{NODES}veths: [[{name}, blue:x]]") == []


def test_a_network_without_a_bridge_has_no_ports(tmp_path: Path) -> None:
    text = "namespaces: {red: }\nnetworks: {m: {driver: macvlan}}\nveths: [{endpoints: [{network: m}, red:x]}]"
    assert problems(tmp_path, text) == ["network 'm' has no bridge: its driver is macvlan"]


def test_what_an_interface_has_is_mutable_and_where_it_is_is_not(tmp_path: Path) -> None:
    text = NODES + "veths: [{name: v, endpoints: [red:x, %s]}]"
    one, two = (resource(tmp_path, text % each, "veth/v") for each in ("blue:x", "blue:y"))
    kind = kinds()["veth"]
    assert kind.mutable("endpoints.red:x.mtu", one, two)
    assert not kind.mutable("endpoints.red:x.interface", one, two)
    assert not kind.mutable("endpoints.blue:x", one, two)
    assert not kind.mutable("endpoints.blue:y", one, two)


def test_an_end_is_told_mark_state_port_and_addresses() -> None:
    mark, plain = Mark("t", ResourceKey("veth", "a:x--b:x")), Endpoint(addresses=("10.0.0.1/24", "fd00::1/64"))
    assert messages.settings(7, plain, mark, None) == (
        set_link(7, alias=mark.alias(), up=True),
        add_address(7, "10.0.0.1/24", protocol=PROTOCOL),
        add_address(7, "fd00::1/64", protocol=PROTOCOL, nodad=True),
    )
    port = Endpoint(up=False, path_cost=9, priority=7, hairpin=True)
    assert messages.settings(7, port, mark, 4) == (
        set_link(7, alias=mark.alias(), master=4, up=False),
        set_bridge_port(7, path_cost=9, priority=7, hairpin=True),
    )


RED = Endpoint(ResourceKey("namespace", "red"), "eth0")
PORT = Endpoint(interface="port", master="bridge/br0", mtu=9000, up=False)
THEIRS = Endpoint(interface="port", master="@docker0")


@pytest.mark.parametrize(
    ("ends", "rows"),
    [
        (
            {"red:eth0": RED, "br0:port": PORT},
            [
                ("bridge/br0", ("port", "↔ red:eth0", "mtu 9000 down", "", "")),
                ("namespace/red", ("eth0", "↔ br0:port", "mtu 1500", "02:00:00:00:00:01", "10.0.0.1/30, fd00::1/64")),
            ],
        ),
        (
            {"red:eth0": replace(RED, addresses=("FE80::1/64",))},
            [
                (
                    "namespace/red",
                    ("eth0", "↔ nothing", "mtu 1500", "02:00:00:00:00:01", "10.0.0.1/30, FE80::1/64, fd00::1/64"),
                )
            ],
        ),
        ({"host:port": THEIRS}, [("host/host", ("port", "↔ nothing", "mtu 1500", "", ""))]),
    ],
    ids=["a pair", "a declared address of the link", "an end whose other one is gone, in a bridge of somebody else"],
)
def test_a_person_is_told_of_each_end_below_its_node_or_its_bridge(ends: dict[str, Endpoint], rows: Any) -> None:
    live = {"red:eth0": {"mac": "02:00:00:00:00:01", "addresses": ["10.0.0.1/30", "FE80::1/64", "fd00::1/64"]}}
    pair = Resource(ResourceKey("veth", "x"), VethSpec(FrozenMap(ends)), live={"ends": live})
    assert [(str(node), row) for node, row in told.rows(pair)] == rows


@pytest.mark.parametrize(
    ("live", "labels"),
    [
        ({"red": "x", "blue": "y"}, {"first": "x", "second": "y"}),
        ({"blue": "y", "red": "x"}, {"first": "x", "second": "y"}),
        ({"green": "y", "out": "x"}, {"first": "x", "second": "y"}),
        ({"blue": "former", "red": "other"}, {"first": "other", "second": "former"}),
        ({"blue": "former", "green": "other"}, {"first": "other", "second": "former"}),
        ({"green": "former", "out": "other"}, {"first": "former", "second": "other"}),
        ({"blue": "y"}, {"second": "y"}),
    ],
    ids=[
        "as declared",
        "in another order",
        "both moved",
        "both renamed",
        "one stayed",
        "nothing stayed",
        "one is gone",
    ],
)
def test_an_end_that_moved_is_known_by_its_name_and_one_that_was_renamed_by_its_node(
    live: dict[str, str], labels: dict[str, str]
) -> None:
    kernel: Any = SimpleNamespace(node_of=lambda space, _: ResourceKey("namespace", space))
    pair: Any = tuple((node, a_link(2, name)) for node, name in live.items())
    blue = ResourceKey("namespace", "blue")
    ends = {"first": replace(RED, interface="x"), "second": replace(RED, node=blue, interface="y")}
    assert {label: seen[1].name for label, seen in _labelled(kernel, pair, ends).items()} == labels
