"""Namespaces end together once their names are taken: the kernel then unmakes all that is in them at one go."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.host import netns
from reconciler.host.kernel import Place, Reach
from reconciler.host.netlink import Socket, get_links
from reconciler.host.netns import Namespace
from reconciler.kinds.base import Result
from reconciler.kinds.effects import delete_links, one_by_one, seen
from reconciler.kinds.veth.change import delete_pairs
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

MARKER = "RECONCILER_TOPOLOGY"
"""The environment variable by which a process that an `exec` of ours left behind is known."""


def delete(host: Host, steps: Sequence[Step]) -> list[Result]:
    """Delete the pairs that reach out, lest their far ends linger, end what our commands left, take the names."""
    handles = [seen(step).handle for step in steps]
    places = {each["place"].cookie: each["place"] for each in handles if "place" in each}
    with Reach(host) as reach:
        delete_pairs(reach, _outward(steps, places))
    found = _again(places)
    for each in found.values():
        _end_leftovers(each)
    results = [*one_by_one(host, steps, lambda step: _unnamed(seen(step).handle, found, host.patience))]
    _empty(found)
    return results


def _outward(steps: Iterable[Step], places: Mapping[int, Place]) -> Iterator[Resource]:
    """Yield the pairs with an end elsewhere than in a namespace that ends as well."""
    for change in (change for step in steps for change in step.carries):
        ends = change.resource.handle.get("ends", {}).values()
        if any(end["place"].cookie not in places for end in ends):
            yield change.resource


def _again(places: Mapping[int, Place]) -> dict[int, Namespace]:
    """Find the namespaces that were seen, by their identities: a name may mean another by now."""
    names = {name for each in places.values() for name in each.names}
    named = (each for each in netns.all_namespaces() if not names.isdisjoint(each.names))
    found = netns.visit(lambda each, socket: (socket.cookie, each), named)
    return {cookie: each for cookie, each in found if cookie in places}


def _end_leftovers(namespace: Namespace) -> None:
    """Kill the processes that our commands left in a namespace: they would keep it alive without a name."""
    for pid in namespace.pids:
        with contextlib.suppress(OSError):
            if f"{MARKER}=".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)


def _unnamed(handle: Mapping[str, Any], found: Mapping[int, Namespace], patience: float) -> Result:
    if "file" in handle:
        netns.forget(handle["file"], patience=patience)
        return Status.DONE
    namespace = found.get(handle["place"].cookie)
    for name in namespace.names if namespace else ():
        with contextlib.suppress(FileNotFoundError):
            netns.delete(name, patience=patience)
    return Status.DONE


def _empty(found: Mapping[int, Namespace]) -> None:
    """Delete the veths in namespaces that somebody keeps alive: a process in it, or a mount elsewhere."""
    inodes = {each.inode for each in found.values()}
    kept = (each for each in netns.all_namespaces() if each.inode in inodes)
    netns.visit(lambda _, socket: _emptied(socket) if socket.cookie in found else None, kept)


def _emptied(socket: Socket) -> None:
    delete_links(socket, [each.index for each in socket.dump(get_links()) if each.kind == "veth"])
