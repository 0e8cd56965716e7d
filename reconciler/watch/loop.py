"""What the thread that watches waits for: descriptors, each with what to do when there is news, and other threads."""

from __future__ import annotations

import os
import queue
import select
from collections.abc import Callable

from reconciler.host.poll import milliseconds

Act = Callable[[], None]


class Loop:
    """Waits, and does what is due, all in the thread that calls `hear`."""

    def __init__(self) -> None:
        self._acts: dict[int, Act] = {}
        self._poll = select.poll()
        self._todo: queue.SimpleQueue[Act] = queue.SimpleQueue()
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.on(self._woken, self._do)

    def on(self, fd: int, act: Act, events: int = select.POLLIN) -> None:
        """Do something whenever there is news of a descriptor."""
        self._acts[fd] = act
        self._poll.register(fd, events)

    def soon(self, act: Act) -> None:
        """Have something done; any thread may ask for that."""
        self._todo.put(act)
        os.eventfd_write(self._woken, 1)

    def hear(self, seconds: float) -> None:
        """Wait for news at most so long, and do what is due."""
        for fd, _ in self._poll.poll(milliseconds(seconds)):
            self._acts[fd]()

    def _do(self) -> None:
        os.eventfd_read(self._woken)
        while not self._todo.empty():
            self._todo.get()()
