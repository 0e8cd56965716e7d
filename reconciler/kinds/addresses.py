"""Addresses, prefixes and MAC addresses as specs hold them: written as the kernel writes them; pure."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from reconciler.host.netlink import Connected
from reconciler.kinds.source import Pointer, Source
from reconciler.model import Claim

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
IPV6_MTU = 1280
"""Below this MTU an interface has no IPv6 (RFC 8200)."""
_IPV6, _WHOLE = 6, 32
_LENGTHS = {str(each): each for each in range(_WHOLE + 1)}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_WITH_LENGTH = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")
"""Python also takes a bare address, a netmask, and a zone."""
_GROUP = 1
"""The bit of the first byte that makes a MAC address that of many."""


@lru_cache(65_536)
def interface(text: str) -> Interface:
    """Read an address with its prefix length, each text once in many; ValueError if it is none.

    One of IPv4 as it is mostly written is handed on as numbers, which is several times as fast; all else is as a text.
    """
    address, _, length = text.partition("/")
    try:
        number, bits = int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big"), _LENGTHS[length]
    except (OSError, ValueError, KeyError):
        return ipaddress.ip_interface(text)
    return ipaddress.IPv4Interface((number, bits))


def written(address: IP) -> str:
    """Write an address as one that is read of the kernel is: Python has hexadecimals for an IPv4 address in it."""
    return socket.inet_ntop(_FAMILIES[address.version], address.packed)


@lru_cache(65_536)
def plain(address: str) -> str:
    """Write an address that the engine tells as specs do, each once in many; what is none stays as it is.

    The engine writes an IPv4 address in one of IPv6 as such, and older ones whatever was said at first.
    """
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def with_length(found: Interface) -> str:
    """Write an address with its prefix length."""
    return f"{written(found)}/{found.network.prefixlen}"


def interface_addresses(source: Source, pointer: Pointer, texts: Iterable[str]) -> tuple[str, ...]:
    """Normalise addresses with their prefix lengths, in order; what is none is noted as a problem."""
    found = (interface_address(source, (*pointer, number), text) for number, text in enumerate(texts))
    return in_order([each for each in found if each])


def in_order(found: Sequence[str]) -> tuple[str, ...]:
    """Sort addresses by their texts, but for the first of each IPv4 subnet: from that the interface speaks there."""
    if len(found) <= 1:
        return tuple(found)
    groups = sorted(by_subnet(found).values(), key=min)
    return tuple(each for group in groups for each in (*group[:1], *sorted(group[1:])))


def by_subnet(found: Iterable[str]) -> Mapping[Network, list[str]]:
    """Group addresses by their subnets; the order within has a meaning for IPv4 only."""
    groups: dict[Network, list[str]] = defaultdict(list)
    for each in dict.fromkeys(found):
        groups[interface(each).network].append(each)
    return {subnet: sorted(group) if subnet.version == _IPV6 else group for subnet, group in groups.items()}


def interface_address(source: Source, pointer: Pointer, text: str) -> str:
    """Normalise an address with its prefix length; empty, and a problem, if it is none."""
    try:
        found = interface(text) if _WITH_LENGTH.fullmatch(text) else None
    except ValueError:
        found = None
    if not found:
        source.problem(pointer, f"{text!r} is not an address with its prefix length", "e.g. 10.0.0.1/24")
        return ""
    if found.is_multicast or found.is_loopback or not int(found):
        source.problem(pointer, f"{text!r} cannot be the address of an interface")
        return ""
    return with_length(found)


def connected_of(address: str, index: int) -> Connected | None:
    """Return the subnet that is on the link by an address of it; None where the kernel makes no route of it.

    That is so for a single address of IPv4, and for the network 0 (fib_add_ifaddr).
    """
    network = interface(address).network
    number, length = int(network.network_address), network.prefixlen
    if network.version == _IPV6:
        return number, length, index
    return None if length == _WHOLE or not number >> 24 else (number, length, index)


def prefix_of(text: str) -> tuple[int, int]:
    """Return the subnet of an address, or of a prefix, as a number, and its length."""
    network = interface(text).network
    return int(network.network_address), network.prefixlen


def ip(source: Source, pointer: Pointer, text: str) -> str:
    """Normalise an address; empty, and a problem, if it is none."""
    try:
        return written(parsed(text))
    except ValueError as error:
        source.problem(pointer, str(error), "e.g. 10.0.0.1")
        return ""


def parsed(text: str) -> IP:
    """Read an address; a ValueError if it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an address") from None


def within(gateway: str, subnets: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the subnets, given as prefixes or interface addresses."""
    address = ipaddress.ip_address(gateway)
    found = (interface(each).network for each in subnets)
    return any(address.version == each.version and address in each for each in found)


def is_v6(address: str) -> bool:
    """Tell of which version an address or prefix is."""
    return ":" in address


def is_link_local(address: str) -> bool:
    """Tell whether an address means something on its link only, so that each of a node's interfaces can have it."""
    return is_v6(address) and interface(address).is_link_local


def claims_of(node: str, name: str, addresses: Iterable[str], *, beside: bool = False) -> tuple[Claim, ...]:
    """Return the claims on the addresses of one of a node's interfaces.

    What is `beside` all Docker networks has none that is in the subnet of one, either.
    """
    found = [(f"{node}:{name}" if is_link_local(each) else node, interface(each)) for each in addresses]
    scopes = (_scope, _scope_beside) if beside else (_scope,)
    return tuple(_claim(scope(where, each.version), where, each) for where, each in found for scope in scopes)


def _claim(scope: str, where: str, found: Interface) -> Claim:
    """Make the claim on an address; 10.0.0.1 and ::10.0.0.1 are the same number."""
    return Claim(scope, int(found), int(found), f"address {written(found)} in {where}")


def claim_on_all(node: str, subnet: str) -> Claim:
    """Return the claim of a Docker network on all addresses in its subnet that a node has beside Docker networks."""
    found = ipaddress.ip_network(subnet)
    low, high = int(found.network_address), int(found.broadcast_address)
    return Claim(_scope_beside(node, found.version), low, high, f"subnet {found}")


def _scope(where: str, version: int) -> str:
    return f"IPv{version} address {where}"


def _scope_beside(where: str, version: int) -> str:
    return f"{_scope(where, version)} beside networks"


def is_beside(claim: Claim, node: str) -> bool:
    """Tell whether a claim is on addresses that a node has beside Docker networks."""
    return claim.scope in _scopes_beside(node)


@lru_cache
def _scopes_beside(node: str) -> tuple[str, str]:
    return _scope_beside(node, 4), _scope_beside(node, _IPV6)


def mac(source: Source, pointer: Pointer, text: str | None) -> str | None:
    """Normalise a MAC address; one that no interface can have (is_valid_ether_addr in the kernel) is a problem."""
    if not text:
        return None
    if int(text[:2], 16) & _GROUP:
        source.problem(
            pointer, f"{text} is the MAC address of a group", "the first byte is even, e.g. 02:00:00:00:00:01"
        )
    elif not text.strip("0:"):
        source.problem(pointer, f"{text} is no MAC address of an interface", "e.g. 02:00:00:00:00:01")
    return text.lower()
