"""A network namespace as one look saw it, and where to find it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from reconciler.host.netlink import VETH, Address, Connected, Link, Route
from reconciler.model import HOST, ResourceKey
from reconciler.value import dataclass

LOOPBACK = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network namespace is found again: its identity (SO_NETNS_COOKIE), its names, some of its processes."""

    cookie: int
    names: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()


class Where(NamedTuple):
    """A node as a step names it: its key, its live name, and the topology whose mark it carries, if it is ours."""

    key: ResourceKey
    live: str = ""
    topology: str = ""

    def __str__(self) -> str:
        return "the host" if self.key == HOST else f"{self.key.kind} {self.live}"


NOWHERE = Where(ResourceKey("nowhere", "nowhere"))
"""Of what is in no node that could be found again: nothing can be made there."""


@dataclass(frozen=True)
class Space:
    """A network namespace: its links by index, and of one that concerns the topology also what the links have.

    `connected` are the subnets that the kernel knows to be on its links, `sysctls` the values of those that a note on
    `lo` remembers, or that its container was made with.
    """

    place: Place
    links: Mapping[int, Link]
    addresses: Mapping[int, tuple[Address, ...]] = field(default_factory=lambda: MappingProxyType({}))
    routes: tuple[Route, ...] = ()
    connected: frozenset[Connected] = frozenset()
    sysctls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def loopback(self) -> Link | None:
        """Its `lo`."""
        return self.links.get(LOOPBACK)

    def link(self, name: str) -> Link | None:
        """Find a link by its name or one of its altnames."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Link]:
        return {name: each for each in self.links.values() for name in (each.name, *each.altnames)}

    def endpoint(self, mac: str, addresses: Collection[str] = ()) -> Link | None:
        """Find the link of a Docker endpoint by its MAC address, which a VLAN on it or a bridge over it has as well.

        Two endpoints may have one MAC address while that moves; their addresses tell them apart.
        """

        def rank(link: Link) -> tuple[bool, bool, int]:
            held = (each.address.partition("/")[0] for each in self.addresses.get(link.index, ()))
            return link.kind != VETH, link.kind == VETH and set(addresses).isdisjoint(held), link.index

        found = (each for each in self.links.values() if mac and each.mac == mac)
        return min(found, key=rank, default=None)

    def ports(self, master: int) -> tuple[Link, ...]:
        """Return the links that are in a bridge."""
        return self._by_master.get(master, ())

    @cached_property
    def _by_master(self) -> Mapping[int, tuple[Link, ...]]:
        found: dict[int, list[Link]] = defaultdict(list)
        for each in self.links.values():
            if each.master:
                found[each.master].append(each)
        return {master: tuple(ports) for master, ports in found.items()}
