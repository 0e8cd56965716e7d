"""One look into every network namespace there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.errors import EngineUnreachable, HostRefuses
from reconciler.host import netns
from reconciler.host.kernel.asking import Asking
from reconciler.host.kernel.elsewhere import elsewhere, stranger
from reconciler.host.kernel.known import Known
from reconciler.host.kernel.space import NOWHERE, Space, Where
from reconciler.host.marks import Mark, of_alias, of_labels, short_key
from reconciler.host.netlink import Link
from reconciler.host.netns import Namespace
from reconciler.model import HOST, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.engine_scope import EngineScope


class Kernel:
    """The network namespaces of the machine, as one look saw them; nothing stays open.

    `nodes` says in which of them each node is; `stranger` is the reason, if there is one, why containers cannot be
    reached: their engine lives, or may live, elsewhere. Where the host has but some `nodes` to be looked at, it is
    these alone that are entered, by what the last look at all of them found out; NotNow if one is elsewhere by now.
    It knows nothing of the scope that has it, so that both go as soon as nobody wants them any more.
    """

    def __init__(self, scope: EngineScope) -> None:
        memory, only = scope.host.memory, scope.host.nodes
        known = _found_out(scope) if memory is None or only is None else memory.recalled
        self._long, self.containers, self.stranger = known.long, known.containers, known.stranger
        self._marks: dict[str, Mark | None] = {"": None}
        self._whose = scope.name, scope.host.identity
        asking = Asking(self, scope)
        found = netns.visit(asking.space, None if only is None else known.ways(only))
        self.spaces = tuple(space for _, space in found)
        self._ways = {space.place.cookie: each for each, space in found}
        self._adopting = scope.adopting
        self.nodes = MappingProxyType(dict(asking.nodes(found)))
        if only is not None:
            known.insist(only, self.nodes)
        elif memory is not None:
            memory.known = replace(known, places=self._places())

    def _places(self) -> Mapping[ResourceKey, tuple[int, Namespace]]:
        cookies = {key: space.place.cookie for key, space in self.nodes.items()}
        return {key: (cookie, self._ways[cookie]) for key, cookie in cookies.items() if cookie}

    def mine(self, link: Link | None) -> Mark | None:
        """Return the mark of a link if it is of this topology, and of this host."""
        return self.mine_in(link.alias) if link else None

    def mine_in(self, alias: str) -> Mark | None:
        """Return the mark that an alias holds if it is of this topology, and of this host."""
        if alias not in self._marks:  # both ends of a veth have the same
            self._marks[alias] = self._read(alias)
        return self._marks[alias]

    def is_ours(self, space: Space) -> bool:
        """Tell whether a namespace itself is of this topology."""
        return self.mine(space.loopback) is not None

    def is_adopted(self, node: ResourceKey) -> bool:
        """Tell whether a node is not ours yet, and is to be taken over."""
        return node in self._adopting and node in self.nodes and not self.is_ours(self.nodes[node])

    def _read(self, alias: str) -> Mark | None:
        mark = of_alias(alias)
        if mark is None or (mark.topology, mark.host) != self._whose:
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
        return NOWHERE if node is None else self._wheres.get(node, NOWHERE)

    @cached_property
    def _wheres(self) -> Mapping[ResourceKey, Where]:
        return {**{node: self._where(node) for node in self.nodes}, HOST: Where(HOST)}

    def _where(self, node: ResourceKey) -> Where:
        if node in self.containers:
            inspected = self.containers[node]
            mark, live = of_labels(inspected["Config"].get("Labels")), inspected["Name"].removeprefix("/")
        else:
            mark, live = self.mine(self.nodes[node].loopback), next(iter(self.nodes[node].place.names), "")
        topology = self._whose[0]
        return Where(node, live, topology if mark and mark.topology == topology and mark.key == node else "")

    def node_of(self, space: Space, preferred: ResourceKey | None = None) -> ResourceKey | None:
        """Return the node whose namespace this is; the preferred one if it is among those that share it."""
        keys = self.residents.get(space.place.cookie, ())
        return preferred if preferred in keys else next(iter(keys), None)

    def nameless(self, space: Space) -> Mark | None:
        """Return the mark of a namespace of ours that has lost its name, and that somebody keeps alive."""
        mark = self.mine(space.loopback)
        return mark if mark and mark.key.kind == "namespace" and not space.place.names else None

    def lost(self, space: Space) -> ResourceKey:
        """Return the key of a namespace that is no node."""
        mark, cookie = self.nameless(space), space.place.cookie
        return ResourceKey("namespace", f"@{mark.key.name} ({cookie})" if mark else f"@{cookie}")

    def marked(self, kind: str) -> Iterator[tuple[Mark, Space, Link]]:
        """Yield the links that carry a mark of this topology for a kind."""
        yield from self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> Mapping[str, list[tuple[Mark, Space, Link]]]:
        found: dict[str, list[tuple[Mark, Space, Link]]] = defaultdict(list)
        for space in self.spaces:
            for link in space.links.values():
                if mark := self.mine(link):
                    found[mark.key.kind].append((mark, space, link))
        return found

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
        found = tuple(each for each in found if (each is space) == (link.peer_nsid is None))
        if len(found) > 1:  # made by hand, in fresh namespaces, many have the same indices
            here, ways = self._ways[space.place.cookie], self._ways
            found = tuple(each for each in found if here.knows(ways[each.place.cookie], link.peer_nsid))
        if len(found) != 1:
            return None
        return found[0], found[0].links[link.peer_index]


def _found_out(scope: EngineScope) -> Known:
    shorts = ((short_key(key), key) for key in scope.desired.resources)
    return Known({short: key for short, key in shorts if short != key}, *_containers(scope))


def _containers(scope: EngineScope) -> tuple[dict[ResourceKey, dict[str, Any]], HostRefuses | None]:
    """The inspections of the containers that are nodes, by key; none where no engine is in reach."""
    try:
        inspected = scope.containers.values()
    except Exception as error:
        if isinstance(scope.host.explain(error), EngineUnreachable):
            return {}, None
        raise
    found = {key: each for each in inspected if each and (key := _container_key(scope, each))}
    if not found and not _may_have_some(scope):
        return found, None
    return found, stranger(scope.host) or elsewhere(scope.host, found.values())


def _may_have_some(scope: EngineScope) -> bool:
    """Tell whether containers may belong to what is looked for: where it goes by its name another engine has them.

    One that is reached by its socket, and has none, is not asked where it lives.
    """
    if scope.is_by_name:
        return scope.host.engine.pid is None
    return any(each.key.kind in scope.of_engine for each in scope.declared)


def _container_key(scope: EngineScope, inspected: Mapping[str, Any]) -> ResourceKey | None:
    mark, name = scope.mark(inspected["Config"].get("Labels")), inspected["Name"].removeprefix("/")
    if mark and mark.key.kind == "container":
        return scope.key_of_ours(mark.key, name)
    return scope.wanted.get(("container", name))
