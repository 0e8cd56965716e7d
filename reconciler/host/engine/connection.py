"""Connections to an engine that are kept and used again."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable

from reconciler.host.engine.dial import Line
from reconciler.host.engine.http import Head, Reader
from reconciler.host.poll import LONGEST, milliseconds

KEPT = 72
"""How many idle connections are kept; where more were needed at once, the others are closed when they have served."""


class Connection:
    """One connection, for one thread at a time; its deadline is of the monotonic clock."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.reader = Reader(self._received)
        self.deadline: float | None = None

    def ask(self, request: bytes, *, deadline: float | None) -> Head:
        """Send a request and read how the answer begins; TimeoutError at the deadline."""
        self.deadline = deadline
        self._patience()
        self.line.sendall(request)
        return self.reader.head()

    def _received(self, size: int) -> bytes:
        self._patience()
        return self.line.recv(size)

    def _patience(self) -> None:
        if self.deadline is None:
            self.line.settimeout(None)
            return
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.line.settimeout(min(left, LONGEST))

    def is_readable(self, seconds: float | None) -> bool:
        """Wait so long for something to read; an end is something, too."""
        pending = getattr(self.line, "pending", None)
        if self.reader.ahead or (pending and pending()):
            return True
        poll = select.poll()
        poll.register(self.line.fileno(), select.POLLIN)
        return bool(poll.poll(None if seconds is None else milliseconds(seconds)))

    def interrupt(self) -> None:
        """Wake up the thread that reads: it sees an end."""
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            self.line.close()


class Pool:
    """Connections that wait for their next use; the one used last comes first."""

    def __init__(self, dial: Callable[[], Line]) -> None:
        self._dial = dial
        self._idle: deque[Connection] = deque()

    def __del__(self) -> None:
        self.close()

    def take(self) -> Connection:
        """Return a connection that is still open, or a new one; OSError when nobody is there."""
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                found = self._idle.pop()
                if not found.is_readable(0):
                    return found
                found.close()  # an engine that sends unasked has hung up
        return Connection(self._dial())

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close all that wait."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()
