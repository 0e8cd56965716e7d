"""What the engine tells as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from reconciler.host.engine.errors import AnswerLost
from reconciler.host.engine.stream import Stream

Event = dict[str, Any]


class Events(AbstractContextManager["Events"]):
    """A stream of events, to iterate over in one thread; `close` from any other ends it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pending = b""
        self._is_closed = False

    def __iter__(self) -> Iterator[Event]:
        """Yield the events until the stream is closed; AnswerLost when the engine ends it."""
        while (event := self.next()) is not None:
            yield event

    def next(self, seconds: float | None = None) -> Event | None:
        """Return the next event; None when there is none for so many seconds, or the stream is closed."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not self._stream.is_readable(None if deadline is None else deadline - time.monotonic()):
                return None
            piece = self._piece()
            if self._is_closed:
                return None
            self._pending += piece
        line, self._pending = self._pending.split(b"\n", 1)
        found: Event = json.loads(line)
        return found

    def _piece(self) -> bytes:
        try:
            piece = self._stream.piece()
        except AnswerLost:
            if self._is_closed:
                return b""
            raise
        if not piece and not self._is_closed:
            raise AnswerLost("GET /events", EOFError("it ended the stream"))
        return piece

    def close(self) -> None:
        """End the stream: who waits for an event gets None."""
        self._is_closed = True
        self._stream.interrupt()

    def __exit__(self, *_: object) -> None:
        """Close it, and its connection."""
        self.close()
        self._stream.close()
