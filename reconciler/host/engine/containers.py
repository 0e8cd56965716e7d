"""The engine's calls about containers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from threading import Event
from typing import Any

from reconciler.host.engine.caller import Caller
from reconciler.host.engine.http import part, unframed

Json = dict[str, Any]
_MOMENT = 0.25
"""Seconds after which who waits hears that no more waiting is wanted."""


class Containers:
    """All about containers; each is named by its id or by its name."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, **filters: str) -> list[Json]:
        """One row for each there is, running or not; filters as `label="NAME=VALUE"`."""
        found: list[Json] = self._caller.rows("/containers/json", filters, all=True)
        return found

    def inspect(self, name: str) -> Json:
        """All about one."""
        found: Json = self._caller.json("GET", f"/containers/{part(name)}/json")
        return found

    def find(self, name: str) -> Json | None:
        """All about one; None where there is none."""
        return self._caller.found(f"/containers/{part(name)}/json")

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Make one; it is told from others of its name by its labels."""
        labels = body.get("Labels") or {}

        def done() -> bool:
            found = self.find(name)
            return found is not None and labels.items() <= (found["Config"]["Labels"] or {}).items()

        self._caller.call("POST", "/containers/create", query={"name": name}, body=body, again=False, done=done)

    def start(self, name: str) -> None:
        """Start it; one that runs is a success."""
        self._do(name, "start", done=lambda state: state["Running"])

    def kill(self, name: str, signal: str = "SIGKILL") -> None:
        """Send it a signal."""
        self._do(name, "kill", query={"signal": signal}, done=lambda state: not state["Running"])

    def restart(self, name: str, grace: float) -> None:
        """Stop and start it."""
        timeout = self._caller.timeout + grace
        before = self.inspect(name)["State"]["StartedAt"]
        self._do(
            name,
            "restart",
            query={"t": int(grace)},
            timeout=timeout,
            done=lambda state: state["Running"] and state["StartedAt"] != before,
        )

    def pause(self, name: str) -> None:
        """Freeze it."""
        self._do(name, "pause", done=lambda state: state["Paused"])

    def unpause(self, name: str) -> None:
        """Let it go on."""
        self._do(name, "unpause", done=lambda state: not state["Paused"])

    def update(self, name: str, body: Mapping[str, Any]) -> None:
        """Change limits and the restart policy."""
        self._caller.call("POST", f"/containers/{part(name)}/update", body=body, again=True)

    def rename(self, identity: str, name: str) -> None:
        """Give it another name."""
        self._caller.call(
            "POST",
            f"/containers/{part(identity)}/rename",
            query={"name": name},
            again=False,
            done=lambda: (self.find(identity) or {}).get("Name") == f"/{name}",
        )

    def remove(self, identity: str, *, volumes: bool = True) -> None:
        """Kill and remove it, with its anonymous `volumes` or without."""
        path = f"/containers/{part(identity)}"
        gone = lambda: self.find(identity) is None  # noqa: E731 - it is said where it is used
        self._caller.call("DELETE", path, query={"v": volumes, "force": True}, again=False, done=gone)

    def wait(self, name: str, seconds: float, stop: Event | None = None) -> int | None:
        """Wait until it does not run, and return its exit code.

        None when it still runs after so many seconds, or when `stop` is set meanwhile.
        """
        path, query = f"/containers/{part(name)}/wait", {"condition": "not-running"}
        deadline = time.monotonic() + seconds
        with self._caller.stream("POST", path, query=query) as answer:
            while not answer.is_readable(min(_MOMENT, deadline - time.monotonic())):
                if time.monotonic() >= deadline or (stop and stop.is_set()):
                    return None
            return int(json.loads(answer.rest())["StatusCode"])

    def log_tail(self, name: str, lines: int, *, terminal: bool) -> str:
        """Return the last lines of its log; `terminal` as its configuration says."""
        query = {"stdout": True, "stderr": True, "tail": lines}
        _, content = self._caller.call("GET", f"/containers/{part(name)}/logs", query=query)
        return (content if terminal else unframed(content)).decode(errors="replace").strip()

    def _do(self, name: str, verb: str, *, done: Any, **options: Any) -> None:
        def settled() -> bool:
            found = self.find(name)
            return found is not None and bool(done(found["State"]))

        self._caller.call("POST", f"/containers/{part(name)}/{verb}", again=False, done=settled, **options)
