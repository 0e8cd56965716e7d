"""The turn of a watch among all who change a topology: its passes share one lock, as they may run beside each other."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from reconciler.host.lock import Holder, Lock, locked

_MOMENT = 0.25
"""Seconds for which others, who wait, are let go first, and after which one looks whether they still wait."""


class Turn:
    """The lock of a topology, held for as long as a pass is under way; `over` is called as the last one ends.

    However many passes follow each other, and overlap, others have their turn: see `room`.
    """

    def __init__(self, *, timeout: float, over: Callable[[], None]) -> None:
        self._timeout, self._over = timeout, over
        self._guard, self._held, self._passes = threading.Lock(), ExitStack(), 0
        self._lock: Lock | None = None
        self._room = -math.inf

    @property
    def room(self) -> float:
        """When another pass may begin: while others wait, not beside one that has its turn, nor right after it."""
        with self._guard:
            self._give_way()
            return self._room

    def _give_way(self) -> None:
        if self._lock and self._lock.is_awaited:
            self._room = time.monotonic() + _MOMENT

    @contextmanager
    def taken(self, topology: str, waiting: Callable[[Holder], None]) -> Iterator[None]:
        """Hold the lock; Locked if another process does not let go of it in time."""
        with self._guard:
            if not self._passes:
                self._lock = self._held.enter_context(locked(topology, timeout=self._timeout, waiting=waiting))
            self._passes += 1
        try:
            yield
        finally:
            with self._guard:
                self._passes -= 1
                if not self._passes:
                    self._over()
                    self._give_way()
                    self._lock = None
                    self._held.close()
