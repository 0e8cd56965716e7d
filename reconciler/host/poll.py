"""How long to wait for descriptors, as poll(2) takes it."""

from __future__ import annotations

import math

LONGEST = (2**31 - 1) / 1000
"""Seconds that are an int of milliseconds, some 24 days: who waits longer looks up then."""


def milliseconds(seconds: float) -> int | None:
    """Return so many seconds, rounded up; None, which is without end, for infinity."""
    return None if math.isinf(seconds) else math.ceil(min(max(0, seconds), LONGEST) * 1000)
