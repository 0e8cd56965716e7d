"""Stopping a container as it asks, or killing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.kinds.calls import status

if TYPE_CHECKING:
    from reconciler.host import Host

DEFAULT_GRACE = 10
"""Seconds between the stop signal and SIGKILL where a container declares none."""
_NOT_FOUND, _CONFLICT = 404, 409


def stop(host: Host, live: Mapping[str, Any]) -> None:
    """Stop a container, known by its id; one that is paused must wake up for it. Gone or stopped is a success."""
    api, identity = host.engine.api, live["id"]
    try:
        state = api.inspect_container(identity)["State"]
        if state["Paused"] and not host.kill:
            api.unpause(identity)
        if host.kill and state["Running"]:
            api.kill(identity)
            api.wait(identity)
        elif state["Running"]:
            grace = live.get("grace")
            api.stop(identity, timeout=DEFAULT_GRACE if grace is None else grace)
    except Exception as error:
        if status(error) not in (_NOT_FOUND, _CONFLICT):
            raise
