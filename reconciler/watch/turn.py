"""The turn of a watch among all who change a topology: its passes share one lock, as they may run beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from reconciler.host.lock import Holder, locked


class Turn:
    """The lock of a topology, held for as long as a pass is under way; `over` is called as the last one ends."""

    def __init__(self, *, timeout: float, over: Callable[[], None]) -> None:
        self._timeout, self._over = timeout, over
        self._lock, self._held, self._passes = threading.Lock(), ExitStack(), 0

    @contextmanager
    def taken(self, topology: str, waiting: Callable[[Holder], None]) -> Iterator[None]:
        """Hold the lock; Locked if another process does not let go of it in time."""
        with self._lock:
            if not self._passes:
                self._held.enter_context(locked(topology, timeout=self._timeout, waiting=waiting))
            self._passes += 1
        try:
            yield
        finally:
            with self._lock:
                self._passes -= 1
                if not self._passes:
                    self._over()
                    self._held.close()
