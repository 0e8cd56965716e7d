"""Interruption: the first signal lets running steps end and starts no more, a second one aborts."""

from __future__ import annotations

import contextlib
import os
import signal
from threading import Event
from types import FrameType

from reconciler.errors import Interrupted

_NOTICE = b"\ninterrupted: running steps end, nothing more is started; once more aborts\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """What a signal does: before the first step it ends the run at once, from then on it sets `stop`."""

    def __init__(self) -> None:
        self.number = 0
        self.stop: Event | None = None

    def listen(self) -> None:
        """Take the signals over, apart from those that the caller wants ignored."""
        for each in _SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, self._received)

    def _received(self, number: int, _: FrameType | None) -> None:
        if self.number:
            os._exit(128 + number)
        self.number = number
        if self.stop is None:
            raise Interrupted(number)
        self.stop.set()
        with contextlib.suppress(OSError):  # print is no good here: the signal may have come in the midst of one
            os.write(2, _NOTICE)


interruption = Interruption()
