"""What is done to network namespaces."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.host import netns
from reconciler.host.kernel.notes import note
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.libc import aside
from reconciler.host.netlink import Link, Socket, add_altname, del_altname, get_link, set_link
from reconciler.kinds.base import Result
from reconciler.kinds.effects import insist, mark_of, one_by_one, seen, wanted
from reconciler.kinds.namespace import values
from reconciler.kinds.namespace.spec import NamespaceSpec
from reconciler.kinds.still_ours import insist_on_link
from reconciler.model import Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.kernel import Reach
    from reconciler.host.marks import Mark

_THERE, _GONE = (errno.EEXIST,), (errno.ENOENT, errno.EINVAL)


def create(host: Host, steps: Sequence[Step]) -> list[Result]:
    """Make namespaces with their marks, then set their sysctls, all from one helper thread."""
    marks = {step.key: mark_of(step, host) for step in steps}
    return aside(
        lambda: [
            *one_by_one(
                host, steps, lambda step: _create(NamespaceSpec.of(wanted(step)), marks[step.key], host.patience)
            )
        ]
    )


def _create(spec: NamespaceSpec, mark: Mark, patience: float) -> Result:
    """Make a namespace; one that we made half is completed."""
    try:
        netns.enter_new(spec.name, mark.alias(), patience=patience)
    except FileExistsError:
        netns.enter_named(spec.name)
        _insist_on_ours(mark, spec.name)
    with Socket() as socket:
        _set(socket, spec.sysctls, spec.sysctls)
    return Status.DONE


def _insist_on_ours(mark: Mark, name: str) -> None:
    with Socket() as socket:
        found = socket.ask([get_link(LOOPBACK)])[0]
    if isinstance(found, Link):  # there is one in every network namespace
        insist_on_link(mark, found, f"a network namespace {name}")


def update(step: Step, reach: Reach) -> Result:
    """Close the differences of a namespace."""
    spec, former = NamespaceSpec.of(wanted(step)), NamespaceSpec.of(seen(step))
    found = reach.again(seen(step).handle["place"])
    if found is None:
        return create(reach.host, [step])[0]
    fd, socket = found
    insist(socket.send([set_link(LOOPBACK, alias=mark_of(step, reach.host).alias(), up=True)]))
    _give_back(fd, socket, [key for key in former.sysctls if key not in spec.sysctls])
    changed = [key for key, each in spec.sysctls.items() if former.sysctls.get(key) != each]
    netns.call(fd, _set, socket, spec.sysctls, changed)
    if spec.name != former.name:
        alias, patience = mark_of(step, reach.host).alias(), reach.host.patience
        netns.rename(former.name, spec.name, alias, patience=patience)
    return Status.DONE


def _set(socket: Socket, declared: Mapping[str, str], changed: Iterable[str]) -> None:
    """Set sysctls where the calling thread is, those to be changed noted before; a change may reset the others."""
    noted = socket.send([add_altname(LOOPBACK, note("sysctl", key)) for key in changed])
    insist(noted, *_THERE)
    values.write(declared)


def _give_back(fd: int, socket: Socket, keys: Sequence[str]) -> None:
    if keys:
        netns.call(fd, values.write, values.of_new_namespace(keys))
        insist(socket.send([del_altname(LOOPBACK, note("sysctl", key)) for key in keys]), *_GONE)
