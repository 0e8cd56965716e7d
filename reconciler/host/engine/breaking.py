"""What takes its time ends when no more waiting is wanted: its connection is broken off, which ends it there."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from threading import Event, Thread

from reconciler.host.engine.dial import Line

_MOMENT = 0.1


@contextlib.contextmanager
def broken_off(end: Callable[[], None], stop: Event, *, after: float = 0.0) -> Iterator[None]:
    """Call `end` so many seconds `after` no more waiting is wanted, unless the block ends before."""
    over = Event()

    def watch() -> None:
        while not over.wait(_MOMENT):
            if stop.is_set() and not over.wait(after):
                end()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def hang_up(lines: Iterable[Line]) -> None:
    """Wake up whoever reads from connections, and let the other side know."""
    for each in lines:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
