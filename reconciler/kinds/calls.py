"""What effects on the engine have in common: a result for each step, and a little patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from reconciler.kinds.base import Result
from reconciler.kinds.effects import named
from reconciler.model import Step

if TYPE_CHECKING:
    from reconciler.host import Host

T = TypeVar("T")
PATIENCE = 3.0
"""Seconds to go on trying: endpoints and references vanish a moment after the call that removes them."""
_PAUSE = 0.05


def one_by_one(host: Host, steps: Iterable[Step], act: Callable[[Step], Result]) -> Iterator[Result]:
    """Carry out each step by itself: the failure of one is its own result, and begins with its key."""
    for step in steps:
        try:
            yield act(step)
        except Exception as error:  # noqa: BLE001 - what a library raises becomes a value in our words
            yield named(step, host.explain(error))


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
