"""What ends a whole pass, such as a kernel that cannot be looked at: told once, and tried again ever less often."""

from __future__ import annotations

import math

from reconciler.errors import ReconcilerError
from reconciler.watch.patience import pause_after

_MOST = 6


class Trouble:
    """How often in a row that was so, until when to wait, and the words for it."""

    def __init__(self) -> None:
        self._times, self.until, self._told = 0, math.inf, ""

    def __bool__(self) -> bool:
        return bool(self._times)

    def had(self, error: ReconcilerError, now: float) -> tuple[str, float]:
        """Return what there is to tell, nothing if it was told already, and for how long to wait."""
        self._times = min(self._times + 1, _MOST)
        pause = pause_after(self._times)
        told, self._told, self.until = self._told, str(error), now + pause
        return "" if told == str(error) else str(error), pause
