"""Stopping a container as it asks, or killing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.kinds.base import Later
from reconciler.kinds.calls import status
from reconciler.kinds.container.spec import STOP_GRACE_PERIOD
from reconciler.model import Status

if TYPE_CHECKING:
    from reconciler.host import Host

_MOMENT = 0.1
"""Seconds, at least, for a wait that begins late: what has ended by then is told at once."""
_KILL, _TERM = "SIGKILL", "SIGTERM"


def stopping(host: Host, live: Mapping[str, Any], work: Callable[[], Status]) -> Later:
    """Signal a container, known by its id, that it is to end, so that it can be waited for, and then work on.

    What still runs after its grace is killed first, and one that is gone or stopped is a success. The engine wakes up a
    paused one for its own stop signal, and does not start again what was sent that.
    """
    identity, begun = live["id"], time.monotonic()
    grace = STOP_GRACE_PERIOD / 10**9 if live.get("grace") is None else live["grace"]
    signal = _KILL if host.kill else live.get("signal") or _TERM
    runs = _is_done(lambda: host.engine.containers.kill(identity, signal))

    def wait() -> None:
        left = host.engine_timeout if host.kill else max(begun + grace - time.monotonic(), _MOMENT)
        if runs and _outlives(host, identity, left) and _is_done(lambda: host.engine.containers.kill(identity)):
            _outlives(host, identity, host.engine_timeout)

    return Later(wait, work)


def _outlives(host: Host, identity: str, seconds: float) -> bool:
    found: list[int | None] = [0]
    return _is_done(lambda: found.append(host.engine.containers.wait(identity, seconds))) and found[-1] is None


def _is_done(act: Callable[[], None]) -> bool:
    """Do something to a container; False where it is gone, or does not run."""
    try:
        act()
    except Exception as error:
        if status(error) not in (NOT_FOUND, CONFLICT):
            raise
        return False
    return True
