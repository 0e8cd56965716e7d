"""Replies to nouns; of all their attributes, only those that the nouns have are decoded."""

import socket
import struct

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import IFADDRMSG, RTMSG, RTNEXTHOP, as_int, as_mac, as_s32, as_text, attributes, each
from reconciler.host.netlink.nouns import Address, BridgeParameters, Connected, Link, PortParameters, Route

_LINK = frozenset(
    (
        c.IFLA_IFNAME,
        c.IFLA_ADDRESS,
        c.IFLA_MTU,
        c.IFLA_LINK,
        c.IFLA_MASTER,
        c.IFLA_OPERSTATE,
        c.IFLA_LINKINFO,
        c.IFLA_IFALIAS,
        c.IFLA_LINK_NETNSID,
        c.IFLA_PROP_LIST,
    )
)
_INFO = frozenset((c.IFLA_INFO_KIND, c.IFLA_INFO_DATA, c.IFLA_INFO_SLAVE_KIND, c.IFLA_INFO_SLAVE_DATA))
_BRIDGE = frozenset((*range(c.IFLA_BR_FORWARD_DELAY, c.IFLA_BR_PRIORITY + 1), c.IFLA_BR_TOPOLOGY_CHANGE))
_PORT = frozenset((c.IFLA_BRPORT_PRIORITY, c.IFLA_BRPORT_COST, c.IFLA_BRPORT_MODE))
_ADDRESS = frozenset((c.IFA_ADDRESS, c.IFA_LOCAL, c.IFA_FLAGS, c.IFA_PROTO))
_ROUTE = frozenset(
    (c.RTA_DST, c.RTA_OIF, c.RTA_GATEWAY, c.RTA_PRIORITY, c.RTA_PREFSRC, c.RTA_MULTIPATH, c.RTA_TABLE, c.RTA_VIA)
)
_CONNECTED = frozenset((c.RTA_DST, c.RTA_OIF))
_INDEX_FLAGS = struct.Struct("=4xiI")
_ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - the destination of a default route
_NONE = b"\0"
_OPERSTATE = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")
"""As `ip` says it (RFC 2863)."""


def link(buffer: bytes, start: int, end: int) -> Link:
    """An RTM_NEWLINK: struct ifinfomsg and attributes."""
    index, flags = _INDEX_FLAGS.unpack_from(buffer, start)
    found = attributes(buffer, start + 16, end, _LINK)
    info = _nested(found, c.IFLA_LINKINFO, _INFO)
    kind = as_text(info.get(c.IFLA_INFO_KIND, b""))
    port = _port(info) if info.get(c.IFLA_INFO_SLAVE_KIND) == b"bridge\0" else None
    operstate = as_int(found.get(c.IFLA_OPERSTATE, _NONE))
    return Link(
        index=index,
        name=as_text(found[c.IFLA_IFNAME]),
        kind=kind,
        mac=as_mac(found.get(c.IFLA_ADDRESS, b"")),
        mtu=as_int(found.get(c.IFLA_MTU, _NONE)),
        up=bool(flags & c.IFF_UP),
        operstate=_OPERSTATE[operstate] if operstate < len(_OPERSTATE) else str(operstate),
        master=_optional(found, c.IFLA_MASTER),
        alias=as_text(found.get(c.IFLA_IFALIAS, b"")),
        altnames=_altnames(found[c.IFLA_PROP_LIST]) if c.IFLA_PROP_LIST in found else (),
        peer_index=_optional(found, c.IFLA_LINK),
        peer_nsid=_optional(found, c.IFLA_LINK_NETNSID),
        bridge=_bridge(info) if kind == "bridge" else None,
        port=port,
    )


def _nested(found: dict[int, bytes], kind: int, wanted: frozenset[int]) -> dict[int, bytes]:
    nest = found.get(kind, b"")
    return attributes(nest, 0, len(nest), wanted)


def _optional(found: dict[int, bytes], kind: int) -> int | None:
    return as_s32(found[kind]) if kind in found else None


def _altnames(properties: bytes) -> tuple[str, ...]:
    return tuple(as_text(payload) for kind, payload in each(properties) if kind == c.IFLA_ALT_IFNAME)


