"""Changing what the ends of veth pairs have, and deleting pairs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.host.kernel import Place, Reach
from reconciler.host.netlink import set_link
from reconciler.kinds.base import Result
from reconciler.kinds.effects import delete_links, insist, mark_of, one_by_one, seen, wanted
from reconciler.kinds.keep_routes import routes_kept
from reconciler.kinds.macs import any_mac
from reconciler.kinds.readdress import readdress
from reconciler.kinds.veth.masters import Masters
from reconciler.kinds.veth.messages import port
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host


def update(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    """Change what differs at the ends of each pair."""
    with Reach(host) as reach:
        masters = Masters(host, reach)
        yield from one_by_one(host, steps, lambda step, _: _updated(step, reach, masters))


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
    socket, index, master = found[1], handle["index"], masters.index(new)
    differs = {name: getattr(new, name) != getattr(old, name) for name in ("mtu", "up")}
    link = set_link(
        index,
        mtu=new.mtu if differs["mtu"] else None,
        mac=_new_mac(old, new),
        up=new.up if differs["up"] else None,
        master=0 if master is None and old.master else master,
        alias=mark_of(step, reach.host).alias(),
    )
    with routes_kept(socket, index):
        insist(socket.send([link]))
        if master is not None:
            insist(socket.send([port(index, new)]))
        if old.addresses or new.addresses:
            readdress(found, index, new.interface, old=old.addresses, new=new.addresses)


def _new_mac(old: Endpoint, new: Endpoint) -> str | None:
    """Return the MAC address to set: the declared one, or any other where this one is another end's by now."""
    if new.mac is None:
        return None if old.own_mac else any_mac()
    return new.mac if new.mac != old.mac else None


def delete(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    """Delete the pairs of many steps together."""
    with Reach(host) as reach:
        delete_pairs(reach, map(seen, steps))
    yield from (Status.DONE for _ in steps)


def delete_pairs(reach: Reach, pairs: Iterable[Resource]) -> None:
    """Delete each pair by the end whose namespace has most of them: each namespace costs a wait, however many go."""
    ends = [list(each.handle["ends"].values()) for each in pairs]
    count = Counter(end["place"].cookie for pair in ends for end in pair)
    doomed: dict[Place, list[int]] = defaultdict(list)
    for pair in ends:
        end = max(pair, key=lambda each: count[each["place"].cookie])
        doomed[end["place"]].append(end["index"])
    for place, indices in doomed.items():
        if found := reach.again(place):
            delete_links(found[1], indices)


def _endpoints(resource: Resource) -> dict[str, Endpoint]:
    return dict(VethSpec.of(resource).endpoints)
