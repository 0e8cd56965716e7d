"""One call to an engine, and how long it is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any
from urllib.parse import unquote

from reconciler.value import dataclass

READS = ("GET", "HEAD")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


@dataclass(frozen=True)
class Asked:
    """A call: what is sent, and what to do where its answer is lost."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Any = None
    timeout: float | None = None
    again: bool = True
    done: Callable[[], bool] | None = None

    def __str__(self) -> str:
        named = (self.query or {}).get("name")
        return f"{self.method} {unquote(self.path)}" + (f"?name={named}" if named else "")


class Backoff:
    """Pauses that grow, for so many seconds from the first one on."""

    def __init__(self, seconds: float, stop: Event) -> None:
        self._seconds, self._stop = seconds, stop
        self._pause, self._deadline = _FIRST_PAUSE, 0.0

    def again(self) -> bool:
        """Pause, and tell whether to try once more."""
        now = time.monotonic()
        self._deadline = self._deadline or now + self._seconds
        if now + self._pause > self._deadline or self._stop.wait(self._pause):
            return False
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return True
