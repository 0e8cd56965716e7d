"""The socket: many requests in few packets, one answer each (netlink(7))."""

import errno
import logging
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TypeVar

from reconciler.host.libc import aside, inside, setns
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import MESSAGE, as_s32, as_text, attributes
from reconciler.host.netlink.query import NetlinkError, Query
from reconciler.host.netlink.whereabouts import namespace_of

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_REQUESTS = {number: name for name, number in vars(c).items() if name.startswith("RTM_")}
_PACKET = 64 * 1024
_RECEIVE = 64 * 1024
_BUFFER = 4 * 1024 * 1024
_ACKNOWLEDGEMENT, _REPLY = 2048, 16 * 1024  # what the kernel counts, at most, for an answer that waits to be read
_TRIES, _PAUSE = 250, 0.05  # together some ten seconds: as long as a stranger may take to make thousands of links
_SEQUENCE_MAX = 2**31
_FLAGS_SEQUENCE = struct.Struct("=HI")
_FLAGS_OFFSET = 6  # in struct nlmsghdr
_WORDS = frozenset((c.NLMSGERR_ATTR_MSG,))
Group = bytes | tuple[bytes, ...]
Body = tuple[bytes, int, int]  # buffer, start, end
Answer = tuple[int, int, int, Body]  # type, flags, sequence


