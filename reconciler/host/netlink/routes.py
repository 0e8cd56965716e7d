"""Requests about routes (RTM_*ROUTE) of both families, also over several gateways; man 8 ip-route explains them."""

import errno
import ipaddress
import socket
import struct
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypedDict, Unpack

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.addresses import FAMILY
from reconciler.host.netlink.codec import RTMSG, RTNEXTHOP, attribute, message, u32
from reconciler.host.netlink.nouns import Connected, Route
from reconciler.host.netlink.parse import connected as parse_connected
from reconciler.host.netlink.parse import route as parse_route
from reconciler.host.netlink.query import Query


class RouteOptions(TypedDict, total=False):
    """What a route of the main table may have beside its destination.

    `via` are gateways (several: ECMP), `devices` indices: none (the kernel finds them by the gateways), one for all, or
    one a gateway. `metric` 0 is 1024 for IPv6. `protocol` is static unless given.
    """

    via: Sequence[str]
    devices: Sequence[int]
    metric: int
    protocol: int
    source: str | None


def add_route(destination: str, **options: Unpack[RouteOptions]) -> bytes:
    """Add a route to a destination such as `10.0.0.0/16`; "File exists" where there is one of its metric."""
    return _made(c.NLM_F_CREATE | c.NLM_F_EXCL, destination, options)


def replace_route(destination: str, **options: Unpack[RouteOptions]) -> bytes:
    """Put a route in the place of the one with the same destination and metric, or add it.

    Holds for IPv6 too, between one gateway, several and none; when the kernel refuses, the old one stays.
    """
    return _made(c.NLM_F_CREATE | c.NLM_F_REPLACE, destination, options)


def append_route(destination: str, **options: Unpack[RouteOptions]) -> bytes:
    """Add a route behind those of the same destination and metric."""
    return _made(c.NLM_F_CREATE | c.NLM_F_APPEND, destination, options)


def delete_route(destination: str, **options: Unpack[RouteOptions]) -> bytes:
    """Delete the first route that has what is given; without `via` that is all its next hops."""
    told = options.get("protocol", 0), c.RT_SCOPE_NOWHERE, c.RTN_UNSPEC
    return _route(c.RTM_DELROUTE, 0, destination, options, told)


def get_routes(*, table: int | None = c.RT_TABLE_MAIN, protocol: int = 0) -> Query[Route]:
    """The routes of a table (None: all), of one protocol only (0: all), filtered in the kernel; for `Socket.dump`."""
    head = RTMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, protocol, 0, 0, 0)
    return Query(message(c.RTM_GETROUTE, c.NLM_F_DUMP, head, u32(c.RTA_TABLE, table)), parse_route)


def get_way(address: str) -> Query[Route]:
    """The way by which packets to an address go, as the kernel looks it up; for `Socket.ask`."""
    to = ipaddress.ip_address(address)
    head = RTMSG.pack(FAMILY[to.version], to.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    return Query(message(c.RTM_GETROUTE, 0, head, attribute(c.RTA_DST, to.packed)), parse_route)


def get_connected(version: int) -> Query[Connected]:
    """The routes that the kernel made of addresses of IPv4 or IPv6, in its main table; for `Socket.dump`.

    There is no such table of IPv4 where no interface was ever up and a rule was made before.
    """
    head = RTMSG.pack(FAMILY[version], 0, 0, 0, 0, c.RTPROT_KERNEL, 0, 0, 0)
    asked = message(c.RTM_GETROUTE, c.NLM_F_DUMP, head, u32(c.RTA_TABLE, c.RT_TABLE_MAIN))
    return Query(asked, parse_connected, errno.ENOENT)


def _made(flags: int, destination: str, options: RouteOptions) -> bytes:
    """Ask for a route, of the link's scope where it has no gateway; for IPv6 that means nothing."""
    scope = c.RT_SCOPE_UNIVERSE if ":" in destination or options.get("via") else c.RT_SCOPE_LINK
    told = options.get("protocol", c.RTPROT_STATIC), scope, c.RTN_UNICAST
    return _route(c.RTM_NEWROUTE, flags, destination, options, told)


def _route(kind: int, flags: int, destination: str, options: RouteOptions, told: tuple[int, int, int]) -> bytes:
    network, source = ipaddress.ip_network(destination, strict=False), options.get("source")
    return message(
        kind,
        flags,
        RTMSG.pack(FAMILY[network.version], network.prefixlen, 0, 0, c.RT_TABLE_MAIN, *told, 0),
        attribute(c.RTA_DST, network.network_address.packed),
        _next_hops(network.version, options.get("via", ()), options.get("devices", ())),
        u32(c.RTA_PRIORITY, options.get("metric") or None),
        attribute(c.RTA_PREFSRC, ipaddress.ip_address(source).packed) if source else b"",
        u32(c.RTA_TABLE, c.RT_TABLE_MAIN),
    )


def _next_hops(version: int, via: Sequence[str], devices: Sequence[int]) -> bytes:
    if max(len(via), len(devices)) <= 1:
        return (_gateway(version, via[0]) if via else b"") + u32(c.RTA_OIF, devices[0] if devices else None)
    fill = devices[0] if len(devices) == 1 else 0
    hops = b""
    for gateway, device in zip_longest(via, devices):
        inner = _gateway(version, gateway) if gateway else b""
        hops += RTNEXTHOP.pack(RTNEXTHOP.size + len(inner), 0, 0, device or fill) + inner
    return attribute(c.RTA_MULTIPATH, hops)


def _gateway(version: int, gateway: str) -> bytes:
    address = ipaddress.ip_address(gateway)
    if address.version == version:
        return attribute(c.RTA_GATEWAY, address.packed)
    by_other_family = struct.pack("=H", FAMILY[address.version]) + address.packed
    return attribute(c.RTA_VIA, by_other_family)  # IPv4 by an IPv6 neighbour
