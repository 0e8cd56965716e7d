from __future__ import annotations

import errno
import socket
import struct

import pytest

from reconciler.host.netlink import (
    NetlinkError,
    Query,
    add_address,
    add_altname,
    add_route,
    append_route,
    codec,
    del_altname,
    delete_address,
    delete_group,
    delete_link,
    delete_route,
    get_addresses,
    get_connected,
    get_link,
    get_links,
    get_routes,
    get_way,
    new_bridge,
    new_veth,
    parse,
    probe,
    replace_route,
    set_bridge,
    set_bridge_port,
    set_link,
    transport,
)
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.nouns import PortParameters
from reconciler.host.netns import naming

IFINFOMSG = 16
"""The size of struct ifinfomsg."""


def body(message: bytes) -> tuple[bytes, int, int]:
    return message, codec.MESSAGE.size, len(message)


def scope_of(route: bytes) -> int:
    return int(codec.RTMSG.unpack_from(route, codec.MESSAGE.size)[6])


def test_a_message_says_its_own_length_and_is_padded_to_four_bytes() -> None:
    message = new_veth("a", "b", mtu=1400, mac="02:00:00:00:00:01")
    length, kind, flags, sequence, port = codec.MESSAGE.unpack_from(message)
    assert (length, length % 4, sequence, port) == (len(message), 0, 0, 0)
    assert kind == c.RTM_NEWLINK
    assert flags == c.NLM_F_REQUEST | c.NLM_F_CREATE | c.NLM_F_EXCL


def test_an_attribute_is_padded_but_its_length_is_not() -> None:
    assert codec.attribute(3, b"abcde") == struct.pack("=HH", 9, 3) + b"abcde\0\0\0"


def test_none_is_no_attribute_at_all() -> None:
    assert codec.u32(1, None) + codec.u16(1, None) + codec.u8(1, None) + codec.text(1, None) + codec.mac(1, None) == b""


def test_attributes_come_back_as_they_were_written_and_the_unwanted_are_left_out() -> None:
    parts = (
        codec.u8(1, 7) + codec.text(2, "name") + codec.nest(3, codec.u32(9, 2**31)) + codec.mac(4, "02:00:00:00:00:ff")
    )
    found = codec.attributes(parts, 0, len(parts), frozenset((1, 2, 3, 4, 5)))
    assert codec.as_int(found[1]) == 7
    assert codec.as_text(found[2]) == "name"
    assert [(kind, codec.as_int(payload)) for kind, payload in codec.each(found[3])] == [(9, 2**31)]
    assert codec.as_mac(found[4]) == "02:00:00:00:00:ff"
    assert codec.attributes(parts, 0, len(parts), frozenset((2,))) == {2: b"name\0"}


def test_a_torn_attribute_ends_the_reading() -> None:
    assert codec.attributes(b"\0\0\1\0rest", 0, 8, frozenset((1,))) == {}
    assert list(codec.each(b"\0\0\1\0rest")) == []


def test_text_that_is_not_utf8_survives() -> None:
    payload = codec.text(1, None) + b"caf\xe9\0"
    assert codec.as_text(payload).encode(errors="surrogateescape") == b"caf\xe9"


def test_a_new_link_reads_back_as_what_was_asked_for() -> None:
    link = parse.link(
        *body(set_link(7, name="eth0", mtu=9000, mac="02:00:00:00:00:01", up=True, master=4, alias="mark"))
    )
    assert (link.index, link.name, link.mtu, link.mac, link.up) == (7, "eth0", 9000, "02:00:00:00:00:01", True)
    assert (link.master, link.alias) == (4, "mark")
    assert (link.kind, link.altnames, link.peer_index, link.bridge, link.port) == ("", (), None, None, None)


def test_a_link_that_cannot_be_is_asked_for_by_its_type_alone() -> None:
    message, start, end = body(probe("veth"))
    wanted = frozenset((c.IFLA_LINKINFO, c.IFLA_NUM_TX_QUEUES, c.IFLA_IFNAME))
    found = codec.attributes(message, start + IFINFOMSG, end, wanted)
    assert codec.as_int(found[c.IFLA_NUM_TX_QUEUES]) == 0
    assert [codec.as_text(each) for _, each in codec.each(found[c.IFLA_LINKINFO])] == ["veth"]
    assert c.IFLA_IFNAME not in found, "one of that name would be in the way"


def test_a_new_bridge_carries_its_parameters() -> None:
    options = {
        "stp": True,
        "priority": 100,
        "hello_time": 300,
        "max_age": 1000,
        "forward_delay": 400,
        "ageing_time": 100,
    }
    link = parse.link(*body(new_bridge("br0", **options)))  # type: ignore[arg-type]
    assert link.kind == "bridge"
    assert link.bridge is not None
    assert {name: getattr(link.bridge, name) for name in options} == options


