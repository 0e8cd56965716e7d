"""What a container waits for, and whether that can ever come; pure."""

from __future__ import annotations

from reconciler.kinds.container.healthcheck import disabled
from reconciler.kinds.container.settings import restart
from reconciler.kinds.entry import Entry, entry_of
from reconciler.kinds.networking import dependencies, place, state

_AGAIN = ("always", "unless-stopped")


def check(entry: Entry) -> None:
    """Note what a container waits for that never comes, and what it is to do that its restart policy undoes."""
    known = entry.source.section("containers")
    for name, condition in dependencies(entry).items():
        target = entry_of(entry.source, name)
        if name in known and not target.get("external") and not target.incomplete("state"):
            message, hint = _never(target, condition)
            if message:
                entry.problem(place(entry, "depends_on", name), message, hint)
    policy = restart(entry.get("restart"))
    if policy in _AGAIN and state(entry) == "completed":
        entry.problem(("restart",), f"with {policy!r} it never completes", "use no or on-failure, or another `state`")


def _never(target: Entry, condition: str) -> tuple[str, str]:
    """Say why a condition never holds, and what to do; empty if it can."""
    wanted = state(target)
    if condition == "service_completed_successfully" and wanted != "completed":
        return f"{target.name!r} is to be {wanted}: it never completes", "take its `state` out, or wait for another"
    if condition != "service_healthy":
        return "", ""
    if wanted != "running":
        return f"{target.name!r} is to be {wanted}: nobody says that it is healthy", "wait for service_started"
    if disabled(target.get("healthcheck") or {}):
        return f"the healthcheck of {target.name!r} is disabled", "wait for service_started, or give it a healthcheck"
    return "", ""
