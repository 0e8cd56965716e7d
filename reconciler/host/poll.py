"""How long to wait for descriptors, as poll(2) takes it."""

from __future__ import annotations

import math

_LONGEST = 2**31 - 1
"""An int of milliseconds, some 24 days: who waits longer looks up then."""


def milliseconds(seconds: float) -> int | None:
    """Return so many seconds, rounded up; None, which is without end, for infinity."""
    return None if math.isinf(seconds) else math.ceil(min(max(0, seconds) * 1000, _LONGEST))
