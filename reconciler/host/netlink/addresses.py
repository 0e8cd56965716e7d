"""Requests about addresses (RTM_*ADDR); man 8 ip-address says what they mean."""

import ipaddress
import socket

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import IFADDRMSG, attribute, message, u8, u32
from reconciler.host.netlink.links import CREATE
from reconciler.host.netlink.nouns import Address
from reconciler.host.netlink.parse import address as parse_address
from reconciler.host.netlink.query import Query

FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def add_address(index: int, address: str, *, protocol: int | None = None, nodad: bool = False) -> bytes:
    """Give an interface an address such as `10.0.0.1/24`.

    `protocol` (1 to 255, IFA_PROTO) marks whose it is; kernels before 5.18 ignore it.
    """
    flags = u32(c.IFA_FLAGS, c.IFA_F_NODAD if nodad else None)
    return message(c.RTM_NEWADDR, CREATE, _address(index, address), u8(c.IFA_PROTO, protocol), flags)


def delete_address(index: int, address: str) -> bytes:
    """Take an address from an interface."""
    return message(c.RTM_DELADDR, 0, _address(index, address))


def get_addresses() -> Query[Address]:
    """All IPv4 and IPv6 addresses of the namespace, for `Socket.dump`."""
    return Query(message(c.RTM_GETADDR, c.NLM_F_DUMP, IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)), parse_address)


def _address(index: int, address: str) -> bytes:
    interface = ipaddress.ip_interface(address)
    family = FAMILY[interface.version]
    scope = c.RT_SCOPE_HOST if family == socket.AF_INET and interface.is_loopback else c.RT_SCOPE_UNIVERSE
    head = IFADDRMSG.pack(family, interface.network.prefixlen, 0, scope, index)
    packed = interface.ip.packed
    return head + attribute(c.IFA_LOCAL, packed) + attribute(c.IFA_ADDRESS, packed)
