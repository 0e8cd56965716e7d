"""Witnesses that hear every change: raw netlink sockets in namespaces, the engine's events, a list of files."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from live import snapshot

_SOL_NETLINK, _ADD_MEMBERSHIP, _CLONE_NEWNET = 270, 1, 0x40000000
_GROUPS, _AF_BRIDGE = 40, 7
_BY_ITSELF = {3, 20, 26}
"""RTNLGRP_NEIGH, ND_USEROPT, MDB: what the kernel learns of neighbours and of multicast without anybody's doing."""
_HEADER = struct.Struct("=IHHII")
_QUIET = 2.0
"""Seconds without a message after which nothing that began before is still under way."""


@contextmanager
def in_namespaces(*paths: str) -> Iterator[list[socket.socket]]:
    """Listen to all that changes in network namespaces, once they have come to rest."""
    with ExitStack() as stack:
        found = [stack.enter_context(_inside(each)) for each in ("/proc/self/ns/net", *paths)]
        while heard(found, seconds=_QUIET):
            pass
        yield found


def heard(sockets: list[socket.socket], *, seconds: float = 0) -> list[int]:
    """Return the types (RTM_…) of the messages that have come, after waiting for the first."""
    found, poll = [], select.poll()  # select(2) takes no descriptor beyond 1,023
    by_fd = {each.fileno(): each for each in sockets}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    while ready := poll.poll(seconds * 1000):
        for fd, _ in ready:
            data = by_fd[fd].recv(1 << 16)
            # A bridge tells of its ports (family AF_BRIDGE) whenever one of its own timers ends.
            found += [_HEADER.unpack_from(data)[1]] if data[_HEADER.size] != _AF_BRIDGE else []
        seconds = 0
    return found


def _inside(path: str) -> socket.socket:
    """Open a socket in a namespace, by a thread that goes there and ends."""
    made: list[socket.socket] = []

    def enter() -> None:
        fd = os.open(path, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), path)
        os.close(fd)
        made.append(_subscribed())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return made[0]


def _subscribed() -> socket.socket:
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    made.bind((0, 0))
    for group in set(range(1, _GROUPS)) - _BY_ITSELF:
        with suppress(OSError):  # this kernel has fewer
            made.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
    return made


def now() -> str:
    """The time as the engine takes it."""
    return f"{time.time():.9f}"


def events(engine: Any, since: str) -> list[str]:
    """Return what the engine tells that it did since then."""
    return [f"{each['Type']} {each['Action']}" for each in engine.events(since=since, until=now(), decode=True)]


def files(engine: Any, folders: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Every file below some folders, apart from the engine's own."""
    return snapshot.files([engine.info()["DockerRootDir"]], below=folders)
