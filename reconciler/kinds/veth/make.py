"""Making veth pairs: one message a pair, its mark in the same packet, then what only its ends can be told."""

from __future__ import annotations

import errno
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import Conflict, ReconcilerError
from reconciler.host import netns
from reconciler.host.kernel import Reach, Where
from reconciler.host.marks import Mark
from reconciler.host.netlink import Link, NetlinkError, Socket, delete_link, get_link, new_veth, set_link
from reconciler.kinds.addresses import is_v6
from reconciler.kinds.base import Result
from reconciler.kinds.effects import mark_of, named, new_index, wanted
from reconciler.kinds.ipv6 import switch_ipv6_on
from reconciler.kinds.readdress import give_and_take
from reconciler.kinds.veth.masters import Masters
from reconciler.kinds.veth.messages import settings
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.model import Status, Step
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host import Host

T = TypeVar("T")
_PAUSE = 0.01


@dataclass
class Job:
    """One pair to be made: the near end is the one of the message, which can be a port and up at once."""

    step: Step
    mark: Mark
    near: Endpoint
    far: Endpoint
    index: int = field(default_factory=new_index)
    far_index: int = field(default_factory=new_index)
    error: ReconcilerError | None = None

    @classmethod
    def of(cls, step: Step, host: Host) -> Job:
        """Read a job out of a step; a port is the near end."""
        near, far = sorted(VethSpec.of(wanted(step)).endpoints.values(), key=lambda each: not each.master)
        return cls(step, mark_of(step, host), near, far)


def create(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    """Make the pairs of many steps together."""
    jobs = [Job.of(step, host) for step in steps]
    with Reach(host, {end.at for job in jobs for end in (job.near, job.far)}) as reach:
        masters = Masters(host, reach)
        _await_names(jobs, reach, masters)
        _finish(jobs, reach, masters)
    for job in jobs:
        yield named(job.step, job.error) if job.error else Status.DONE


def _await_names(jobs: Sequence[Job], reach: Reach, masters: Masters) -> None:
    """Make the pairs, and those again whose names are still held by what is about to go: a container just removed."""
    deadline = time.monotonic() + reach.host.patience
    while jobs:
        jobs = _make(jobs, reach, masters)
        late = time.monotonic() > deadline or reach.host.stop.is_set()
        jobs = [job for job in jobs if _cleared(job, reach, late=late)]
        if jobs:
            time.sleep(_PAUSE)


def _make(jobs: Sequence[Job], reach: Reach, masters: Masters) -> list[Job]:
    """Send the messages of all pairs, those of one namespace together; return the jobs to be tried again."""
    again: list[Job] = []
    for where, group in _by_place([(job.near.at, job) for job in jobs]).items():
        ready = [(job, message) for job in group if (message := _message(job, reach, masters))]
        results = reach.socket(where).send([message for _, message in ready]) if ready else []
        for (job, _), error in zip(ready, results, strict=True):
            if error is not None and error.errno in (errno.EEXIST, errno.EBUSY):
                again.append(job)
            elif error is not None:
                job.error = reach.host.explain(error)
    return again


def _by_place(items: Sequence[tuple[Where, T]]) -> dict[Where, list[T]]:
    found: dict[Where, list[T]] = defaultdict(list)
    for where, each in items:
        found[where].append(each)
    return found


def _message(job: Job, reach: Reach, masters: Masters) -> tuple[bytes, bytes] | None:
    """Return the creation of a pair with the mark of its near end; None, and an error, where that is not possible."""
    near, far = job.near, job.far
    try:
        pair = new_veth(
            near.interface,
            far.interface,
            namespace_fd=reach.fd(near.at),
            peer_namespace_fd=reach.fd(far.at),
            index=job.index,
            peer_index=job.far_index,
            mtu=near.mtu,
            peer_mtu=far.mtu,
            mac=near.mac,
            peer_mac=far.mac,
            up=near.up,
            master=masters.index(near),
        )
    except (OSError, ReconcilerError) as error:
        job.error = reach.host.explain(error)
        return None
    return pair, set_link(job.index, alias=job.mark.alias())


def _cleared(job: Job, reach: Reach, *, late: bool) -> bool:
    """Remove the remains of this very pair that hold its names; tell whether it is worth another try."""
    job.index, job.far_index = new_index(), new_index()
    for end in (job.near, job.far):
        socket = reach.socket(end.at)
        found = socket.ask([get_link(end.interface)])[0]
        if isinstance(found, Link):
            if job.mark.is_in(found.alias):
                socket.send([delete_link(found.index)])
            elif late:
                message = f"there is an interface {end.interface} in {end.at} already: remove it, or name yours"
                job.error = Conflict(message)
                return False
    return not late


def _finish(jobs: Sequence[Job], reach: Reach, masters: Masters) -> None:
    """Tell the ends what the creation could not: mark, master and up of the far ones, addresses, port attributes."""
    made = [job for job in jobs if not job.error]
    ends = [(job.near.at, (job, job.near, job.index)) for job in made]
    ends += [(job.far.at, (job, job.far, job.far_index)) for job in made]
    for where, group in _by_place(ends).items():
        try:
            allow_ipv6(reach.fd(where), [end for _, end, _ in group])
            messages = [settings(index, end, job.mark, masters.index(end)) for job, end, index in group]
            results: Sequence[NetlinkError | None] = reach.socket(where).send(messages)
        except (OSError, ReconcilerError) as error:
            for job, _, _ in group:
                job.error = job.error or reach.host.explain(error)
            continue
        for (job, told, index), refused in zip(group, results, strict=True):
            left = _again(reach.socket(where), index, told, refused) if refused else None
            if left is not None:
                job.error = job.error or reach.host.explain(left)


def allow_ipv6(fd: int, ends: Sequence[Endpoint]) -> None:
    """Switch IPv6 on at the ends that have an address of it."""
    names = [end.interface for end in ends if any(map(is_v6, end.addresses))]
    if names:
        netns.call(fd, switch_ipv6_on, names)


def _again(socket: Socket, index: int, end: Endpoint, refused: NetlinkError) -> Exception | None:
    """Give addresses to an end to which the kernel was quicker to give one of them, with another length."""
    if refused.errno != errno.EEXIST:
        return refused
    try:
        give_and_take(socket, index, (), end.addresses)
    except (OSError, ReconcilerError) as error:
        return error
    return None
