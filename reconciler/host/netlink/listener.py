"""What changes, told by the kernel as it happens: in our network namespace, and in all that it has numbers for."""

import errno
import socket
import struct
from collections.abc import Iterator

from reconciler.errors import NotPermitted
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import MESSAGE
from reconciler.host.privilege import NET_BROADCAST, remedy
from reconciler.value import dataclass

_RECEIVE = 256 * 1024
_BUFFER = 8 * 1024 * 1024
_GROUPS = (
    c.RTNLGRP_LINK,
    c.RTNLGRP_IPV4_IFADDR,
    c.RTNLGRP_IPV4_ROUTE,
    c.RTNLGRP_IPV6_IFADDR,
    c.RTNLGRP_IPV6_ROUTE,
    c.RTNLGRP_NSID,
)
_S32 = struct.Struct("=i")
_DENIED = f"what happens in other network namespaces is not told to everybody: {remedy([NET_BROADCAST])}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message (RTM_…): from which namespace, None being our own; its type, flags and body."""

    nsid: int | None
    kind: int
    flags: int
    body: bytes


class Listener:
    """A socket that hears of links, addresses, routes and numbers of namespaces; it keeps no namespace alive.

    One in each namespace would: a container's links would outlive it for as long as somebody listens there.
    """

    def __init__(self) -> None:
        """Listen; NotPermitted where that takes a capability that this process lacks."""
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, c.NETLINK_ROUTE
        )
        try:
            self._socket.setsockopt(c.SOL_NETLINK, c.NETLINK_LISTEN_ALL_NSID, 1)
        except PermissionError as error:
            self._socket.close()
            raise NotPermitted(_DENIED) from error
        self._enlarge()
        self._socket.bind((0, 0))
        for group in _GROUPS:
            self._socket.setsockopt(c.SOL_NETLINK, c.NETLINK_ADD_MEMBERSHIP, group)

    def _enlarge(self) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, c.SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:  # no CAP_NET_ADMIN: as far as net.core.rmem_max goes
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    def fileno(self) -> int:
        """Return the descriptor, which is readable when there is something to hear."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def heard(self) -> Iterator[Message | None]:
        """Yield what has come since one asked last; None stands for messages that were lost (ENOBUFS)."""
        while True:
            try:
                buffer, ancillary, _, _ = self._socket.recvmsg(_RECEIVE, socket.CMSG_SPACE(_S32.size))
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield None
                continue
            yield from _messages(buffer, _nsid(ancillary))


def _nsid(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    return next((_S32.unpack(data)[0] for level, kind, data in ancillary if _is_nsid(level, kind)), None)


def _is_nsid(level: int, kind: int) -> bool:
    return (level, kind) == (c.SOL_NETLINK, c.NETLINK_LISTEN_ALL_NSID)


def _messages(buffer: bytes, nsid: int | None) -> Iterator[Message]:
    at = 0
    while at + MESSAGE.size <= len(buffer):
        length, kind, flags, _, _ = MESSAGE.unpack_from(buffer, at)
        yield Message(nsid, kind, flags, buffer[at + MESSAGE.size : at + length])
        at += (max(length, MESSAGE.size) + 3) & ~3