def _bridge(info: dict[int, bytes]) -> BridgeParameters:
    found = {kind: as_int(payload) for kind, payload in _nested(info, c.IFLA_INFO_DATA, _BRIDGE).items()}
    return BridgeParameters(
        stp=bool(found[c.IFLA_BR_STP_STATE]),
        priority=found[c.IFLA_BR_PRIORITY],
        hello_time=found[c.IFLA_BR_HELLO_TIME],
        max_age=found[c.IFLA_BR_MAX_AGE],
        forward_delay=found[c.IFLA_BR_FORWARD_DELAY],
        ageing_time=found[c.IFLA_BR_AGEING_TIME],
        topology_change=bool(found.get(c.IFLA_BR_TOPOLOGY_CHANGE)),
    )


def _port(info: dict[int, bytes]) -> PortParameters:
    found = {kind: as_int(payload) for kind, payload in _nested(info, c.IFLA_INFO_SLAVE_DATA, _PORT).items()}
    return PortParameters(
        path_cost=found[c.IFLA_BRPORT_COST],
        priority=found[c.IFLA_BRPORT_PRIORITY],
        hairpin=bool(found[c.IFLA_BRPORT_MODE]),
    )


def address(buffer: bytes, start: int, end: int) -> Address | None:
    """An RTM_NEWADDR: struct ifaddrmsg and attributes; of a point-to-point address the near side (IFA_LOCAL)."""
    family, prefix, flags, scope, index = IFADDRMSG.unpack_from(buffer, start)
    if family not in _ANY:
        return None
    found = attributes(buffer, start + IFADDRMSG.size, end, _ADDRESS)
    prefixed = found[c.IFA_ADDRESS]
    own = found.get(c.IFA_LOCAL, prefixed)
    flags = as_int(found[c.IFA_FLAGS]) if c.IFA_FLAGS in found else flags
    protocol = found.get(c.IFA_PROTO, _NONE)[0]
    return Address(index, f"{socket.inet_ntop(family, own)}/{prefix}", scope, protocol, flags, own != prefixed)


def route(buffer: bytes, start: int, end: int) -> Route | None:
    """An RTM_NEWROUTE: struct rtmsg and attributes."""
    family, prefix, _, tos, table, protocol, _, kind, flags = RTMSG.unpack_from(buffer, start)
    if family not in _ANY:
        return None
    found = attributes(buffer, start + RTMSG.size, end, _ROUTE)
    hops = _next_hops(family, found, flags)
    gateways = tuple(gateway for gateway, _, _ in hops)
    return Route(
        destination=f"{_ip(family, found.get(c.RTA_DST)) or _ANY[family]}/{prefix}",
        gateways=gateways if any(gateways) else (),
        devices=tuple(device for _, device, _ in hops if device),
        metric=as_int(found.get(c.RTA_PRIORITY, _NONE)),
        protocol=protocol,
        table=as_int(found[c.RTA_TABLE]) if c.RTA_TABLE in found else table,
        type=kind,
        source=_ip(family, found.get(c.RTA_PREFSRC)) or None,
        dead=any(hop_flags & c.RTNH_F_DEAD for _, _, hop_flags in hops),
        tos=tos,
    )


def connected(buffer: bytes, start: int, end: int) -> Connected:
    """An RTM_NEWROUTE of which it is enough to know which subnet is on the link of which interface."""
    found = attributes(buffer, start + RTMSG.size, end, _CONNECTED)
    return int.from_bytes(found.get(c.RTA_DST, b"")), buffer[start + 1], as_int(found.get(c.RTA_OIF, _NONE))


def _next_hops(family: int, found: dict[int, bytes], flags: int) -> list[tuple[str, int, int]]:
    several = found.get(c.RTA_MULTIPATH)
    if several is None:
        return [(_gateway(family, found), as_int(found.get(c.RTA_OIF, _NONE)), flags)]
    hops, start = [], 0
    while start + RTNEXTHOP.size <= len(several):
        length, hop_flags, _, device = RTNEXTHOP.unpack_from(several, start)
        inner = attributes(several, start + RTNEXTHOP.size, start + length, _ROUTE)
        hops.append((_gateway(family, inner), device, hop_flags))
        start += (length + 3) & ~3
    return hops


def _gateway(family: int, found: dict[int, bytes]) -> str:
    if via := found.get(c.RTA_VIA):
        return _ip(as_int(via[:2]), via[2:])
    return _ip(family, found.get(c.RTA_GATEWAY))


def _ip(family: int, packed: bytes | None) -> str:
    return socket.inet_ntop(family, packed) if packed else ""
