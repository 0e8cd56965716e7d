"""An answer that comes piece by piece."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from reconciler.host.engine.connection import Connection
from reconciler.host.engine.errors import AnswerLost, EngineSilent
from reconciler.host.engine.http import Head


class Stream(AbstractContextManager["Stream"]):
    """What follows the head of an answer; each piece may take `timeout` seconds once it has begun to come."""

    def __init__(self, connection: Connection, head: Head, *, call: str, timeout: float) -> None:
        self._connection, self._head, self._call, self._timeout = connection, head, call, timeout

    def is_readable(self, seconds: float | None) -> bool:
        """Wait so long for the next piece, or for the end."""
        return self._connection.is_readable(seconds)

    def piece(self) -> bytes:
        """Return the next piece, and nothing at the end; AnswerLost when the connection breaks."""
        self._connection.deadline = time.monotonic() + self._timeout
        try:
            return self._connection.reader.piece(self._head)
        except OSError as error:
            raise AnswerLost(self._call, error) from error

    def rest(self, seconds: float | None = None) -> bytes:
        """Return all that is left; TimeoutError where that takes longer than so many seconds, if any are given."""
        self._connection.deadline = time.monotonic() + (self._timeout if seconds is None else seconds)
        try:
            return self._connection.reader.body(self._head)
        except TimeoutError as error:
            if seconds is None:
                raise EngineSilent(self._call, self._timeout) from error
            raise
        except OSError as error:
            raise AnswerLost(self._call, error) from error

    def interrupt(self) -> None:
        """Wake up the thread that reads: it sees an end."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()
