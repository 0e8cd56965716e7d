"""A lock per topology: an abstract Unix socket, which leaves no file and dies with its holder (man 7 unix)."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from reconciler.errors import Locked
from reconciler.host.poll import milliseconds
from reconciler.value import dataclass

_NAME_MAX = 90
_WAITERS = 4096
_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid
_START = 19  # the field starttime of /proc/PID/stat, counted from the one after the command's name (man 5 proc)
_LONGEST = 100
_MOMENT = 0.05


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as the kernel tells; `pid` is 0 where it lives in another pid namespace.

    Anybody can bind an abstract socket: `uid` is that of a user who is neither root nor ours, None otherwise.
    """

    pid: int
    command: str
    since: str
    uid: int | None = None

    def __str__(self) -> str:
        return self._process + ("" if self.uid is None else f", of uid {self.uid}, who is neither root nor you")

    @property
    def _process(self) -> str:
        if not self.pid:
            return "a process that cannot be seen from here"
        return f"pid {self.pid} ({self.command or 'gone meanwhile'})" + (f", since {self.since}" if self.since else "")


_STARTING = Holder(0, "", "")


class Lock:
    """A lock that is held; who waits for it is connected to its socket."""

    def __init__(self, mine: socket.socket) -> None:
        self._mine = mine
        self._mine.settimeout(0)
        self._connected: list[socket.socket] = []

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody waits for it, and has not given up."""
        with contextlib.suppress(OSError):  # there are no more, or too many for this process
            while True:
                self._connected.append(self._mine.accept()[0])
        for each in [each for each in self._connected if _hung_up(each, 0)]:
            self._connected.remove(each)
            each.close()
        return bool(self._connected)

    def close(self) -> None:
        """Let go of it, and wake up who waits."""
        for each in (self._mine, *self._connected):
            each.close()


@contextmanager
def locked(topology: str, *, timeout: float, waiting: Callable[[Holder], None] = lambda _: None) -> Iterator[Lock]:
    """Hold the topology's lock in this network namespace; Locked after `timeout` seconds of waiting.

    `waiting` is told for whom, once for each holder.
    """
    with contextlib.closing(Lock(_taken(topology, time.monotonic() + timeout, waiting))) as lock:
        yield lock


def _taken(topology: str, deadline: float, waiting: Callable[[Holder], None]) -> socket.socket:
    told: Holder | None = None
    while (mine := _bound(topology)) is None:
        with socket.socket(socket.AF_UNIX) as theirs:
            holder = _holder(theirs, topology)
            left = deadline - time.monotonic()
            if left <= 0:
                raise Locked(f"{topology}: locked by {holder}: try again later, or wait longer with --lock-timeout")
            if holder is _STARTING:
                time.sleep(_MOMENT)
                continue
            if holder != told:
                waiting(told := holder)
            _hung_up(theirs, left)
    return mine


def _bound(topology: str) -> socket.socket | None:
    """Take the lock, or None where another holds it."""
    mine = socket.socket(socket.AF_UNIX)
    try:
        mine.bind(_address(topology))
        mine.listen(_WAITERS)
    except OSError as error:
        mine.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return mine


def _holder(theirs: socket.socket, topology: str) -> Holder:
    """Connect to the holder, which never answers: its end is the hang-up."""
    theirs.settimeout(0)
    try:
        theirs.connect(_address(topology))
    except (ConnectionRefusedError, BlockingIOError):  # it is gone, does not listen yet, or its queue is full
        return _STARTING
    credentials = theirs.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(credentials)
    return replace(_described(pid), uid=None if uid in (0, os.geteuid()) else uid)


def _address(topology: str) -> str:
    """The socket's name in the abstract space, which holds 107 bytes."""
    return "\0reconciler/" + (
        topology if len(topology.encode()) <= _NAME_MAX else sha256(topology.encode()).hexdigest()
    )


def _described(pid: int) -> Holder:
    process = Path(f"/proc/{pid}")
    try:
        command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        ticks = int(process.joinpath("stat").read_text().rpartition(")")[2].split()[_START])
    except OSError:
        return Holder(pid, "", "")
    return Holder(pid, command[:_LONGEST], f"{_moment(ticks):%Y-%m-%d %H:%M:%S}")


def _moment(ticks: int) -> datetime:
    """The wall-clock time of something that happened so many clock ticks after the machine's start."""
    ago = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return datetime.fromtimestamp(time.time() - ago).astimezone()


def _hung_up(theirs: socket.socket, seconds: float) -> bool:
    """Wait until the other end hangs up, or the time is over, and tell which it was; nobody ever says a word."""
    poll = select.poll()
    poll.register(theirs, select.POLLIN | select.POLLRDHUP)
    return bool(poll.poll(milliseconds(seconds)))
