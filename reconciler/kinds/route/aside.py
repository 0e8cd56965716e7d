"""Our routes make way while the engine connects a running container to a network, or disconnects it.

It puts no default route of its own beside one of ours, and gives no address of a subnet that any other route overlaps.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.kernel.elsewhere import elsewhere, stranger
from reconciler.host.marks import PROTOCOL, of_alias
from reconciler.host.netlink import Link, Route, Socket, delete_route, get_link, get_routes, route_again, verbatim
from reconciler.host.netlink.constants import RTPROT_KERNEL
from reconciler.kinds.keep_routes import Told
from reconciler.kinds.route.spec import DEFAULTS

if TYPE_CHECKING:
    from reconciler.host import Host


@contextlib.contextmanager
def routes_aside(host: Host, inspected: Mapping[str, Any], subnets: Collection[str] = ()) -> Iterator[None]:
    """Take our default routes, and what overlaps the subnets, out of a container's namespace, and put it back.

    With the routes of ours goes the kernel's own of an address that an interface of ours has.
    """
    with host.engine.networks.turns.take(inspected["Id"]), _within(host, inspected) as socket:
        taken = _taken(socket, subnets) if socket else []
        try:
            yield
        finally:
            if socket and taken:
                _put_back(socket, taken)


@contextlib.contextmanager
def _within(host: Host, inspected: Mapping[str, Any]) -> Iterator[Socket | None]:
    """Open a socket in a container's namespace; None where it has none, or none that can be reached."""
    with contextlib.ExitStack() as stack:
        pid = inspected["State"]["Pid"]
        if not pid or stranger(host) or elsewhere(host, [inspected]):
            yield None
            return
        fd = netns.open_process(pid)
        stack.callback(os.close, fd)
        yield stack.enter_context(Socket(fd))


def _taken(socket: Socket, subnets: Collection[str]) -> list[Told]:
    there = socket.dump(verbatim(get_routes()))
    concerned = (told for told in there if told[0].destination in DEFAULTS or overlaps(told[0], subnets))
    ours = [told for told in concerned if _is_ours(socket, told[0])]
    socket.send([_removal(route) for route, _ in ours])
    return ours


def _removal(route: Route) -> bytes:
    only = route.devices if len(route.devices) == 1 else ()
    return delete_route(route.destination, metric=route.metric, protocol=route.protocol, devices=only)


def overlaps(route: Route, subnets: Collection[str]) -> bool:
    """Tell whether a route leads to a part of a subnet, or to more than it; a default route is in nobody's way."""
    networks = (ip_network(each, strict=False) for each in subnets)
    to = ip_network(route.destination)
    return route.destination not in DEFAULTS and any(
        each.version == to.version and each.overlaps(to) for each in networks
    )


def _is_ours(socket: Socket, route: Route) -> bool:
    """Tell whether a route is one of ours, or the kernel's own by an interface of ours."""
    if route.protocol != RTPROT_KERNEL:
        return route.protocol == PROTOCOL
    links = socket.ask([get_link(each) for each in route.devices])
    return any(isinstance(each, Link) and bool(of_alias(each.alias)) for each in links)


def _put_back(socket: Socket, taken: list[Told]) -> None:
    """Put the kernel's own behind those of other interfaces, and ours after them in the place of what is there."""
    for route, body in sorted(taken, key=lambda told: (told[0].protocol == PROTOCOL, bool(told[0].gateways))):
        if route.destination in DEFAULTS:
            displace(socket, route.destination, route.metric)
        socket.send([route_again(body, there=route.protocol == PROTOCOL)])


def displace(socket: Socket, destination: str, metric: int) -> None:
    """Remove the engine's route where its metric would let it stand beside ours."""
    for each in socket.dump(get_routes()):
        if each.destination == destination and each.protocol != PROTOCOL and each.metric != metric:
            socket.send([delete_route(destination, metric=each.metric, protocol=each.protocol)])


def insist_on_way_back(host: Host, inspected: Mapping[str, Any], subnets: Collection[str], interface: str) -> None:
    """Raise StepFailed where the engine would refuse to connect a container again: a route of others overlaps a subnet.

    What goes by the interface of its endpoint goes with that.
    """
    with _within(host, inspected) as socket:
        for route in _in_the_way(socket, subnets, interface) if socket else ():
            name = inspected["Name"].removeprefix("/")
            raise StepFailed(
                f"a route to {route.destination} that is not ours is in container {name}, and beside it the engine"
                f" would not connect it to {', '.join(subnets)} again: remove it there"
            )


def _in_the_way(socket: Socket, subnets: Collection[str], interface: str) -> Iterator[Route]:
    own = socket.ask([get_link(interface)])[0]
    index = own.index if isinstance(own, Link) else 0
    for route in socket.dump(get_routes()) if index else ():
        if index not in route.devices and overlaps(route, subnets) and not _is_ours(socket, route):
            yield route
