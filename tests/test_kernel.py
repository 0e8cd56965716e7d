"""The pure parts of the look into the kernel."""

from __future__ import annotations

from types import MappingProxyType

from reconciler.host.firewall import Rules, _ours, _rule
from reconciler.host.kernel.notes import fitted, note, notes, read
from reconciler.host.kernel.space import HOST, Place, Space, Where
from reconciler.host.marks import PROTOCOL, Mark
from reconciler.host.netlink import Address, Link
from reconciler.kinds.addresses import within
from reconciler.kinds.masters import bridge_of
from reconciler.model import ResourceKey


def a_link(index: int, name: str, *, alias: str = "", altnames: tuple[str, ...] = ()) -> Link:
    return Link(index, name, "", "", 1500, True, "UP", True, None, 0, alias, altnames, None, None, None, None)


def test_a_note_is_read_as_it_was_written() -> None:
    text = note("exec", "lab", "web", "once", "abc")
    assert text == "exec=lab=web=once=abc"
    assert list(read([text, "eth0", "sysctl=net.ipv4.ip_forward", "exec"], "exec")) == [("lab", "web", "once", "abc")]
    assert list(notes(None, "exec")) == []


def test_a_part_that_is_too_long_is_cut_and_still_tells_apart() -> None:
    one, two = (fitted("x" * 60 + each) for each in "ab")
    assert one != two
    assert len(one) == 44
    assert len(note("exec", "t" * 60, "n" * 60, "12345678", "1234567890123456")) <= 127
    assert len(note("port", "9" * 10, "ü" * 60)) <= 127


def test_a_note_of_one_part_and_an_ipv6_prefix_keep_their_whole_length() -> None:
    key, prefix = "net.netfilter.nf_conntrack_tcp_timeout_established", "ffff,ffff,ffff,ffff,ffff,ffff,ffff,ffff;128"
    assert list(read([note("sysctl", key)], "sysctl")) == [(key,)]
    assert list(read([note("route", "t", prefix, "1024")], "route")) == [("t", prefix, "1024")]
    assert len(note("sysctl", "n" * 200)) <= 127


def test_a_space_finds_links_by_name_and_altname_and_its_loopback() -> None:
    lo = a_link(1, "lo")
    space = Space(Place(1), MappingProxyType({1: lo, 2: a_link(2, "eth0", altnames=("wan",))}))
    assert space.link("wan") is space.link("eth0")
    assert space.link("x") is None
    assert space.loopback is lo
    assert Space(Place(2), MappingProxyType({})).loopback is None


def test_the_ports_of_a_bridge_are_the_links_that_are_in_it() -> None:
    names = {2: ("br0", None), 3: ("eth0", 2), 4: ("eth1", 2), 5: ("eth2", None)}
    links = {index: a_link(index, name)._replace(master=master) for index, (name, master) in names.items()}
    space = Space(Place(1), MappingProxyType(links))
    assert [each.name for each in space.ports(2)] == ["eth0", "eth1"]
    assert space.ports(5) == ()


def test_ours_and_declared_addresses_are_kept() -> None:
    found = (
        Address(2, "10.0.0.2/24", 0, 0, 0),
        Address(2, "10.0.0.1/24", 0, PROTOCOL, 0),
        Address(2, "10.0.0.3/24", 0, 0, 0),
    )
    space = Space(Place(1), MappingProxyType({}), MappingProxyType({2: found}))
    assert space.kept(2, ("10.0.0.2/24",)) == ("10.0.0.1/24", "10.0.0.2/24")
    assert space.kept(3, ()) == ()


def test_a_place_reads_well() -> None:
    assert str(Where(HOST)) == "the host"
    assert str(Where(ResourceKey("container", "web"), "lab-web")) == "container lab-web"


def test_our_rules_are_told_by_their_comments() -> None:
    lines = [
        "-N DOCKER-USER",
        '-A DOCKER-USER -i br0 -o br0 -m comment --comment "reconciler lab bridge/br0" -j ACCEPT',
        '-A DOCKER-USER -i br1 -o br1 -m comment --comment "somebody else" -j ACCEPT',
        "-A DOCKER-USER -j RETURN",
    ]
    key = ResourceKey("bridge", "br0")
    assert dict(_ours(lines)) == {("lab", key): "br0"}
    rules = Rules({"iptables": dict(_ours(lines)), "ip6tables": {}}, frozenset(("iptables",)))
    assert len(_rule(Mark("t" * 64, ResourceKey("bridge", "x" * 300)), "br0")[7]) <= 255
    assert rules.passes("lab", key, "br0") is True
    assert rules.passes("lab", key, "br9") is False
    assert rules.of("lab") == {key: "br0"}
    assert rules.of("other") == {}
    assert Rules().passes("lab", key, "br0") is None
    assert Rules(rules.passing).passes("lab", key, "br0") is True


def test_the_bridge_of_a_network_is_named_by_its_option_or_its_id() -> None:
    assert bridge_of({"Id": "0123456789abcdef", "Options": None}) == "br-0123456789ab"
    assert bridge_of({"Id": "0", "Options": {"com.docker.network.bridge.name": "docker0"}}) == "docker0"


def test_an_address_is_within_subnets_of_its_own_family() -> None:
    assert within("10.0.0.9", ["fd00::1/64", "10.0.0.1/24"])
    assert not within("10.0.1.9", ["10.0.0.1/24"])
