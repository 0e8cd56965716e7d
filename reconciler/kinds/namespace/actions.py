"""What is done to network namespaces."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Conflict
from reconciler.host import netns
from reconciler.host.kernel.notes import note
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.netlink import Link, Socket, add_altname, del_altname, get_link, get_links, set_link
from reconciler.kinds.base import Result
from reconciler.kinds.effects import delete_links, insist, mark_of, seen, wanted
from reconciler.kinds.namespace import values
from reconciler.kinds.namespace.spec import NamespaceSpec
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.kernel import Reach
    from reconciler.host.marks import Mark

MARKER = "RECONCILER_TOPOLOGY"
"""The environment variable by which a process that an `exec` of ours left behind is known."""
_THERE, _GONE = (errno.EEXIST,), (errno.ENOENT, errno.EINVAL)


def create(step: Step, host: Host) -> Result:
    """Make a namespace with its mark, then set its sysctls; one that we made half is completed."""
    spec, mark = _spec(wanted(step)), mark_of(step, host)
    try:
        netns.create(spec.name, mark.alias())
    except FileExistsError as error:
        if not _is_ours(mark, spec.name):
            raise Conflict(f"there is a network namespace {spec.name!r} that is not ours: remove it") from error
    fd = netns.open_named(spec.name)
    try:
        with Socket(fd) as socket:
            _set(fd, socket, spec.sysctls)
    finally:
        os.close(fd)
    return Status.DONE


def _is_ours(mark: Mark, name: str) -> bool:
    fd = netns.open_named(name)
    try:
        with Socket(fd) as socket:
            found = socket.ask([get_link(LOOPBACK)])[0]
    finally:
        os.close(fd)
    return isinstance(found, Link) and mark.is_in(found.alias)


def update(step: Step, reach: Reach) -> Result:
    """Close the differences of a namespace."""
    spec, former = _spec(wanted(step)), _spec(seen(step))
    found = reach.again(seen(step).handle["place"])
    if found is None:
        return create(step, reach.host)
    fd, socket = found
    insist(socket.send([set_link(LOOPBACK, alias=mark_of(step, reach.host).alias(), up=True)]))
    _give_back(fd, socket, [key for key in former.sysctls if key not in spec.sysctls])
    _set(fd, socket, {key: each for key, each in spec.sysctls.items() if former.sysctls.get(key) != each})
    if spec.name != former.name:
        netns.rename(former.name, spec.name)
    return Status.DONE


def _set(fd: int, socket: Socket, declared: Mapping[str, str]) -> None:
    """Set sysctls, each noted before as one that we changed."""
    if declared:
        noted = socket.send([add_altname(LOOPBACK, note("sysctl", key)) for key in declared])
        insist(noted, *_THERE)
        netns.call(fd, values.write, declared)


def _give_back(fd: int, socket: Socket, keys: Sequence[str]) -> None:
    if keys:
        netns.call(fd, values.write, values.of_new_namespace(keys))
        insist(socket.send([del_altname(LOOPBACK, note("sysctl", key)) for key in keys]), *_GONE)


def delete(step: Step, reach: Reach) -> Result:
    """Delete the links of a namespace, end what our commands left in it, take its names."""
    place = seen(step).handle["place"]
    found = reach.again(place)
    if found:
        _, socket = found
        delete_links(socket, [each.index for each in socket.dump(get_links()) if each.kind == "veth"])
        _end_leftovers(os.fstat(found[0]).st_ino, place.cookie)
        for name in place.names:
            with contextlib.suppress(FileNotFoundError):
                netns.delete(name)
    return Status.DONE


def _end_leftovers(inode: int, cookie: int) -> None:
    """Kill the processes that our commands left in the namespace: they would keep it alive without a name."""
    with netns.all_namespaces() as found:
        pids = [pid for each in found if each.inode == inode and netns.cookie(each.fd) == cookie for pid in each.pids]
    for pid in pids:
        with contextlib.suppress(OSError):
            if f"{MARKER}=".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)


def _spec(resource: Resource) -> NamespaceSpec:
    assert isinstance(resource.spec, NamespaceSpec)  # noqa: S101 - a kind is given its own resources
    return resource.spec
