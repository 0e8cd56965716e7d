"""What happens in the engine: its stream of events, followed by a thread that begins again whenever the stream ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.errors import EngineUnreachable, ReconcilerError
from reconciler.host import Host
from reconciler.host.engine.events import Events
from reconciler.value import dataclass
from reconciler.watch.concern import EVENTS

_FIRST, _LONGEST = 0.1, 2.0
"""Seconds between two attempts to reach the engine."""


@dataclass(frozen=True)
class Reached:
    """The engine answers, and its events are heard from now on."""


@dataclass(frozen=True)
class Lost:
    """The stream has ended, or none could be had."""

    error: ReconcilerError


Word = Reached | Lost | Mapping[str, Any]


class EngineEars:
    """Follows the events of an engine, and tells of them from a thread of its own."""

    def __init__(self, host: Callable[[], Host], tell: Callable[[Word], None]) -> None:
        self._host, self._tell, self._begun = host, tell, False
        self._events: Events | None = None
        self._not_before = -math.inf

    def follow(self) -> None:
        """Begin to listen, if that has not begun yet."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._follow, name="engine", daemon=True).start()

    def begin_anew(self, *, after: float) -> None:
        """End the stream of events, if there is one, and ask for another after so many seconds.

        Whether the engine answers is told then.
        """
        self._not_before = max(self._not_before, time.monotonic() + after)
        if self._events:
            self._events.close()

    def _follow(self) -> None:
        pause = _FIRST
        while True:
            began = time.monotonic()
            error = self._listened()
            pause = _FIRST if time.monotonic() - began > _LONGEST else min(2 * pause, _LONGEST)
            self._tell(Lost(error))
            time.sleep(max(pause, self._not_before - time.monotonic()))

    def _listened(self) -> ReconcilerError:
        """Listen until the stream ends, and return why."""
        host = replace(self._host(), patience=0)
        try:
            with host, host.engine.events(filters=EVENTS) as events:
                self._events = events
                self._tell(Reached())
                for event in events:
                    self._tell(event)
        except Exception as error:  # noqa: BLE001 - whatever ends the stream, it is begun again
            return host.explain(error)
        return EngineUnreachable("the engine has ended its stream of events")