def test_a_port_is_addressed_as_a_slave_of_a_bridge() -> None:
    message = set_bridge_port("p0", path_cost=9, priority=5, hairpin=False)
    info = codec.attributes(*body(message)[:1], codec.MESSAGE.size + 16, len(message), frozenset((c.IFLA_LINKINFO,)))
    nested = dict(codec.each(info[c.IFLA_LINKINFO]))
    assert nested[c.IFLA_INFO_SLAVE_KIND] == b"bridge\0"
    assert [kind for kind, _ in codec.each(nested[c.IFLA_INFO_SLAVE_DATA])] == [
        c.IFLA_BRPORT_COST,
        c.IFLA_BRPORT_PRIORITY,
        c.IFLA_BRPORT_MODE,
    ]


def test_a_port_reads_back() -> None:
    values = {c.IFLA_BRPORT_COST: 9, c.IFLA_BRPORT_PRIORITY: 5, c.IFLA_BRPORT_MODE: 1}
    data = codec.nest(c.IFLA_INFO_SLAVE_DATA, *(codec.u32(kind, value) for kind, value in values.items()))
    info = codec.nest(c.IFLA_LINKINFO, codec.text(c.IFLA_INFO_SLAVE_KIND, "bridge"), data)
    link = parse.link(*body(set_link(7, name="p0") + info))
    assert link.port == PortParameters(path_cost=9, priority=5, hairpin=True)


def test_a_further_name_is_told_and_taken_by_index_name_or_further_name() -> None:
    told = [
        parse.link(*body(each + codec.text(c.IFLA_IFNAME, "eth0")))
        for each in (add_altname(7, "wan"), del_altname(7, "wan"))
    ]
    assert [(each.index, each.altnames) for each in told] == [(7, ("wan",))] * 2
    long = "a-name-of-more-than-fifteen"
    wanted = frozenset((c.IFLA_IFNAME, c.IFLA_ALT_IFNAME))
    named = [
        codec.attributes(each, codec.MESSAGE.size + 16, len(each), wanted)
        for each in (get_link("eth0").message, delete_link(long))
    ]
    assert named == [{c.IFLA_IFNAME: b"eth0\0"}, {c.IFLA_ALT_IFNAME: long.encode() + b"\0"}]


def test_a_bridge_is_told_only_what_is_given() -> None:
    message = set_bridge(7, stp=False, hello_time=300)
    info = codec.attributes(message, codec.MESSAGE.size + 16, len(message), frozenset((c.IFLA_LINKINFO,)))
    data = dict(codec.each(info[c.IFLA_LINKINFO]))[c.IFLA_INFO_DATA]
    assert dict(codec.each(data)) == {c.IFLA_BR_STP_STATE: bytes(4), c.IFLA_BR_HELLO_TIME: struct.pack("=I", 300)}


def test_a_group_is_deleted_by_its_number() -> None:
    message = delete_group(9)
    assert codec.attributes(message, codec.MESSAGE.size + 16, len(message), frozenset((c.IFLA_GROUP,)))


@pytest.mark.parametrize(
    ("message", "kind", "flags"),
    [
        (add_route("10.0.0.0/8", devices=[3]), c.RTM_NEWROUTE, c.NLM_F_CREATE | c.NLM_F_EXCL),
        (replace_route("10.0.0.0/8", devices=[3]), c.RTM_NEWROUTE, c.NLM_F_CREATE | c.NLM_F_REPLACE),
        (delete_route("10.0.0.0/8"), c.RTM_DELROUTE, 0),
        (add_address(3, "10.0.0.1/24"), c.RTM_NEWADDR, c.NLM_F_CREATE | c.NLM_F_EXCL),
        (delete_address(3, "10.0.0.1/24"), c.RTM_DELADDR, 0),
    ],
)
def test_what_is_made_replaced_or_deleted_is_said_by_kind_and_flags(message: bytes, kind: int, flags: int) -> None:
    assert codec.MESSAGE.unpack_from(message)[1:3] == (kind, flags | c.NLM_F_REQUEST)


def test_a_route_to_be_deleted_leaves_open_what_is_not_given() -> None:
    message = delete_route("10.0.0.0/8", metric=7, protocol=77)
    found = parse.route(*body(message))
    assert found
    assert (found.metric, found.protocol, scope_of(message), found.type) == (7, 77, c.RT_SCOPE_NOWHERE, c.RTN_UNSPEC)


@pytest.mark.parametrize(
    ("address", "scope"), [("10.0.0.1/24", 0), ("127.0.0.2/8", 254), ("fd00::1/64", 0), ("192.0.2.1/32", 0)]
)
def test_an_address_reads_back(address: str, scope: int) -> None:
    found = parse.address(*body(add_address(3, address, protocol=77, nodad=True)))
    assert found is not None
    assert (found.index, found.address, found.scope, found.protocol, found.flags) == (3, address, scope, 77, 2)


