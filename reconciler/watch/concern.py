"""Which of all that is heard concerns a topology, and in which words; pure."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.host.marks import PROTOCOL, TOPOLOGY
from reconciler.host.netlink import Link, Message, Route
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.nsids import nsid
from reconciler.host.netlink.parse import address, link, route
from reconciler.model import ResourceKey, Topology

OVERFLOW = "messages of the kernel were lost"
_THE_HOST = "the host"
_LINKS = {c.RTM_NEWLINK: "has changed", c.RTM_DELLINK: "is gone"}
_ROUTES = {c.RTM_NEWROUTE: "has changed in", c.RTM_DELROUTE: "is gone from"}
_FAMILY = struct.Struct("=B")
_AF_BRIDGE = 7
"""The family in which a bridge tells of its ports; not every Python has a name for it."""
HEALTHY = "health_status: healthy"
_OF_INTEREST = frozenset(
    {"start", "die", "pause", "unpause", "rename", "update", "create", "destroy"}
    | {"connect", "disconnect", "tag", "untag", "delete", "pull", "load", "import"}
)
EVENTS: dict[str, list[str]] = {
    "type": ["container", "network", "volume", "image"],
    "event": sorted({*_OF_INTEREST, "health_status"}),
}
"""The engine's filter: what it does not send wakes nobody, such as the commands of healthchecks."""


class News(NamedTuple):
    """Something that concerns us, in words, and the nodes or resources that it is about; none if it may be anything.

    `of` says what it is news of where that is known all the same.
    """

    reason: str
    about: frozenset[ResourceKey] = frozenset()
    of: str = ""


class KernelConcern:
    """What the kernel tells of the namespaces of our nodes, and of what is ours in the host.

    There that is what carries our mark, or has a name that the file declares: the links of others come and go all the
    time. `nodes` names the node of each namespace by the number that ours knows it under; `marked` tells by an alias
    which resource of ours a link is.
    """

    def __init__(self, marked: Callable[[str], ResourceKey | None]) -> None:
        self.nodes: Mapping[int, ResourceKey] = {}
        self._marked = marked
        self._declared: Mapping[str, frozenset[ResourceKey]] = {}
        self._ours: dict[int, frozenset[ResourceKey]] = {}

    def know(
        self,
        nodes: Mapping[int, ResourceKey],
        declared: Mapping[str, frozenset[ResourceKey]],
        links: Iterable[Link],
    ) -> None:
        """Learn which namespaces there are, what declares which names in the host, and which links that has now."""
        self.nodes, self._declared = dict(nodes), declared
        self._ours = {each.index: whose for each in links if (whose := self._whose(each))}

    def news(self, message: Message | None) -> News | None:
        """Say what a message tells that concerns us."""
        if message is None:
            return News(OVERFLOW)
        if message.nsid is None and message.kind == c.RTM_DELNSID:
            return self._gone(nsid(message.body, 0, len(message.body)))
        if message.nsid is not None and message.nsid not in self.nodes:
            return None
        node = None if message.nsid is None else self.nodes[message.nsid]
        if message.kind in _LINKS:
            return self._of_link(message, node)
        if message.kind == c.RTM_DELADDR:  # what comes is no drift, and many come by themselves (IPv6)
            return self._of_address(message, node)
        return self._of_route(message, node) if message.kind in _ROUTES else None

    def _gone(self, number: int) -> News | None:
        return News(f"the network namespace of {self.nodes[number]} is gone") if number in self.nodes else None

    def _of_link(self, message: Message, node: ResourceKey | None) -> News | None:
        family = _FAMILY.unpack_from(message.body)[0]
        if family not in (socket.AF_UNSPEC, _AF_BRIDGE):
            return None
        found = link(message.body, 0, len(message.body))
        about = frozenset((node,)) if node else self._of_host(found, message.kind, family)
        return News(f"{found.name} in {node or _THE_HOST} {_LINKS[message.kind]}", about) if about else None

    def _of_host(self, found: Link, kind: int, family: int) -> frozenset[ResourceKey]:
        """Return what a link of the host concerns; one that loses its mark or name does still: that is drift."""
        was = self._ours.get(found.index, frozenset())
        if family == _AF_BRIDGE:  # tells nothing of whose it is
            return was
        now = self._whose(found)
        if kind == c.RTM_NEWLINK and (now or was):
            self._ours[found.index] = now or was
        else:
            self._ours.pop(found.index, None)
        return was | now

    def _whose(self, found: Link) -> frozenset[ResourceKey]:
        """Return what a link of the host is of, by its mark or else by its names; nothing where it is a stranger's."""
        marked = self._marked(found.alias)
        if marked:
            return frozenset((marked,))
        names = (self._declared.get(each, frozenset()) for each in (found.name, *found.altnames))
        return frozenset().union(*names)

    def _of_address(self, message: Message, node: ResourceKey | None) -> News | None:
        found = address(message.body, 0, len(message.body))
        if found is None:
            return None
        about = frozenset((node,)) if node else self._ours.get(found.index)
        return News(f"{found.address} is gone from an interface in {node or _THE_HOST}", about) if about else None

    def _of_route(self, message: Message, node: ResourceKey | None) -> News | None:
        """What a routing daemon adds and takes is its own; ours is taken by hand, or another takes its place.

        So is what the kernel made of an address. With NLM_F_EXCL it is new, as when we make it.
        """
        found = route(message.body, 0, len(message.body))
        if found is None or (message.kind == c.RTM_NEWROUTE and message.flags & c.NLM_F_EXCL):
            return None
        about = frozenset((node,) if node else ())
        if found.protocol != PROTOCOL and not message.flags & c.NLM_F_REPLACE:
            about |= frozenset().union(*(self._ours.get(each, frozenset()) for each in found.devices if not node))
            if not about or not _is_of_an_address(message, found):
                return None
        where = node or _THE_HOST
        return News(f"the route to {found.destination} {_ROUTES[message.kind]} {where}", about, of=f"routes of {where}")


