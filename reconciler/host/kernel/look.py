"""One look into every network namespace there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.errors import EngineUnreachable
from reconciler.host import netns
from reconciler.host.kernel.notes import notes
from reconciler.host.kernel.peer import stranger
from reconciler.host.kernel.space import HOST, NOWHERE, Place, Space, Where
from reconciler.host.marks import Mark, of_alias
from reconciler.host.netlink import Address, Link, Socket, get_addresses, get_links, get_routes, sockets
from reconciler.model import ResourceKey

if TYPE_CHECKING:
    from reconciler.host.engine_scope import EngineScope

_PIDS = 4
"""How many of a namespace's processes are remembered as ways back into it."""


class Kernel:
    """The network namespaces of the machine, as one look saw them; nothing stays open.

    `nodes` says in which of them each node is; `stranger` is the reason, if there is one, why containers cannot be
    reached: their engine lives in another network namespace.
    """

    def __init__(self, scope: EngineScope) -> None:
        self.scope = scope
        shorts = ((Mark("", key).short.key, key) for key in scope.desired.resources)
        self._long = {short: key for short, key in shorts if short != key}
        self.containers, self.stranger = _containers(scope)
        with netns.all_namespaces() as found:
            opened = sockets([each.fd for each in found])
            try:
                self._look(found, opened)
            finally:
                for each in opened:
                    each.close()

    def _look(self, found: list[netns.Namespace], opened: list[Socket]) -> None:
        spaces = [_space(*each) for each in zip(found, opened, strict=True)]
        places = dict(_nodes(self, found, spaces))
        wanted = {*places.values(), *(at for at, each in enumerate(spaces) if self._concerns(each))}
        self.spaces = tuple(
            _detailed(each, found[at].fd, opened[at]) if at in wanted else each for at, each in enumerate(spaces)
        )
        self.nodes = MappingProxyType({key: self.spaces[at] for key, at in places.items()})

    def _concerns(self, space: Space) -> bool:
        return any(self.mine(link) for link in space.links.values())

    def mine(self, link: Link | None) -> Mark | None:
        """Return the mark of a link if it is of this topology, and of this host."""
        mark = of_alias(link.alias) if link else None
        if mark is None or (mark.topology, mark.host) != (self.scope.name, self.scope.host.identity):
            return None
        return replace(mark, key=self.whole(mark.key)) if mark.key in self._long else mark

    def whole(self, key: ResourceKey) -> ResourceKey:
        """Return the declared key that a mark had no room for; any other as it is."""
        return self._long.get(key, key)

    @property
    def host(self) -> Space:
        """The namespace that we, and the engine, live in."""
        return self.nodes[HOST]

    @cached_property
    def residents(self) -> Mapping[int, tuple[ResourceKey, ...]]:
        """The nodes in each namespace by its cookie; the one that the namespace is of comes first."""
        found: dict[int, list[ResourceKey]] = defaultdict(list)
        for key, space in self.nodes.items():
            found[space.place.cookie].append(key)
        return MappingProxyType({cookie: tuple(keys) for cookie, keys in found.items()})

    def where(self, node: ResourceKey | None) -> Where:
        """Say how a node is found again by its live name."""
        if node == HOST:
            return Where(HOST)
        if node is None or node not in self.nodes:
            return NOWHERE
        if node in self.containers:
            return Where(node, self.containers[node]["Name"].removeprefix("/"))
        return Where(node, next(iter(self.nodes[node].place.names), ""))

    def node_of(self, space: Space, preferred: ResourceKey | None = None) -> ResourceKey | None:
        """Return the node whose namespace this is; the preferred one if it is among those that share it."""
        keys = self.residents.get(space.place.cookie, ())
        return preferred if preferred in keys else next(iter(keys), None)

    def marked(self, kind: str) -> Iterator[tuple[Mark, Space, Link]]:
        """Yield the links that carry a mark of this topology for a kind."""
        for space in self.spaces:
            for link in space.links.values():
                mark = self.mine(link)
                if mark and mark.key.kind == kind:
                    yield mark, space, link

    @cached_property
    def _by_indices(self) -> Mapping[tuple[int, int], tuple[Space, ...]]:
        found: dict[tuple[int, int], list[Space]] = defaultdict(list)
        for space in self.spaces:
            for link in space.links.values():
                if link.kind == "veth" and link.peer_index:
                    found[link.index, link.peer_index].append(space)
        return {key: tuple(each) for key, each in found.items()}

    def peer(self, space: Space, link: Link) -> tuple[Space, Link] | None:
        """Find the other end of a veth; None where it cannot be told for sure."""
        if link.peer_index is None:
            return None
        found = self._by_indices.get((link.peer_index, link.index), ())
        if link.peer_nsid is None:
            found = tuple(each for each in found if each is space)
        if len(found) != 1:
            return None
        return found[0], found[0].links[link.peer_index]


