"""Routes outlive a change of the interface that they go by: with its last address the kernel takes them all."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import TypeVar

from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Query, Route, Socket, get_addresses, get_routes
from reconciler.host.netlink.codec import attribute, each, message
from reconciler.host.netlink.constants import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_OIF,
    RTA_VIA,
    RTM_NEWROUTE,
)

T = TypeVar("T")
Told = tuple[Route, bytes]
"""A route, and what the kernel said of it, word by word: a foreign one has more to it than we ever declare."""

_KERNEL = 2
"""The protocol number (RTPROT_KERNEL) of the routes that the kernel makes of addresses; 1 is that of redirects."""
_RTMSG = struct.Struct("=3xB4xI")  # struct rtmsg, of which we need the type of service, and the flags
_RTNEXTHOP = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index
_FLAGS, _HOP_FLAGS = 8, 2
_ONLINK = 4
"""The flag of a next hop that one may set (RTNH_F_ONLINK); the kernel refuses those that say what became of it."""
_NEXTHOP, _HOPS = 30, (RTA_OIF, RTA_GATEWAY, RTA_VIA, RTA_MULTIPATH)
"""The id of a nexthop object (RTA_NH_ID), and what of it the kernel tells, and refuses beside the id."""


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
        return route.protocol > _KERNEL and (index in route.devices or route.source in sources)

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
            socket.send([again(told[1], there=_place(told) in now) for told in lost])


def verbatim(query: Query[T]) -> Query[tuple[T, bytes]]:
    """Let the answers come with what the kernel said, word by word, so that it can be said again."""

    def parse(buffer: bytes, start: int, end: int) -> tuple[T, bytes] | None:
        found = query.parse(buffer, start, end)
        return None if found is None else (found, buffer[start:end])

    return Query(query.message, parse)


def _addresses(socket: Socket, index: int) -> set[str]:
    return {each.address.partition("/")[0] for each in socket.dump(get_addresses()) if each.index == index}


def _place(told: Told) -> tuple[int, int, str, int]:
    """Return what no two routes of a namespace have in common, unless one was appended to the other."""
    route, body = told
    return route.table, _RTMSG.unpack_from(body)[0], route.destination, route.metric


def _is_lost(before: Route, now: Route | None) -> bool:
    """Tell whether a route is gone, or some of its next hops; another step may have put another in its place."""
    return now is None or (now.protocol == before.protocol and _hops(now) < _hops(before))


def _hops(route: Route) -> set[tuple[str, int]]:
    return set(zip(route.gateways or ("",) * len(route.devices), route.devices, strict=True))


def again(body: bytes, *, there: bool) -> bytes:
    """Return the message that makes a route again, or puts it in the place of what is left of it."""
    head, parts = bytearray(body[: _RTMSG.size]), dict(each(body[_RTMSG.size :]))
    struct.pack_into("=I", head, _FLAGS, _RTMSG.unpack_from(body)[1] & _ONLINK)
    for kind in _HOPS if _NEXTHOP in parts else ():
        parts.pop(kind, None)
    if RTA_MULTIPATH in parts:
        parts[RTA_MULTIPATH] = _unflagged(parts[RTA_MULTIPATH])
    write = NLM_F_REPLACE if there else NLM_F_APPEND
    return message(RTM_NEWROUTE, NLM_F_CREATE | write, bytes(head), *(attribute(*part) for part in parts.items()))


def _unflagged(hops: bytes) -> bytes:
    found, start = bytearray(hops), 0
    while start + _RTNEXTHOP.size <= len(hops):
        found[start + _HOP_FLAGS] &= _ONLINK
        start += (_RTNEXTHOP.unpack_from(hops, start)[0] + 3) & ~3
    return bytes(found)