def _is_of_an_address(message: Message, found: Route) -> bool:
    return message.kind == c.RTM_DELROUTE and (found.protocol, found.table) == (c.RTPROT_KERNEL, c.RT_TABLE_MAIN)


class EngineConcern:
    """What the engine tells of our containers, networks, volumes and images.

    That is what carries our mark, has a name that the file declares, or is a network of which one of ours is told; and
    a container that the file does not declare, whose network one of ours shares.
    """

    def __init__(self, topology: str) -> None:
        self.topology = topology
        self.names: Collection[str] = frozenset()
        self.ids: Collection[str] = frozenset()
        self.images = False

    def know(self, desired: Topology, observed: Topology) -> None:
        """Learn the names that the file declares, and the ids of what there is."""
        names = {getattr(each.spec, "name", "") for each in desired}
        shared = {getattr(each.spec, "target", "") for each in desired.of_kind("container")}
        self.names = frozenset((names | shared) - {""})
        self.ids = frozenset(str(each.live["id"]) for each in observed if each.live.get("id"))
        self.images = bool(desired.of_kind("image"))

    def news(self, event: Mapping[str, Any]) -> News | None:
        """Say what an event tells that concerns us.

        What it is news of is a container of ours, else what has the name; images, of which there are ever others, are
        one.
        """
        attributes: Mapping[str, str] = event.get("Actor", {}).get("Attributes") or {}
        identity, kind = str(event.get("Actor", {}).get("ID") or ""), str(event.get("Type"))
        action = str(event.get("Action"))
        if action not in (*_OF_INTEREST, HEALTHY) or not self._concerns(kind, identity, attributes):
            return None
        whom, name = attributes.get("container", ""), attributes.get("name") or identity
        of = kind if kind == "image" else whom if whom in self.ids else f"{kind} {name}"
        return News(f"{kind} {name}: {action}{whom and f' {whom[:12]}'}", of=of)

    def _concerns(self, kind: str, identity: str, attributes: Mapping[str, str]) -> bool:
        if kind == "image":
            return self.images
        ours = attributes.get(TOPOLOGY) == self.topology
        named = {attributes.get("name"), attributes.get("oldName", "").removeprefix("/"), identity}
        return ours or not named.isdisjoint(self.names) or attributes.get("container") in self.ids
