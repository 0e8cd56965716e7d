"""What effects on the engine have in common: a little patience, and the status of an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 3.0
"""Seconds to go on trying: endpoints and references vanish a moment after the call that removes them."""
_PAUSE = 0.05


def patiently(act: Callable[[], T], *, passing: Callable[[Exception], bool]) -> T:
    """Call again while it fails for a reason that may pass, for some seconds at most."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except Exception as error:
            if time.monotonic() > deadline or not passing(error):
                raise
        time.sleep(_PAUSE)


def status(error: BaseException) -> int:
    """Return the HTTP status of an error of the engine; 0 if it is none."""
    return getattr(getattr(error, "response", None), "status_code", 0) or 0
