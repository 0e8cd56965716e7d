"""Our routes outlive a change of the interface that they go by: with its last address the kernel takes them all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Route, Socket, add_route, get_addresses, get_routes, replace_route


@contextlib.contextmanager
def routes_kept(socket: Socket, index: int) -> Iterator[None]:
    """Put our routes by an interface, or from one of its addresses, back afterwards, as far as that is possible still.

    What no longer is is not declared any more, or seen by the look after the last step.
    """
    found = socket.dump(get_routes(protocol=PROTOCOL))
    own = _addresses(socket, index) if any(each.source for each in found) else ()
    before = [each for each in found if index in each.devices or each.source in own]
    before.sort(key=lambda each: bool(each.gateways))  # what is on the link may reach the next hops of the others
    yield
    if before:
        now = {(each.destination, each.metric): each for each in socket.dump(get_routes())}
        socket.send([_again(each, now) for each in before if _is_lost(each, now.get((each.destination, each.metric)))])


def _addresses(socket: Socket, index: int) -> set[str]:
    return {each.address.partition("/")[0] for each in socket.dump(get_addresses()) if each.index == index}


def _is_lost(before: Route, now: Route | None) -> bool:
    """Tell whether a route is gone, or some of its next hops; another step may have put another in its place."""
    return now is None or (now.protocol == PROTOCOL and _hops(now) < _hops(before))


def _hops(route: Route) -> set[tuple[str, int]]:
    return set(zip(route.gateways or ("",) * len(route.devices), route.devices, strict=True))


def _again(route: Route, now: dict[tuple[str, int], Route]) -> bytes:
    write = replace_route if (route.destination, route.metric) in now else add_route
    return write(
        route.destination,
        via=route.gateways,
        devices=route.devices,
        metric=route.metric,
        protocol=PROTOCOL,
        source=route.source,
    )
