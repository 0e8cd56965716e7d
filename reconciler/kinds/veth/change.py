"""Changing what the ends of veth pairs have, and deleting pairs."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.host.kernel import Place, Reach
from reconciler.host.netlink import delete_address, set_link
from reconciler.kinds.base import Result
from reconciler.kinds.effects import delete_links, insist, mark_of, one_by_one, seen, wanted
from reconciler.kinds.route.keep import routes_kept
from reconciler.kinds.veth.messages import addresses, port
from reconciler.kinds.veth.settings import Masters, allow_ipv6
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host


def update(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    """Change what differs at the ends of each pair."""
    with Reach(host) as reach:
        masters = Masters(host, reach)
        yield from one_by_one(host, steps, lambda step: _updated(step, reach, masters))


def _updated(step: Step, reach: Reach, masters: Masters) -> Result:
    former, spec = _endpoints(seen(step)), _endpoints(wanted(step))
    for label, end in spec.items():
        paths = [each.path for each in step.change.fields if each.path.startswith(f"endpoints.{label}.")]
        if paths or end.master:
            _change(step, label, (former[label], end), reach, masters)
    return Status.DONE


def _change(step: Step, label: str, ends: tuple[Endpoint, Endpoint], reach: Reach, masters: Masters) -> None:
    old, new = ends
    handle = seen(step).handle["ends"][label]
    found = reach.again(handle["place"])
    if found is None:
        raise StepFailed(f"{label} has vanished meanwhile: apply again")
    (fd, socket), index, master = found, handle["index"], masters.index(new)
    differs = {name: getattr(new, name) != getattr(old, name) for name in ("mac", "mtu", "up")}
    link = set_link(
        index,
        mtu=new.mtu if differs["mtu"] else None,
        mac=new.mac if new.mac and differs["mac"] else None,
        up=new.up if differs["up"] else None,
        master=0 if master is None and old.master else master,
        alias=mark_of(step, reach.host).alias(),
    )
    with routes_kept(socket, index):
        insist(socket.send([link]))
        if master is not None:
            insist(socket.send([port(index, new)]))
        _readdress(fd, reach, handle["place"], index, ends)


def _readdress(fd: int, reach: Reach, place: Place, index: int, ends: tuple[Endpoint, Endpoint]) -> None:
    """Take and give addresses; those that stay are given too, since a new MTU or state may have taken IPv6 ones."""
    old, new = ends
    found = reach.again(place)
    if found and (old.addresses or new.addresses):
        allow_ipv6(fd, [new])
        gone = [each for each in old.addresses if each not in new.addresses]
        insist(found[1].send([delete_address(index, each) for each in gone]), errno.EADDRNOTAVAIL)
        insist(found[1].send(addresses(index, new.addresses)), errno.EEXIST)


def delete(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    """Delete each pair by the end whose namespace has most of them."""
    doomed: dict[Place, list[int]] = defaultdict(list)
    count: dict[int, int] = defaultdict(int)
    for step in steps:
        for end in seen(step).handle["ends"].values():
            count[end["place"].cookie] += 1
    for step in steps:
        ends = seen(step).handle["ends"].values()
        end = max(ends, key=lambda each: count[each["place"].cookie])
        doomed[end["place"]].append(end["index"])
    with Reach(host) as reach:
        for place, indices in doomed.items():
            if found := reach.again(place):
                delete_links(found[1], indices)
    yield from (Status.DONE for _ in steps)


def _endpoints(resource: Resource) -> dict[str, Endpoint]:
    assert isinstance(resource.spec, VethSpec)  # noqa: S101 - a kind is given its own resources
    return dict(resource.spec.endpoints)
