"""What the kernel said, said again."""

from __future__ import annotations

import pytest

from reconciler.host.netlink import (
    Address,
    Query,
    add_address,
    add_route,
    address_again,
    get_addresses,
    get_routes,
    route_again,
    verbatim,
)
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import MESSAGE, RTMSG, message, u32

_HEAD = MESSAGE.size
_TOS, _PROTOCOL, _FLAGS = 3, 5, 8
"""Where they are in the body of a route."""


def test_an_answer_comes_with_the_body_of_its_message() -> None:
    said = add_address(7, "10.0.0.1/24")
    found = verbatim(get_addresses()).parse(said, _HEAD, len(said))
    assert found is not None
    assert (found[0].address, found[1]) == ("10.0.0.1/24", said[_HEAD:])
    assert address_again(found[1]) == said
    assert verbatim(get_addresses()).message == get_addresses().message


def test_what_is_left_out_is_left_out() -> None:
    query: Query[int] = Query(b"", lambda *_: None)
    assert verbatim(query).parse(b"said", 0, 4) is None


def test_a_route_is_made_again_as_the_kernel_told_of_it_without_what_became_of_it() -> None:
    made = add_route("10.0.0.0/16", via=["10.0.0.1"], devices=[3], metric=5, protocol=9, source="10.0.0.9")
    body = bytearray(made[_HEAD:])
    body[_FLAGS] = c.RTNH_F_ONLINK | c.RTNH_F_DEAD | 16  # RTNH_F_LINKDOWN
    body[_FLAGS + 1] = 0x40  # RTM_F_OFFLOAD
    said = route_again(bytes(body), there=False)
    body[_FLAGS : _FLAGS + 2] = (c.RTNH_F_ONLINK, 0)
    assert said == message(c.RTM_NEWROUTE, c.NLM_F_CREATE | c.NLM_F_APPEND, bytes(body))


def test_several_next_hops_are_told_without_what_became_of_them() -> None:
    via = ["10.0.0.1", "", "10.0.0.2"]
    body = add_route("10.0.0.0/16", via=via, devices=[3, 4, 5])[_HEAD:]
    dead = body.replace(b"\x10\0\0\0", b"\x10\0\x15\0").replace(b"\x08\0\0\0\x04", b"\x08\0\x11\0\x04")
    assert dead != body
    kept = dead.replace(b"\x15", b"\x04").replace(b"\x11", b"\0")
    assert route_again(dead, there=True) == message(c.RTM_NEWROUTE, c.NLM_F_CREATE | c.NLM_F_REPLACE, kept)


def test_of_a_nexthop_object_its_id_is_told_alone() -> None:
    by_id, hop = u32(c.RTA_NH_ID, 1), u32(c.RTA_OIF, 3)
    head = add_route("10.0.0.0/16")[_HEAD:]
    said = route_again(head + hop + by_id, there=False)
    assert said == message(c.RTM_NEWROUTE, c.NLM_F_CREATE | c.NLM_F_APPEND, head, by_id)


def test_the_type_of_service_is_told() -> None:
    said = bytearray(add_route("10.0.0.0/16"))
    said[_HEAD + _TOS] = 0x10
    found = get_routes().parse(bytes(said), _HEAD, len(said))
    assert found is not None
    assert found.tos == 0x10


@pytest.mark.parametrize(("protocol", "automatic"), [(0, True), (1, True), (c.RTPROT_KERNEL, True), (3, False)])
def test_routes_of_the_kernel_s_own_are_known(protocol: int, automatic: bool) -> None:
    body = bytearray(RTMSG.size)
    body[0], body[_PROTOCOL] = 2, protocol  # AF_INET
    found = get_routes().parse(bytes(body), 0, len(body))
    assert found is not None
    assert found.automatic is automatic


@pytest.mark.parametrize(("protocol", "automatic"), [(0, False), (1, True), (3, True), (4, False)])
def test_addresses_that_the_kernel_gave_by_itself_are_told(protocol: int, automatic: bool) -> None:
    assert Address(1, "fe80::1/64", 253, protocol, 0x80).automatic is automatic