@pytest.mark.parametrize(
    ("destination", "via", "devices", "read"),
    [
        ("10.0.0.0/16", ["192.0.2.1"], [], ("10.0.0.0/16", ("192.0.2.1",), ())),
        ("10.0.0.7/16", ["192.0.2.1", "192.0.2.2"], [3], ("10.0.0.0/16", ("192.0.2.1", "192.0.2.2"), (3, 3))),
        ("0.0.0.0/0", ["192.0.2.1", "192.0.2.2"], [3, 4], ("0.0.0.0/0", ("192.0.2.1", "192.0.2.2"), (3, 4))),
        ("::/0", ["fe80::1"], [3], ("::/0", ("fe80::1",), (3,))),
        ("::/0", [], [3], ("::/0", (), (3,))),
        ("fd00::/64", ["fe80::1", "fe80::2"], [3, 4], ("fd00::/64", ("fe80::1", "fe80::2"), (3, 4))),
        ("10.0.0.0/8", ["fe80::1"], [3], ("10.0.0.0/8", ("fe80::1",), (3,))),
        ("10.0.0.0/8", [], [3, 4], ("10.0.0.0/8", (), (3, 4))),
    ],
)
def test_a_route_reads_back(
    destination: str, via: list[str], devices: list[int], read: tuple[str, tuple[str, ...], tuple[int, ...]]
) -> None:
    made = add_route(destination, via=via, devices=devices, metric=5, protocol=77)
    route = parse.route(*body(made + codec.u32(c.RTA_TABLE, 1000)))
    assert route is not None
    assert (route.destination, route.gateways, route.devices) == read
    assert (route.metric, route.protocol, route.table, route.type, route.dead) == (5, 77, 1000, 1, False)


def test_a_subnet_on_a_link_is_read_of_what_the_kernel_says_of_its_route() -> None:
    said = append_route("10.0.0.0/24", devices=[7], protocol=c.RTPROT_KERNEL, source="10.0.0.1")
    number = int.from_bytes(socket.inet_aton("10.0.0.0"))
    assert get_connected(4).parse(*body(said)) == (number, 24, 7)
    assert parse.connected(*body(append_route("::/0", devices=[7]))) == (0, 0, 7)


@pytest.mark.parametrize(
    ("address", "family", "bits"), [("10.0.0.1", socket.AF_INET, 32), ("fd00::1", socket.AF_INET6, 128)]
)
def test_a_way_is_asked_for_by_an_address(address: str, family: int, bits: int) -> None:
    buffer, start, _ = body(get_way(address).message)
    assert (buffer[start], buffer[start + 1]) == (family, bits)
    assert socket.inet_pton(family, address) in buffer
    said = add_route(f"{address}/{bits}", devices=[7])
    found = get_way(address).parse(*body(said))
    assert found is not None
    assert found.devices == (7,)


def test_a_route_without_a_gateway_has_the_scope_of_the_link() -> None:
    direct, by = add_route("10.0.0.0/8", devices=[3]), add_route("10.0.0.0/8", via=["1.1.1.1"])
    assert (scope_of(direct), scope_of(by)) == (253, 0)


def test_other_families_are_left_out() -> None:
    mpls = struct.pack("=BBBBBBBBI", socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0)
    assert parse.route(mpls, 0, len(mpls)) is None
    assert parse.address(bytes(8), 0, 8) is None


def test_a_dump_asks_for_all() -> None:
    queries: list[Query[object]] = [get_links(), get_addresses(), get_routes()]  # type: ignore[list-item]
    assert all(codec.MESSAGE.unpack_from(query.message)[2] & c.NLM_F_DUMP == c.NLM_F_DUMP for query in queries)


def test_what_could_hit_everyone_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="everyone"):
        delete_group(0)
    with pytest.raises(ValueError, match="by its index"):
        set_link("eth0", name="eth1")


def test_an_error_reads_as_the_kernel_said_it() -> None:
    error = NetlinkError(errno.EEXIST, "because")
    assert (error.errno, error.reason, str(error)) == (errno.EEXIST, "because", "File exists (netlink: because)")
    assert str(NetlinkError(errno.EEXIST)) == "File exists"


def test_packets_are_filled_in_order_and_a_group_is_never_split() -> None:
    groups: list[transport.Group] = [bytes(30_000), (bytes(20_000), bytes(20_000)), bytes(4), (bytes(70_000), bytes(4))]
    packets = [(owners, [len(part) for part in packet]) for owners, packet in transport._packets(groups, 100)]
    assert packets == [([0], [30_000]), ([1, 1, 2], [20_000, 20_000, 4]), ([3], [70_000]), ([3], [4])]


def test_no_packet_has_more_answers_than_there_is_room_for() -> None:
    packets = list(transport._packets([(b"1234", b"5678")] * 5, 4))
    assert [len(packet) for _, packet in packets] == [4, 4, 2]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_a_namespace_is_no_path(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        naming._path(name)
