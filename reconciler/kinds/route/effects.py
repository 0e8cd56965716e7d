"""What is done to routes."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.kernel.packed import Noted, write, written
from reconciler.host.kernel.reach import inspect
from reconciler.host.kernel.space import LOOPBACK, Place, Space
from reconciler.host.marks import PROTOCOL, Mark
from reconciler.host.netlink import (
    Link,
    NetlinkError,
    Route,
    Socket,
    add_route,
    delete_route,
    get_link,
    get_links,
    get_routes,
    replace_route,
)
from reconciler.kinds.addresses import is_v6
from reconciler.kinds.base import Result
from reconciler.kinds.connect.live import stand_in
from reconciler.kinds.effects import insist, seen, wanted
from reconciler.kinds.ipv6 import TURN, leave_ipv6, switch_ipv6_on
from reconciler.kinds.route.aside import displace
from reconciler.kinds.route.connected import reconnect
from reconciler.kinds.route.place import insist_on_place
from reconciler.kinds.route.spec import RouteSpec
from reconciler.kinds.route.way import insist_on_way
from reconciler.kinds.route.whose import noted
from reconciler.kinds.still_ours import insist_on_link
from reconciler.model import HOST, Resource, ResourceKey, Status, Step

if TYPE_CHECKING:
    from reconciler.host.kernel import Reach

_BOOT = 3
"""The protocol number (RTPROT_BOOT) of the routes that the engine makes."""
_OF_SOURCE = re.compile("prefsrc|source address", re.IGNORECASE)
"""What the kernel says where it minds the source."""
_WITHOUT_IPV6 = (errno.EACCES, errno.ENODEV)
"""What the kernel says where IPv6 is switched off at an interface, or not there."""
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EINVAL)


def create(step: Step, reach: Reach) -> Result:
    """Put a route in the place of what has its destination and metric."""
    spec = RouteSpec.of(wanted(step))
    socket = reach.socket(spec.at)
    message = _message(step, reach, socket)
    if spec.at.topology:
        insist_on_way(step, reach.host, socket, spec)
    else:
        insist_on_place(step, reach.host, socket, spec)
    if spec.node == HOST:
        _take_note(step, socket, spec)
    if spec.node.kind == "container" and spec.is_default:
        displace(socket, spec.to, spec.metric)
    error = _with_ipv6(reach, socket, spec, message) if is_v6(spec.to) else socket.send([message])[0]
    if error is not None:
        raise _explained(spec, error)
    return Status.DONE


def _with_ipv6(reach: Reach, socket: Socket, spec: RouteSpec, message: bytes) -> NetlinkError | None:
    """Send a route of IPv6, which is switched on where it goes by interfaces of ours that have none."""
    with TURN:
        error = socket.send([message])[0]
        if error is None or error.errno not in _WITHOUT_IPV6 or not spec.ours:
            return error
        netns.call(reach.fd(spec.at), switch_ipv6_on, [each for each in _names(spec) if each in spec.ours])
        return socket.send([message])[0]


def _take_note(step: Step, socket: Socket, spec: RouteSpec) -> None:
    """Note whose a route is where nothing else tells; what others noted of its place holds no more."""
    found, ours = socket.ask([get_link(LOOPBACK)])[0], noted(step.topology, spec.to, spec.metric)
    there = written(found if isinstance(found, Link) else None, "route")
    theirs = [each for each in there if each.item == ours.item and each != ours]
    add = [ours] if spec.noted and ours not in there else []
    write(socket, LOOPBACK, "route", add=add, drop=theirs, name=step.topology if add else "")


def _message(step: Step, reach: Reach, socket: Socket) -> bytes:
    spec = RouteSpec.of(wanted(step))
    devices = [_index(step, reach, socket, each) for each in _names(spec)]
    return replace_route(
        spec.to, via=spec.via, devices=devices, metric=spec.metric, protocol=PROTOCOL, source=spec.source or None
    )


def _names(spec: RouteSpec) -> tuple[str, ...]:
    """Return the interfaces that a route is to go by, as far as they are said."""
    return spec.by or ((spec.dev,) if spec.dev and len(spec.via) <= 1 else ())


def _index(step: Step, reach: Reach, socket: Socket, name: str) -> int:
    spec = RouteSpec.of(wanted(step))
    found = socket.ask([get_link(name)])[0]
    link = found if isinstance(found, Link) else _stand_in(reach, socket, spec, name)
    if link is None:
        raise StepFailed(f"there is no interface {name} in {spec.at}")
    if name in spec.ours:
        mark = Mark(step.topology, ResourceKey.of(spec.ours[name]), host=reach.host.identity)
        insist_on_link(mark, link, f"an interface {name} in {spec.at}")
    return link.index


def _stand_in(reach: Reach, socket: Socket, spec: RouteSpec, name: str) -> Link | None:
    """Find the interface of the engine that has another name than at a start."""
    if not spec.networks:
        return None
    links = {each.index: each for each in socket.dump(get_links())}
    endpoints = inspect(reach.host, spec.at)["NetworkSettings"]["Networks"]
    return stand_in(name, spec.networks, endpoints, Space(Place(socket.cookie), links))


def _explained(spec: RouteSpec, error: NetlinkError) -> Exception:
    if error.errno == errno.EACCES and is_v6(spec.to):
        where = f"the interface by which it would go in {spec.at}"
        return StepFailed(f"IPv6 is switched off at {where} ({error}): set its disable_ipv6 to 0")
    if spec.source and _OF_SOURCE.search(str(error)):
        return StepFailed(f"{spec.source} cannot be the `source` in {spec.at} ({error}): give it to an interface there")
    if error.errno in _UNREACHABLE and spec.via:
        hops = ", ".join(spec.via)
        return StepFailed(f"{hops} cannot be a next hop in {spec.at} ({error}): is an interface up that reaches it?")
    return error


def update(step: Step, reach: Reach) -> Result:
    """Put the new route in place first; the old one goes where it does not have the same metric, or is not used."""
    old, new = RouteSpec.of(seen(step)), RouteSpec.of(wanted(step))
    if not old.first:  # the kernel puts none in the place of another where the same stands behind that
        insist(reach.socket(new.at).send([_removal(seen(step))]), errno.ESRCH)
    create(step, reach)
    if old.metric != new.metric and _live(seen(step)).protocol == PROTOCOL:
        socket = reach.socket(new.at)
        socket.send([_removal(seen(step))])
        reconnect(socket, old.to)
        if new.node == HOST:
            write(socket, LOOPBACK, "route", drop=[_note(step, old)])
    _leave_ipv6(reach.fd(new.at), reach.socket(new.at), seen(step))
    return Status.DONE


def _leave_ipv6(fd: int, socket: Socket, resource: Resource) -> None:
    """Let interfaces by which the last route of IPv6 went be without."""
    spec = RouteSpec.of(resource)
    if is_v6(spec.to) and spec.ours:
        leave_ipv6(fd, socket, _live(resource).devices)


def _removal(resource: Resource) -> bytes:
    """Return the message that deletes a route as it was seen: one by another interface has come in between."""
    live = _live(resource)
    only = live.devices if len(live.devices) == 1 else ()
    return delete_route(live.destination, metric=live.metric, protocol=PROTOCOL, devices=only)


def _live(resource: Resource) -> Route:
    found: Route = resource.handle["route"]
    return found


def delete(step: Step, reach: Reach) -> Result:
    """Remove a route; Docker's default comes back to where ours took its place."""
    spec = RouteSpec.of(seen(step))
    found = reach.again(seen(step).handle["place"])
    if found is None:
        return Status.DONE
    socket = found[1]
    if "route" in seen(step).handle:  # else it is but remembered, and without a metric the next best would go
        insist(socket.send([_removal(seen(step))]), errno.ESRCH, errno.ENODEV)
        reconnect(socket, spec.to)
        _leave_ipv6(*found, seen(step))
    if spec.node == HOST:
        write(socket, LOOPBACK, "route", drop=[seen(step).handle.get("note") or _note(step, spec)])
    if spec.node.kind == "container" and spec.is_default:
        _restore(step, reach, socket, spec)
    return Status.DONE


def _restore(step: Step, reach: Reach, socket: Socket, spec: RouteSpec) -> None:
    """Give a container the default route back that Docker gave it."""
    container = seen(step).handle.get("at")
    if container is None or any(each.destination == spec.to for each in socket.dump(get_routes())):
        return
    inspected = inspect(reach.host, container)
    for gateway in _gateways(inspected["NetworkSettings"]["Networks"], ipv6=":" in spec.to):
        if socket.send([add_route(spec.to, via=[gateway], protocol=_BOOT)])[0] is None:
            return


def _gateways(networks: Mapping[str, Mapping[str, Any]], *, ipv6: bool) -> Iterator[str]:
    """Yield the gateways in the engine's order: by priority, where it has any, then by the network's name."""
    field = "IPv6Gateway" if ipv6 else "Gateway"
    for _, name in sorted((-(each.get("GwPriority") or 0), name) for name, each in networks.items()):
        if gateway := networks[name].get(field):
            yield gateway


def _note(step: Step, spec: RouteSpec) -> Noted:
    return noted(step.topology, spec.to, spec.metric)
