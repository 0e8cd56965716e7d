"""What the kernel said word by word, and how it is said again: a foreign thing has more to it than we ever decode."""

from typing import TypeVar

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import RTMSG, RTNEXTHOP, attribute, each, message
from reconciler.host.netlink.links import CREATE
from reconciler.host.netlink.query import Query

T = TypeVar("T")

_HOPS = (c.RTA_OIF, c.RTA_GATEWAY, c.RTA_VIA, c.RTA_MULTIPATH)
"""What the kernel tells of a nexthop object beside its id, and refuses there."""


def verbatim(query: Query[T]) -> Query[tuple[T, bytes]]:
    """Let the answers come with what the kernel said: the body of its message."""

    def parse(buffer: bytes, start: int, end: int) -> tuple[T, bytes] | None:
        found = query.parse(buffer, start, end)
        return None if found is None else (found, buffer[start:end])

    return Query(query.message, parse)


def address_again(body: bytes) -> bytes:
    """Give an interface an address again, with all that it had."""
    return message(c.RTM_NEWADDR, CREATE, body)


def route_again(body: bytes, *, there: bool) -> bytes:
    """Make a route again beside those of its place, or put it in the place of what is left of it `there`.

    Of the flags only what one may set is said; the kernel refuses those that say what became of a next hop.
    """
    *head, flags = RTMSG.unpack_from(body)
    parts = dict(each(body[RTMSG.size :]))
    for kind in _HOPS if c.RTA_NH_ID in parts else ():
        parts.pop(kind, None)
    if c.RTA_MULTIPATH in parts:
        parts[c.RTA_MULTIPATH] = _unflagged(parts[c.RTA_MULTIPATH])
    written = RTMSG.pack(*head, flags & c.RTNH_F_ONLINK), *(attribute(*part) for part in parts.items())
    return message(c.RTM_NEWROUTE, c.NLM_F_CREATE | (c.NLM_F_REPLACE if there else c.NLM_F_APPEND), *written)


def _unflagged(hops: bytes) -> bytes:
    found, start = bytearray(hops), 0
    while start + RTNEXTHOP.size <= len(hops):
        length, flags, weight, device = RTNEXTHOP.unpack_from(hops, start)
        RTNEXTHOP.pack_into(found, start, length, flags & c.RTNH_F_ONLINK, weight, device)
        start += (length + 3) & ~3
    return bytes(found)