class Socket(AbstractContextManager["Socket"]):
    """A rtnetlink socket in a network namespace, for one thread at a time (others wait); close it, or use `with`."""

    def __init__(self, namespace_fd: int | None = None) -> None:
        """Open in the namespace of the descriptor, by a helper thread that enters it, or in the caller's own."""
        self._lock = threading.Lock()
        self._sequence = 0
        self._socket = _open() if namespace_fd is None else inside(namespace_fd, _open)
        room = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._room = {cost: max(1, room // cost) for cost in (_ACKNOWLEDGEMENT, _REPLY)}

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give the descriptor back, and with it the hold on the namespace."""
        self._socket.close()

    @property
    def cookie(self) -> int:
        """The identity of the socket's namespace (SO_NETNS_COOKIE)."""
        return int.from_bytes(self._socket.getsockopt(socket.SOL_SOCKET, c.SO_NETNS_COOKIE, 8), sys.byteorder)

    @cached_property
    def _where(self) -> str:
        return namespace_of(self._socket)

    def send(self, messages: Sequence[Group]) -> list[NetlinkError | None]:
        """Carry the requests out in order, one result each: None, or why the kernel refused.

        A tuple is a group: the kernel takes it in one system call, which no kill can interrupt, and its result is its
        first error. What stands after a refused message is tried all the same.
        """
        results: list[NetlinkError | None] = [None] * len(messages)
        for owners, packet in _packets(messages, self._room[_ACKNOWLEDGEMENT]):
            for owner, (error, _) in zip(owners, self._exchange(packet), strict=True):
                results[owner] = results[owner] or error
        return results

    def ask(self, queries: Sequence[Query[T]]) -> list[T | NetlinkError]:
        """Put questions that have one answer each."""
        answers: list[T | NetlinkError] = []
        for owners, packet in _packets([query.message for query in queries], self._room[_REPLY]):
            for owner, (error, bodies) in zip(owners, self._exchange(packet), strict=True):
                found = [queries[owner].parse(*body) for body in bodies]
                answers.append(error or next((item for item in found if item is not None), NetlinkError(errno.ENODATA)))
        return answers

    def dump(self, query: Query[T]) -> list[T]:
        """All that there is of a sort; asked again, for seconds, while it changes meanwhile (NLM_F_DUMP_INTR)."""
        for attempt in range(_TRIES):
            answers = self._dump(query.message, query.nothing)
            if not any(flags & c.NLM_F_DUMP_INTR for _, flags, _, _ in answers):
                parsed = (query.parse(*body) for kind, _, _, body in answers if kind != c.NLMSG_DONE)
                return [item for item in parsed if item is not None]
            time.sleep(min(attempt / 1000, _PAUSE))
        raise NetlinkError(errno.EINTR, f"the namespace changed during each of {_TRIES} dumps")

    def _dump(self, request: bytes, nothing: int) -> list[Answer]:
        with self._lock:
            sequence = self._transmit((request,), 0)
            answers: list[Answer] = []
            while not answers or answers[-1][0] not in (c.NLMSG_DONE, c.NLMSG_ERROR):
                answers += [answer for answer in self._receive(0) if answer[2] == sequence]
        error = _error(answers[-1])
        if error and error.errno != nothing:
            raise error
        return [] if error else answers

    def _exchange(self, requests: Sequence[bytes]) -> list[tuple[NetlinkError | None, list[Body]]]:
        results: list[tuple[NetlinkError | None, list[Body]]] = [(None, [])] * len(requests)
        bodies: dict[int, list[Body]] = {}
        with self._lock:
            first, missing = self._transmit(requests, c.NLM_F_ACK), len(requests)
            while missing:
                for answer in self._receive(socket.MSG_DONTWAIT):  # all is answered before sendmsg(2) returns
                    kind, _, sequence, body = answer
                    place = sequence - first
                    if not 0 <= place < len(requests):
                        continue
                    if kind == c.NLMSG_ERROR:
                        results[place] = (_error(answer), bodies.get(place, []))
                        missing -= 1
                    else:
                        bodies.setdefault(place, []).append(body)
        return results

    def _transmit(self, requests: Sequence[bytes], flags: int) -> int:
        first = 1 if self._sequence > _SEQUENCE_MAX else self._sequence + 1
        self._sequence = first + len(requests) - 1
        packet, at = bytearray().join(requests), _FLAGS_OFFSET
        for sequence, request in enumerate(requests, first):
            kept = _FLAGS_SEQUENCE.unpack_from(packet, at)[0]
            _FLAGS_SEQUENCE.pack_into(packet, at, kept | flags, sequence)
            at += len(request)
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("%s: %s", self._where, _told(requests))
        self._socket.send(packet)
        return first

    def _receive(self, flags: int) -> Iterator[Answer]:
        try:
            buffer = self._socket.recv(_RECEIVE, flags)
        except OSError as error:
            raise NetlinkError(error.errno or errno.EIO, "answers of the kernel were lost") from error
        at = 0
        while at + MESSAGE.size <= len(buffer):
            length, kind, message_flags, sequence, _ = MESSAGE.unpack_from(buffer, at)
            yield kind, message_flags, sequence, (buffer, at + MESSAGE.size, at + length)
            at += (max(length, MESSAGE.size) + 3) & ~3


def sockets(namespace_fds: Sequence[int]) -> list[Socket]:
    """Open one socket a namespace by a single helper thread, ten times cheaper than a thread each."""
    opened: list[Socket] = []
    try:
        aside(lambda: opened.extend(map(_entered, namespace_fds)))
    except OSError:
        for each in opened:
            each.close()
        raise
    return opened


def _entered(namespace_fd: int) -> Socket:
    setns(namespace_fd)
    return Socket()


def _told(requests: Sequence[bytes]) -> str:
    """Say what is sent: how many requests of which sort."""
    counts = Counter(_REQUESTS.get(MESSAGE.unpack_from(each)[1], "?") for each in requests)
    return ", ".join(f"{name} x{count}" for name, count in counts.items())


def _open() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, c.NETLINK_ROUTE)
    opened.bind((0, 0))
    for option in (c.NETLINK_CAP_ACK, c.NETLINK_EXT_ACK, c.NETLINK_GET_STRICT_CHK):
        opened.setsockopt(c.SOL_NETLINK, option, 1)
    for force, plain in ((c.SO_SNDBUFFORCE, socket.SO_SNDBUF), (c.SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            opened.setsockopt(socket.SOL_SOCKET, force, _BUFFER)
        except PermissionError:  # no CAP_NET_ADMIN: as far as net.core.rmem_max and wmem_max go
            opened.setsockopt(socket.SOL_SOCKET, plain, _BUFFER)
    return opened


def _packets(messages: Sequence[Group], most: int) -> Iterator[tuple[list[int], list[bytes]]]:
    """Fill packets up to a size and a number of answers; a group stays whole unless it is too large for any."""
    owners: list[int] = []
    packet: list[bytes] = []
    size = 0
    for owner, unit in _units(messages, most):
        length = sum(map(len, unit))
        if packet and (size + length > _PACKET or len(packet) + len(unit) > most):
            yield owners, packet
            owners, packet, size = [], [], 0
        owners += [owner] * len(unit)
        packet += unit
        size += length
    if packet:
        yield owners, packet


def _units(messages: Sequence[Group], most: int) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    for owner, message in enumerate(messages):
        group = (message,) if isinstance(message, bytes) else message
        if len(group) <= most and sum(map(len, group)) <= _PACKET:
            yield owner, group
        else:
            yield from ((owner, (part,)) for part in group)


def _error(answer: Answer) -> NetlinkError | None:
    """What an NLMSG_ERROR or NLMSG_DONE says: a negative errno (0: done), the request's head, the kernel's words."""
    kind, flags, _, (buffer, start, end) = answer
    number = -as_s32(buffer[start : start + 4]) if end >= start + 4 else 0
    if number <= 0:
        return None
    words = start + 4 + (MESSAGE.size if kind == c.NLMSG_ERROR else 0)
    found = attributes(buffer, words, end, _WORDS) if flags & c.NLM_F_ACK_TLVS else {}
    return NetlinkError(number, as_text(found.get(c.NLMSGERR_ATTR_MSG, b"")))
