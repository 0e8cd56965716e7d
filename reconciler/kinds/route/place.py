"""Whether the place of a route, in a node that is not ours, is free or has one of ours, or the one that is adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict
from reconciler.host.kernel.packed import written
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Link, Route, Socket, get_link, get_routes
from reconciler.kinds.route.spec import RouteSpec
from reconciler.kinds.route.whose import is_mine, is_ours, noted
from reconciler.model import HOST, Step

if TYPE_CHECKING:
    from reconciler.host import Host


def insist_on_place(step: Step, host: Host, socket: Socket, spec: RouteSpec) -> None:
    """Raise Conflict where a route that is not ours has the destination and metric by now."""
    for each in socket.dump(get_routes()):
        there = (each.destination, each.metric, each.tos) == (spec.to, spec.metric, 0)
        if there and not _is_ours(step, host, socket, spec, each):
            what = f"a route to {spec.to} in {spec.at}"
            raise Conflict(f"{what} that is not ours came in between: remove it, or give yours another metric")


def _is_ours(step: Step, host: Host, socket: Socket, spec: RouteSpec, route: Route) -> bool:
    if step.change.observed and step.change.observed.handle.get("route") == route:
        return True
    if route.protocol != PROTOCOL:
        return False
    queries = [get_link(each) for each in (LOOPBACK, *route.devices)]
    lo, *links = (each if isinstance(each, Link) else None for each in socket.ask(queries))
    mine = [is_mine(each, step.topology, host.identity) for each in links]
    note = noted(step.topology, route.destination, route.metric)
    return is_ours(note, written(lo, "route"), mine, in_host=spec.node == HOST, in_ours=False)
