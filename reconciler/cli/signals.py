"""Interruption: the first signal lets running steps end and starts no more, a second one aborts.

A terminal that is gone tells so more than once, by the kernel and by the shell: nobody insists by that.

This module is imported before all others, so that a signal finds it listening: it needs nothing that is slow to load.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
from threading import Event
from types import FrameType

_AT_ONCE = b"interrupted before the first step: nothing was changed\n"
BETWEEN = b"interrupted: what is told above was done, nothing more is started\n"
"""What to say where something was changed already, and nothing is under way."""
_NOTICE = b"\ninterrupted: running steps end, nothing more is started; once more aborts\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """What a signal does: before the first step it ends the run at once, from then on it sets `stop`."""

    def __init__(self) -> None:
        self.number = 0
        self.stop: Event | None = None
        self.at_once = _AT_ONCE
        """What to say where nothing is under way."""

    @property
    def exit_code(self) -> int:
        """The exit code of what a signal ended, as a shell has it; 0 where none came."""
        return 128 + self.number if self.number else 0

    def listen(self) -> None:
        """Take the signals over, apart from those that the caller wants ignored."""
        for each in _SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, self._received)

    def _received(self, number: int, _: FrameType | None) -> None:
        again, self.number = self.number, number
        if again and number == signal.SIGHUP:
            self.number = again
            return
        if again:
            os._exit(self.exit_code)
        # An exception would surface wherever the program just is, in a library that catches it as well as anywhere.
        if self.stop is None:
            _tell(self.at_once)
            os._exit(self.exit_code)
        # In a thread of its own: this one may just be in the midst of a wait for the event, and hold its lock.
        _thread.start_new_thread(self.stop.set, ())
        _tell(_NOTICE)


def _tell(words: bytes) -> None:
    """Write at once: print is no good here, the signal may have come in the midst of one; not where nobody reads."""
    with contextlib.suppress(OSError):
        if select.select((), (2,), (), 0)[1]:
            os.write(2, words)


interruption = Interruption()
