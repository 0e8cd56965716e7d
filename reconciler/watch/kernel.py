"""What happens in the kernel: links, addresses and routes in every namespace of a node, and the names of namespaces."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from reconciler.host import Host, netns
from reconciler.host.kernel import Place
from reconciler.host.marks import of_alias
from reconciler.host.netlink import NOT_ASSIGNED, Listener, Socket, get_links, get_nsid, new_nsid
from reconciler.kinds.base import Kind
from reconciler.model import ResourceKey, Topology
from reconciler.watch.concern import KernelConcern, News

_AT_ONCE = 64
"""How many namespaces are held open at a time while their numbers are asked for."""


class KernelEars:
    """Hears of changes in the namespaces of a topology's nodes; HostRefuses where that is not allowed."""

    def __init__(self, topology: str, host: Host, kinds: Mapping[str, Kind]) -> None:
        self._topology, self._host, self._kinds = topology, host.identity, kinds
        self.concern = KernelConcern(self._marked)
        self.listener = Listener()
        self.mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        """Readable in the way of POLLPRI when something is mounted or unmounted (man 5 proc_pid_mountinfo)."""
        self._wanted: frozenset[str] = frozenset()
        self._named: dict[str, int] = {}

    def _marked(self, alias: str) -> ResourceKey | None:
        mark = of_alias(alias)
        return mark.key if mark and (mark.topology, mark.host) == (self._topology, self._host) else None

    def news(self) -> Iterator[News]:
        """Yield what has happened that concerns the topology."""
        yield from filter(None, map(self.concern.news, self.listener.heard()))

    def names(self) -> Iterator[str]:
        """Yield which names of namespaces have come, gone, or stand for another."""
        found = self._names()
        for name in sorted(found.items() ^ self._named.items()):
            yield f"the network namespace {name[0]} has {'changed' if name[0] in found else 'gone'}"
        self._named = found

    def _names(self) -> dict[str, int]:
        return {name: inode for name, inode in netns.named().items() if name in self._wanted}

    def tune(self, desired: Topology, observed: Topology) -> bool:
        """Hear of the namespaces of all nodes that were observed, and tell whether one of them was not heard before."""
        self._wanted = frozenset(getattr(each.spec, "name", "") for each in desired.of_kind("namespace"))
        self._named = self._names()
        before = set(self.concern.nodes.items())
        with Socket() as here:
            nodes = dict(_numbered(here, observed))
            self.concern.know(nodes, self._declared(desired, observed), here.dump(get_links()))
        return not set(nodes.items()) <= before

    def _declared(self, desired: Topology, observed: Topology) -> Mapping[str, frozenset[ResourceKey]]:
        """Return what of the desired has to do with interfaces of the host, by their names; now also counts."""
        found: dict[str, set[ResourceKey]] = defaultdict(set)
        for key, each in desired.resources.items():
            for resource in filter(None, (each, observed.resources.get(key))):
                for name in self._kinds[key.kind].host_interfaces(resource):
                    found[name].add(key)
        return {name: frozenset(keys) for name, keys in found.items()}


def _numbered(here: Socket, observed: Topology) -> Iterator[tuple[int, ResourceKey]]:
    """Yield the number of each node's namespace with the node; the kernel chooses one where there is none yet."""
    places = _places(observed)
    while some := tuple(islice(places, _AT_ONCE)):
        with contextlib.ExitStack() as stack:
            opened = [(fd, node) for path, node in some if (fd := _opened(path, stack)) is not None]
            _number(here, [fd for fd, _ in opened])
            numbers = here.ask([get_nsid(fd) for fd, _ in opened])
            for number, (_, node) in zip(numbers, opened, strict=True):
                if isinstance(number, int) and number != NOT_ASSIGNED:
                    yield number, node


def _number(here: Socket, fds: Sequence[int]) -> None:
    for error in here.send([new_nsid(fd) for fd in fds]):
        if error and error.errno != errno.EEXIST:
            raise error


def _opened(path: str, stack: contextlib.ExitStack) -> int | None:
    """Open a namespace; not our own, which needs no number, nor one that is gone meanwhile."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, fd)
        own = Path("/proc/thread-self/ns/net").stat()
        return fd if os.fstat(fd).st_ino != own.st_ino else None
    return None


def _places(observed: Topology) -> Iterator[tuple[str, ResourceKey]]:
    """Yield a path to the namespace of everything that has one, by a name or a process."""
    for each in observed:
        place, pid = each.handle.get("place"), each.live.get("pid")
        if isinstance(place, Place) and place.names and each.key.kind == "namespace":
            yield str(netns.DIRECTORY / place.names[0]), each.key
        elif pid:
            yield f"/proc/{pid}/ns/net", each.part_of or each.key
