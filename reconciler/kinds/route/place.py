"""Whether the place of a route, in a node that is not ours, is free or has one of ours, or the one that is adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict
from reconciler.host.kernel.packed import written
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.marks import PROTOCOL, of_alias
from reconciler.host.netlink import Link, Route, Socket, get_link, get_routes
from reconciler.kinds.route.look import noted
from reconciler.kinds.route.spec import RouteSpec
from reconciler.model import Step

if TYPE_CHECKING:
    from reconciler.host import Host


def insist_on_place(step: Step, host: Host, socket: Socket, spec: RouteSpec) -> None:
    """Raise Conflict where a route that is not ours has the destination and metric by now."""
    for each in socket.dump(get_routes()):
        there = (each.destination, each.metric, each.tos) == (spec.to, spec.metric, 0)
        if there and not _is_ours(step, host, socket, each):
            what = f"a route to {spec.to} in {spec.at}"
            raise Conflict(f"{what} that is not ours came in between: remove it, or give yours another metric")


def _is_ours(step: Step, host: Host, socket: Socket, route: Route) -> bool:
    if step.change.observed and step.change.observed.handle.get("route") == route:
        return True
    if route.protocol != PROTOCOL:
        return False
    lo, *links = socket.ask([get_link(each) for each in (LOOPBACK, *route.devices)])
    marks = (of_alias(each.alias) for each in links if isinstance(each, Link))
    if any(mark and (mark.topology, mark.host) == (step.topology, host.identity) for mark in marks):
        return True
    note = noted(step.topology, route.destination, route.metric)
    return isinstance(lo, Link) and note in written(lo, "route")
