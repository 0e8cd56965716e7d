"""Whether a route in a node of ours would go by another topology's interface only, and so be that topology's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict
from reconciler.host.marks import of_alias
from reconciler.host.netlink import Link, Route, Socket, get_link, get_way
from reconciler.kinds.route.spec import RouteSpec
from reconciler.kinds.route.whose import is_mine
from reconciler.model import Step

if TYPE_CHECKING:
    from reconciler.host import Host


def insist_on_way(step: Step, host: Host, socket: Socket, spec: RouteSpec) -> None:
    """Raise Conflict where another topology would take the route for its own: none of its interfaces is ours."""
    links = [] if spec.ours else _links(socket, spec)
    if links and all(is_mine(each, step.topology, host.identity) is False for each in links):
        mark = of_alias(links[0].alias)
        assert mark is not None  # noqa: S101 - it is not ours, and it is somebody's
        what = f"the interface {links[0].name} in {spec.at}, by which it would go,"
        raise Conflict(f"{what} is {mark.key} of topology {mark.topology}: declare the route there, at that end")


def _links(socket: Socket, spec: RouteSpec) -> list[Link]:
    """Find the interfaces by which a route is to go; none where a next hop cannot be reached."""
    names: set[str | int] = {spec.dev} if spec.dev else set()
    if not names:
        ways = socket.ask([get_way(each) for each in spec.via])
        names.update(index for each in ways if isinstance(each, Route) for index in each.devices)
    return [each for each in socket.ask([get_link(each) for each in names]) if isinstance(each, Link)]
