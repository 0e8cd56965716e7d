"""Routes outlive a change of the interface that they go by: with its last address the kernel takes them all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import cache

from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import (
    Query,
    Route,
    Socket,
    get_addresses,
    get_routes,
    route_again,
    verbatim,
)

Told = tuple[Route, bytes]
"""A route, and what the kernel said of it."""


def routes_kept(socket: Socket, index: int) -> AbstractContextManager[None]:
    """Put our routes by an interface, or from one of its addresses, back afterwards, as far as that is possible still.

    What no longer is is not declared any more, or seen by the look after the last step.
    """
    own = cache(lambda: _addresses(socket, index))

    def concerns(route: Route) -> bool:
        return index in route.devices or (bool(route.source) and route.source in own())

    return _kept(socket, get_routes(protocol=PROTOCOL), get_routes(), concerns)


def all_routes_kept(socket: Socket, index: int, sources: Collection[str]) -> AbstractContextManager[None]:
    """Put back anybody's routes by an interface, and those by others that have one of its addresses as their source."""

    def concerns(route: Route) -> bool:
        return not route.automatic and (index in route.devices or route.source in sources)

    return _kept(socket, get_routes(table=None), get_routes(table=None), concerns)


@contextlib.contextmanager
def _kept(socket: Socket, some: Query[Route], every: Query[Route], concerns: Callable[[Route], bool]) -> Iterator[None]:
    before = [told for told in socket.dump(verbatim(some)) if concerns(told[0])]
    try:
        yield
    finally:
        if before:
            now = {_place(told): told[0] for told in socket.dump(verbatim(every))}
            lost = [told for told in before if _is_lost(told[0], now.get(_place(told)))]
            lost.sort(key=lambda told: bool(told[0].gateways))  # a next hop may be reached by another of them
            socket.send([route_again(told[1], there=_place(told) in now) for told in lost])


def _addresses(socket: Socket, index: int) -> set[str]:
    return {each.address.partition("/")[0] for each in socket.dump(get_addresses()) if each.index == index}


def _place(told: Told) -> tuple[int, int, str, int]:
    """Return what no two routes of a namespace have in common, unless one was appended to the other."""
    route = told[0]
    return route.table, route.tos, route.destination, route.metric


def _is_lost(before: Route, now: Route | None) -> bool:
    """Tell whether a route is gone, or some of its next hops; another step may have put another in its place.

    With an IPv6 address the kernel does not take the routes from it, as with one of IPv4: they lose their source.
    """
    if now is None:
        return True
    less = _hops(now) < _hops(before) or (before.source is not None and now.source is None)
    return less and now.protocol == before.protocol


def _hops(route: Route) -> set[tuple[str, int]]:
    return set(zip(route.gateways or ("",) * len(route.devices), route.devices, strict=True))
