"""Namespaces end together once their names are taken: the kernel then unmakes all that is in them at one go."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.host import netns
from reconciler.host.kernel import Place, Reach, packed
from reconciler.host.kernel.notes import fitted, read
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.marks import of_alias
from reconciler.host.netlink import Link, Socket, del_altname, get_links, set_link
from reconciler.host.netns import Namespace
from reconciler.kinds.base import Result
from reconciler.kinds.effects import delete_links, one_by_one, seen
from reconciler.kinds.veth.change import delete_pairs
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

LOG = logging.getLogger("reconciler.namespace")
MARKER = "RECONCILER_TOPOLOGY"
"""The environment variable by which a process that an `exec` of ours left behind is known."""


def delete(host: Host, steps: Sequence[Step]) -> list[Result]:
    """Delete the pairs that reach out, lest their far ends linger, end what our commands left, take the names."""
    handles = [seen(step).handle for step in steps]
    places = {each["place"].cookie: each["place"] for each in handles if "place" in each}
    with Reach(host) as reach:
        delete_pairs(reach, _outward(steps, places))
    found = _again(places)
    ended = {pid for each in found.values() for pid in _end_leftovers(each)}
    results = [*one_by_one(host, steps, lambda step, host: _unnamed(seen(step).handle, found, host.patience))]
    gone = {_cookie(seen(step).handle) for step, result in zip(steps, results, strict=True) if result is Status.DONE}
    unnamed = {cookie: each for cookie, each in found.items() if cookie in gone}
    for cookie, left in _emptied(unnamed, ended, _Whose(steps[0].topology, host.identity)):
        keys = [str(step.key.key) for step in steps if cookie == _cookie(seen(step).handle)]
        LOG.warning("%s: what is left of it is kept alive by %s: end that", keys[0], left)
    return results


def _cookie(handle: Mapping[str, Any]) -> int | None:
    return handle["place"].cookie if "place" in handle else None


def _outward(steps: Iterable[Step], places: Mapping[int, Place]) -> Iterator[Resource]:
    """Yield the pairs with an end elsewhere than in a namespace that ends as well."""
    for change in (change for step in steps for change in step.carries):
        ends = change.resource.handle.get("ends", {}).values()
        if any(end["place"].cookie not in places for end in ends):
            yield change.resource


def _again(places: Mapping[int, Place]) -> dict[int, Namespace]:
    """Find the namespaces that were seen, by their identities: a name, or none, may mean another by now."""
    names = {name for each in places.values() for name in each.names or ("",)}
    candidates = (each for each in netns.all_namespaces() if not names.isdisjoint(each.names or ("",)))
    found = netns.visit(lambda each, socket: (socket.cookie, each), candidates)
    return {cookie: each for cookie, each in found if cookie in places}


def _end_leftovers(namespace: Namespace) -> Iterator[int]:
    """Kill, and yield, the processes that our commands left in a namespace: they would keep it alive without a name."""
    for pid in namespace.pids:
        with contextlib.suppress(OSError):
            if f"{MARKER}=".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)
                yield pid


def _unnamed(handle: Mapping[str, Any], found: Mapping[int, Namespace], patience: float) -> Result:
    if "file" in handle:
        netns.forget(handle["file"], patience=patience)
        return Status.DONE
    namespace = found.get(handle["place"].cookie)
    for name in namespace.names if namespace else ():
        with contextlib.suppress(FileNotFoundError):
            netns.delete(name, patience=patience)
    return Status.DONE


class _Whose(NamedTuple):
    """The topology and the host whose marks and notes are ours."""

    topology: str
    host: str

    def marked(self, link: Link) -> bool:
        mark = of_alias(link.alias)
        return mark is not None and (mark.topology, mark.host) == self

    def noted(self, altname: str) -> bool:
        ran = (parts[0] == fitted(self.topology) for parts in read([altname], "exec"))
        return any(ran) or bool(packed.read([altname], "sysctl"))


def _emptied(unnamed: Mapping[int, Namespace], ended: Collection[int], whose: _Whose) -> list[tuple[int, str]]:
    """Take what is ours out of namespaces that somebody keeps alive, and tell who does: a process, or a mount."""

    def empty(namespace: Namespace, socket: Socket) -> tuple[int, str]:
        if socket.cookie in unnamed:
            _disown(socket, whose)
        return socket.cookie, _keepers(namespace, ended)

    inodes = {each.inode for each in unnamed.values()}
    kept = (each for each in netns.all_namespaces() if each.inode in inodes)
    return [(cookie, keepers) for cookie, keepers in netns.visit(empty, kept) if cookie in unnamed and keepers]


def _disown(socket: Socket, whose: _Whose) -> None:
    """Delete our links, of which a veth takes its far end along, and forget last that it was ours."""
    links = {each.index: each for each in socket.dump(get_links())}
    lo = links.pop(LOOPBACK)
    delete_links(socket, [index for index, each in links.items() if whose.marked(each)])
    socket.send([del_altname(LOOPBACK, each) for each in lo.altnames if whose.noted(each)])
    if whose.marked(lo):
        socket.send([set_link(LOOPBACK, alias="")])


def _keepers(namespace: Namespace, ended: Collection[int]) -> str:
    """Name the processes in a namespace, and where it is mounted."""
    found = [each for each in namespace.paths if not each.startswith("/proc/")]
    for pid in namespace.pids:
        with contextlib.suppress(OSError):
            if pid not in ended:
                found.append(f"{Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()} ({pid})")
    return ", ".join(found)
