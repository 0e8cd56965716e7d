"""The interfaces that a file declares in a node, and what they reach; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds import nodes
from reconciler.kinds.addresses import interface, is_link_local, is_v6, with_length, within
from reconciler.kinds.masters import BRIDGE_NAME
from reconciler.kinds.source import Source
from reconciler.kinds.units import labels
from reconciler.kinds.veth.ends import EndsByNode
from reconciler.model import HOST, ResourceKey
from reconciler.value import dataclass

_PAIR = 2
"""A subnet of so many addresses has no broadcast address (RFC 3021)."""


@dataclass(frozen=True)
class Interface:
    """One of a node's interfaces: what makes it, its name if that is known, its addresses, its further subnets."""

    key: ResourceKey
    name: str
    addresses: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()

    @property
    def own(self) -> frozenset[str]:
        """Its addresses without their prefix lengths."""
        return frozenset(each.partition("/")[0] for each in self.addresses)

    def shouts_at(self, gateway: str) -> bool:
        """Tell whether an address is the one by which all of a subnet of IPv4 are meant."""
        subnets = (interface(each).network for each in self.addresses if not is_v6(each))
        return any(each.num_addresses > _PAIR and gateway == str(each.broadcast_address) for each in subnets)

    def has(self, address: str) -> bool:
        """Tell whether an address is its own, as far as the file knows: what is in a network's subnet may be."""
        return address in self.own or (bool(address) and within(address, self.subnets))

    def reaches(self, gateway: str, dev: str | None) -> bool:
        """Tell whether a next hop is on its link; where an interface is named it must be that one.

        A link-local one is on whichever link is named.
        """
        if dev and is_link_local(gateway):
            return dev == self.name
        named = not dev or not self.name or dev == self.name
        return named and within(gateway, (*self.addresses, *self.subnets))


def interfaces(source: Source, node: ResourceKey, ends: EndsByNode) -> Iterator[Interface]:
    """Yield the ends of veth pairs, the bridges and the connects in a node; in the host also the networks' bridges."""
    for key, end in ends.get(node, ()):
        yield Interface(key, end.interface, end.addresses)
    for name, entry in source.section("bridges").items():
        if nodes.node_of_bridge(source, name) == node:
            live, addresses = nodes.bridge_name(source, name)[0], (entry or {}).get("addresses") or ()
            found = tuple(with_length(interface(each)) for each in addresses if _is_address(each))
            yield Interface(ResourceKey("bridge", name), live, found)
    for network in nodes.docker_networks(source, node):
        key = ResourceKey("connect", f"{node.name}--{network}")
        yield Interface(key, "", subnets=_subnets(source, network))
    for name, entry in source.section("networks").items() if node == HOST else ():
        if (entry or {}).get("driver", "bridge") == "bridge":
            bridge = labels((entry or {}).get("driver_opts")).get(BRIDGE_NAME, "")
            yield Interface(ResourceKey("network", name), bridge, subnets=_subnets(source, name))


def _is_address(text: str) -> bool:
    try:
        within("0.0.0.0", [text])  # noqa: S104 - any address serves to read the other
    except ValueError:  # noted as a problem where the bridge is read
        return False
    return True


def _subnets(source: Source, network: str) -> tuple[str, ...]:
    entry: Mapping[str, Any] = source.section("networks").get(network) or {}
    configs = (entry.get("ipam") or {}).get("config") or ()
    return tuple(each["subnet"] for each in configs if _is_address(each["subnet"]))


def unknown_networks(source: Source, node: ResourceKey) -> tuple[ResourceKey, ...]:
    """Return the connects of a container whose subnets the engine, or somebody else, chooses."""
    names = nodes.docker_networks(source, node)
    return tuple(ResourceKey("connect", f"{node.name}--{each}") for each in names if not _subnets(source, each))


def reaches_more(source: Source, node: ResourceKey) -> bool:
    """Tell whether a node may reach next hops of which the file does not know."""
    if node == HOST or nodes.external(source, node) or _is_hidden(source, node):
        return True
    on_bridge = node.kind == "container" and nodes.entry(source, node).get("network_mode") == "bridge"
    return on_bridge or bool(unknown_networks(source, node))


def _is_hidden(source: Source, node: ResourceKey) -> bool:
    """Tell whether an interface of a node, or an address of one, may be among what was wrong in the file."""
    sections = ("include",), ("defaults",), ("veths",), ("bridges",), ("networks",)
    return any(map(source.incomplete, (*sections, (nodes.SECTIONS[node.kind], node.name))))
