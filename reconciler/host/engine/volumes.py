"""The engine's calls about volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.host.engine.caller import Caller
from reconciler.host.engine.http import part

Json = dict[str, Any]


class Volumes:
    """All about volumes."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, **filters: str) -> list[Json]:
        """One row for each there is."""
        return self._caller.rows("/volumes", filters)["Volumes"] or []

    def inspect(self, name: str) -> Json:
        """All about one."""
        found: Json = self._caller.json("GET", f"/volumes/{part(name)}")
        return found

    def create(self, body: Mapping[str, Any]) -> Json:
        """Make one, or return the one of that name that is there already."""
        found: Json = self._caller.json("POST", "/volumes/create", body=body, again=True)
        return found

    def remove(self, name: str) -> None:
        """Remove it with its content."""
        path = f"/volumes/{part(name)}"
        self._caller.call("DELETE", path, again=False, done=lambda: self._caller.found(path) is None)