def _containers(scope: EngineScope) -> tuple[dict[ResourceKey, dict[str, Any]], str]:
    """The inspections of the containers that are nodes, by key; none where no engine is in reach."""
    try:
        inspected = scope.containers.values()
    except Exception as error:
        if isinstance(scope.host.explain(error), EngineUnreachable):
            return {}, ""
        raise
    found = {key: each for each in inspected if each and (key := _container_key(scope, each))}
    return found, stranger(scope.host) if found or _declares_containers(scope) else ""


def _declares_containers(scope: EngineScope) -> bool:
    return any(each.key.kind in ("container", "network") for each in scope.desired)


def _container_key(scope: EngineScope, inspected: Mapping[str, Any]) -> ResourceKey | None:
    mark = scope.mark(inspected["Config"].get("Labels"))
    if mark and mark.key.kind == "container":
        return mark.key
    return scope.wanted.get(("container", inspected["Name"].removeprefix("/")))


def _space(found: netns.Namespace, socket: Socket) -> Space:
    links = {each.index: each for each in socket.dump(get_links())}
    return Space(Place(socket.cookie, found.names, found.pids[:_PIDS]), MappingProxyType(links))


def _detailed(space: Space, fd: int, socket: Socket) -> Space:
    addresses: dict[int, list[Address]] = defaultdict(list)
    for each in socket.dump(get_addresses()):
        addresses[each.index].append(each)
    by_index = MappingProxyType({index: tuple(each) for index, each in addresses.items()})
    return replace(space, addresses=by_index, routes=tuple(socket.dump(get_routes())), sysctls=_remembered(space, fd))


def _remembered(space: Space, fd: int) -> Mapping[str, str]:
    keys = ["=".join(parts) for parts in notes(space.loopback, "sysctl")]
    return MappingProxyType(netns.call(fd, _values, keys) if keys else {})


def _values(keys: list[str]) -> dict[str, str]:
    return {key: read_sysctl(key) for key in keys}


def read_sysctl(key: str) -> str:
    """Read a `net.` sysctl where the calling thread is; empty if there is none."""
    try:
        return " ".join(Path("/proc/sys", key.replace(".", "/")).read_text().split())
    except OSError:
        return ""


def _nodes(kernel: Kernel, found: list[netns.Namespace], spaces: list[Space]) -> Iterator[tuple[ResourceKey, int]]:
    """Yield the nodes there are, each with the position of its namespace, owners before sharers."""
    own = Path("/proc/thread-self/ns/net").stat().st_ino
    yield HOST, next(at for at, each in enumerate(found) if each.inode == own)
    yield from _named(kernel, spaces)
    if not kernel.stranger:
        yield from _of_containers(kernel, found)


def _named(kernel: Kernel, spaces: list[Space]) -> Iterator[tuple[ResourceKey, int]]:
    wanted = kernel.scope.wanted
    desired = kernel.scope.desired.resources
    for at, space in enumerate(spaces):
        mark = kernel.mine(space.loopback)
        if mark and mark.key.kind == "namespace" and space.place.names:
            yield mark.key, at
        for name in space.place.names:
            key = wanted.get(("namespace", name))
            if key and not desired[key].owned:
                yield key, at


def _of_containers(kernel: Kernel, found: list[netns.Namespace]) -> Iterator[tuple[ResourceKey, int]]:
    by_pid = {pid: at for at, each in enumerate(found) for pid in each.pids}
    sharing = {key: _shares(each) for key, each in kernel.containers.items()}
    for key in sorted(kernel.containers, key=lambda key: (sharing[key], key)):
        pid = kernel.containers[key]["State"]["Pid"]
        if pid in by_pid:
            yield key, by_pid[pid]


def _shares(inspected: Mapping[str, Any]) -> bool:
    mode = str(inspected["HostConfig"]["NetworkMode"])
    return mode == "host" or mode.startswith("container:")
