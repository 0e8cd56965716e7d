"""The engine's calls about images, but for those that make some."""

from __future__ import annotations

from typing import Any

from reconciler.host.engine.caller import Caller
from reconciler.host.engine.http import part

Json = dict[str, Any]


class Images:
    """All about images; each is named by a reference or by its id."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, nameless: bool = False) -> list[Json]:
        """One row for each there is; `nameless` those between two others as well."""
        found: list[Json] = self._caller.json("GET", "/images/json", query={"all": nameless or None})
        return found

    def inspect(self, reference: str, *, required: bool = False) -> Json:
        """All about one; an empty dict if there is none, unless it is `required`: then that is an EngineError."""
        path = f"/images/{part(reference)}/json"
        found: Json = self._caller.json("GET", path) if required else self._caller.found(path) or {}
        return found

    def tag(self, identity: str, repository: str, tag: str) -> None:
        """Give it a tag, which another one may have had."""
        self._caller.call("POST", f"/images/{part(identity)}/tag", query={"repo": repository, "tag": tag}, again=True)

    def remove(self, reference: str) -> None:
        """Remove a reference, and with the last one the image, but none below it."""
        gone = lambda: not self.inspect(reference)  # noqa: E731 - it is said where it is used
        self._caller.call("DELETE", f"/images/{part(reference)}", query={"noprune": True}, again=False, done=gone)
