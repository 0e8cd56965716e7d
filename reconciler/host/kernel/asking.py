"""What is asked in each network namespace: its links, and where it concerns a topology what these have."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host import netns
from reconciler.host.kernel.packed import noted, written
from reconciler.host.kernel.space import LOOPBACK, Place, Space
from reconciler.host.kernel.sysctls import every_sysctl, read_sysctl
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Address, Socket, get_addresses, get_connected, get_links, get_routes
from reconciler.host.netns import Namespace
from reconciler.model import HOST, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.engine_scope import EngineScope
    from reconciler.host.kernel.look import Kernel

_PIDS = 4
"""How many of a namespace's processes are remembered as ways back into it."""


class Asking:
    """The questions of one look; `kernel` knows by then which containers there are, and reads the marks."""

    def __init__(self, kernel: Kernel, scope: EngineScope) -> None:
        self.kernel, self.scope = kernel, scope
        self.bridges = [each.spec for each in scope.desired.of_kind("bridge") if not each.owned]
        self.own = os.stat(netns.OWN).st_ino  # noqa: PTH116 - like the others
        reachable = {} if kernel.stranger else kernel.containers
        self.by_pid = {each["State"]["Pid"]: key for key, each in reachable.items()}
        routed = any(scope.desired.of_kind("route"))
        self.routes = get_routes() if routed else get_routes(protocol=PROTOCOL)

    def space(self, found: Namespace, socket: Socket) -> tuple[Namespace, Space]:
        """Look into one namespace, in which the calling thread is."""
        links = MappingProxyType({each.index: each for each in socket.dump(get_links())})
        space = self._handed_over(found, Space(Place(socket.cookie, found.names, found.pids[:_PIDS]), links))
        concerns = any(map(self.kernel.mine, space.links.values())) or any(True for _ in self._residents(found, space))
        return found, self._detailed(found, space, socket) if concerns else space

    def _handed_over(self, found: Namespace, space: Space) -> Space:
        """Return a namespace without the marks on what the file calls external: that was ours once."""
        if any(("namespace", name) in self.scope.externals for name in found.names):
            space = _without_marks(space, {LOOPBACK})
        residents = set(self._residents(found, space)) if self.bridges else set()
        names = {getattr(each, "name", "") for each in self.bridges if getattr(each, "node", None) in residents}
        handed_over = map(space.link, names)
        return _without_marks(space, {each.index for each in handed_over if each})

    def _detailed(self, found: Namespace, space: Space, socket: Socket) -> Space:
        addresses: dict[int, list[Address]] = defaultdict(list)
        versions: set[int] = set()
        for each in socket.dump(get_addresses()):
            addresses[each.index].append(each)
            if not each.scope:
                versions.add(6 if ":" in each.address else 4)
        keys = {*self._remembered(space), *self._given(found, space)}
        return replace(
            space,
            addresses=MappingProxyType({index: tuple(each) for index, each in addresses.items()}),
            routes=tuple(socket.dump(self.routes)),
            connected=frozenset(one for each in sorted(versions) for one in socket.dump(get_connected(each))),
            sysctls=MappingProxyType({key: read_sysctl(key) for key in keys}),
        )

    def _given(self, found: Namespace, space: Space) -> Iterator[str]:
        """Yield the sysctls of the network that the container was made with whose namespace this is."""
        for key in self._residents(found, space):
            inspected = self.kernel.containers.get(key)
            if inspected and not _shares(inspected):
                sysctls = inspected["HostConfig"].get("Sysctls") or ()
                yield from (each for each in sysctls if each.startswith("net."))

    def _remembered(self, space: Space) -> Iterator[str]:
        """Yield the sysctls that notes tell of: they are most often declared; else all that there are are looked at."""
        items = {each.item for each in written(space.loopback, "sysctl")}
        names = self._declared if items <= self._declared.keys() else self._every
        yield from (names[each] for each in sorted(items & names.keys()))

    @cached_property
    def _declared(self) -> Mapping[str, str]:
        keys = (key for each in self.scope.desired.of_kind("namespace") for key in getattr(each.spec, "sysctls", ()))
        return {noted("", key).item: key for key in keys}

    @cached_property
    def _every(self) -> Mapping[str, str]:
        return {**{noted("", key).item: key for key in every_sysctl()}, **self._declared}

    def nodes(self, found: Iterable[tuple[Namespace, Space]]) -> list[tuple[ResourceKey, Space]]:
        """Return the nodes there are, each with its namespace: the host, the named ones, owners before sharers.

        One that is ours comes behind one that is to be adopted in its place, and so is the one that counts.
        """
        residents = [(key, each[1]) for each in found for key in self._residents(*each)]
        return sorted(residents, key=lambda each: (self._rank(each[0]), self.kernel.is_ours(each[1])))

    def _residents(self, found: Namespace, space: Space) -> Iterator[ResourceKey]:
        if found.inode == self.own:
            yield HOST
        mark = self.kernel.mine(space.loopback)
        if mark and mark.key.kind == "namespace" and found.names:
            yield self.scope.key_of_ours(mark.key, found.names[0])
        for name in found.names:
            key = self.scope.wanted.get(("namespace", name))
            if key and (("namespace", name) in self.scope.externals or (mark is None and key in self.scope.adopting)):
                yield key
        yield from (self.by_pid[pid] for pid in found.pids if pid in self.by_pid)

    def _rank(self, key: ResourceKey) -> tuple[bool, bool, bool, ResourceKey]:
        inspected = self.kernel.containers.get(key)
        return key != HOST, inspected is not None, inspected is not None and _shares(inspected), key


def _without_marks(space: Space, indices: Collection[int]) -> Space:
    if not indices:
        return space
    links = {index: each._replace(alias="") if index in indices else each for index, each in space.links.items()}
    return replace(space, links=MappingProxyType(links))


def _shares(inspected: Mapping[str, Any]) -> bool:
    mode = str(inspected["HostConfig"]["NetworkMode"])
    return mode == "host" or mode.startswith("container:")
