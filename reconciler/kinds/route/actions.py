"""What is done to routes."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host.kernel.notes import note
from reconciler.host.kernel.reach import inspect
from reconciler.host.kernel.space import HOST, LOOPBACK
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import (
    Link,
    NetlinkError,
    Socket,
    add_altname,
    add_route,
    del_altname,
    delete_route,
    get_link,
    get_routes,
    replace_route,
)
from reconciler.kinds.base import Result
from reconciler.kinds.effects import insist, seen, wanted
from reconciler.kinds.route.aside import displace
from reconciler.kinds.route.look import noted
from reconciler.kinds.route.spec import RouteSpec
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host.kernel import Reach

_BOOT = 3
"""The protocol number (RTPROT_BOOT) of the routes that the engine makes."""
_OF_SOURCE = re.compile("prefsrc|source address", re.IGNORECASE)
"""What the kernel says where it minds the source."""
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EINVAL)


def create(step: Step, reach: Reach) -> Result:
    """Put a route in the place of what has its destination and metric."""
    spec = _spec(wanted(step))
    socket = reach.socket(spec.at)
    if spec.noted:
        insist(socket.send([add_altname(LOOPBACK, _note(step, spec))]), errno.EEXIST)
    if spec.node.kind == "container" and spec.is_default:
        displace(socket, spec.to, spec.metric)
    error = socket.send([_message(socket, spec)])[0]
    if error is not None:
        raise _explained(spec, error)
    return Status.DONE


def _message(socket: Socket, spec: RouteSpec) -> bytes:
    devices = [_index(socket, spec)] if spec.dev and len(spec.via) <= 1 else []
    return replace_route(
        spec.to, via=spec.via, devices=devices, metric=spec.metric, protocol=PROTOCOL, source=spec.source or None
    )


def _index(socket: Socket, spec: RouteSpec) -> int:
    found = socket.ask([get_link(spec.dev or "")])[0]
    if not isinstance(found, Link):
        raise StepFailed(f"there is no interface {spec.dev} in {spec.at}")
    return found.index


def _explained(spec: RouteSpec, error: NetlinkError) -> Exception:
    if spec.source and _OF_SOURCE.search(str(error)):
        return StepFailed(f"{spec.source} cannot be the `source` in {spec.at} ({error}): give it to an interface there")
    if error.errno in _UNREACHABLE and spec.via:
        hops = ", ".join(spec.via)
        return StepFailed(f"{hops} cannot be a next hop in {spec.at} ({error}): is an interface up that reaches it?")
    return error


def update(step: Step, reach: Reach) -> Result:
    """Put the new route in place first; the old one goes where it does not have the same metric."""
    old, new = _spec(seen(step)), _spec(wanted(step))
    create(step, reach)
    if old.metric != new.metric and seen(step).handle["ours"]:
        reach.socket(new.at).send([_removal(old)])
    return Status.DONE


def _removal(spec: RouteSpec) -> bytes:
    return delete_route(spec.to, metric=spec.metric, protocol=PROTOCOL)


def delete(step: Step, reach: Reach) -> Result:
    """Remove a route; Docker's default comes back to where ours took its place."""
    spec = _spec(seen(step))
    found = reach.again(seen(step).handle["place"])
    if found is None:
        return Status.DONE
    socket = found[1]
    insist(socket.send([_removal(spec)]), errno.ESRCH, errno.ENODEV)
    if spec.node == HOST:
        socket.send([del_altname(LOOPBACK, _note(step, spec))])
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


def _note(step: Step, spec: RouteSpec) -> str:
    return note("route", *noted(step.topology, spec.to, spec.metric))


def _spec(resource: Resource) -> RouteSpec:
    assert isinstance(resource.spec, RouteSpec)  # noqa: S101 - a kind is given its own resources
    return resource.spec
