"""Addresses that two have on one link, be it a veth pair, a bridge or a Docker network; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_interface
from typing import NamedTuple

from reconciler.kinds import networking, nodes
from reconciler.kinds.addresses import is_link_local, written
from reconciler.kinds.entry import entries
from reconciler.kinds.network.kept import on_bridge
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.veth.ends import pairs
from reconciler.model import ResourceKey

_ON_A_NETWORK = ("ipv4_address", "ipv6_address")


class Has(NamedTuple):
    """Who has an address on a link, in which node, and where the file says so."""

    link: ResourceKey
    address: str
    who: str
    node: ResourceKey
    pointer: Pointer


def check(source: Source) -> None:
    """Note what an end has and another has as well, once each; what both have in one node is told as that."""
    first = {(each.link, each.address): each for each in (*_bridges(source), *_gateways(source), *_connected(source))}
    for each in _ends(source):
        other = first.setdefault((each.link, each.address), each)
        if other.node != each.node:
            message = f"address {each.address} on {each.link} is taken already by {other.who}"
            source.problem(each.pointer, message, f"declared at {source.file.problem(other.pointer, '').position}")


def _ends(source: Source) -> Iterator[Has]:
    """Yield what the ends of pairs have on the pair, or on what the other end is a port of."""
    for pair in source.once(pairs):
        for end, other in (pair.ends, pair.ends[::-1]):
            link = other.owner if other.is_port else pair.key
            for each in end.addresses:
                if not is_link_local(each):
                    yield Has(link, each.partition("/")[0], end.label, end.node, end.pointer)


def _bridges(source: Source) -> Iterator[Has]:
    """Yield what bridges have themselves."""
    for name, entry in source.section("bridges").items():
        key, pointer = ResourceKey("bridge", name), ("bridges", name, "addresses")
        for address in _bare((entry or {}).get("addresses") or ()):
            yield Has(key, address, str(key), nodes.node_of_bridge(source, name), pointer)


def _gateways(source: Source) -> Iterator[Has]:
    """Yield what the bridges of networks have themselves: nodes of their own, lest one in the host is left out."""
    for name, entry in source.section("networks").items():
        key = ResourceKey("network", name)
        for at, address in on_bridge(entry or {}):
            yield Has(key, written(address), f"the gateway of {key}", key, ("networks", name, "ipam", "config", at))


def _connected(source: Source) -> Iterator[Has]:
    """Yield what containers are given on networks."""
    for entry in entries(source):
        key = ResourceKey("container", entry.name)
        for network, said in networking.networks(entry).items():
            for field in _ON_A_NETWORK:
                for address in _bare([said[field]] if said.get(field) else ()):
                    pointer = entry.pointer("networks", network, field)
                    yield Has(ResourceKey("network", network), address, str(key), key, pointer)


def _bare(texts: Iterable[str]) -> Iterator[str]:
    """Yield addresses as those of ends are written; what is none is told by whose it is."""
    for each in texts:
        with suppress(ValueError):
            yield written(ip_interface(each).ip)
