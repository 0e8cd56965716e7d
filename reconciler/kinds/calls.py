"""What effects on the engine have in common: a little patience, and the status of an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from reconciler.host.engine import Engine

T = TypeVar("T")
_PAUSE = 0.05


def patiently(engine: Engine, act: Callable[[], T], *, passing: Callable[[Exception], bool]) -> T:
    """Call again while it fails for a reason that may pass, as long as the engine's patience lasts.

    Endpoints and references vanish a moment after the call that removes them. An interruption cuts nothing short here:
    what runs is to end, and what a build has left is to go.
    """
    deadline = time.monotonic() + engine.patience
    while True:
        try:
            return act()
        except Exception as error:
            if time.monotonic() > deadline or not passing(error):
                raise
        time.sleep(_PAUSE)


def status(error: BaseException) -> int:
    """Return the HTTP status of an error of the engine; 0 if it is none."""
    return getattr(error, "status", 0) or getattr(getattr(error, "response", None), "status_code", 0) or 0
