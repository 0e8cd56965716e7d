"""The engine's calls about networks, and containers on them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from reconciler.host.engine.caller import Caller
from reconciler.host.engine.http import part

Json = dict[str, Any]
_COUNTS_WELL = (1, 49)
"""An engine before this API version (28.1) keeps a count of a network's endpoints, and may lose one that goes while
others come and go: then the network cannot be removed until the engine restarts (moby/moby#42119, mended by #49736).
That was seen, often, where running containers are connected and disconnected at once, which is why these take turns;
where containers start or are removed at once it was not."""


class Turns:
    """Who works on what has one name, a network's or a container's, waits for its turn, no longer than a call may."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def take(self, name: str) -> Iterator[None]:
        """Let nobody else work on it."""
        lock = self._locks[name]
        taken = lock.acquire(timeout=min(self._caller.timeout, threading.TIMEOUT_MAX))
        try:
            yield
        finally:
            if taken:
                lock.release()


class Networks:
    """All about networks; each is named by its id or by its name."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.turns = Turns(caller)

    def list(self, **filters: str) -> list[Json]:
        """One row for each there is, without its endpoints."""
        found: list[Json] = self._caller.rows("/networks", filters)
        return found

    def inspect(self, name: str) -> Json:
        """All about one, its endpoints among it."""
        found: Json = self._caller.json("GET", f"/networks/{part(name)}")
        return found

    def create(self, body: Mapping[str, Any]) -> None:
        """Make one; it is told from others of its name by its labels."""

        def done() -> bool:
            found = self._found(body["Name"])
            return found is not None and (body.get("Labels") or {}).items() <= (found.get("Labels") or {}).items()

        self._caller.call("POST", "/networks/create", body=body, again=False, done=done)

    def remove(self, identity: str) -> None:
        """Remove it."""
        gone = lambda: self._found(identity) is None  # noqa: E731 - it is said where it is used
        self._caller.call("DELETE", f"/networks/{part(identity)}", again=False, done=gone)

    def connect(self, network: str, container: str, endpoint: Mapping[str, Any] | None = None) -> None:
        """Connect a container, with an EndpointConfig."""
        body = {"Container": container, "EndpointConfig": endpoint or {}}

        def done() -> bool:
            found = self._endpoint(network, container)
            return found is not None and bool(found.get("EndpointID"))

        with self._counted(network):
            self._caller.call("POST", f"/networks/{part(network)}/connect", body=body, again=False, done=done)

    def disconnect(self, network: str, container: str) -> None:
        """Disconnect a container by force."""
        body = {"Container": container, "Force": True}
        gone = lambda: self._endpoint(network, container) is None  # noqa: E731 - it is said where it is used
        with self._counted(network):
            self._caller.call("POST", f"/networks/{part(network)}/disconnect", body=body, again=False, done=gone)

    def _counted(self, network: str) -> AbstractContextManager[None]:
        """One call for a network after the other where the engine may lose count."""
        return self.turns.take(network) if self._caller.version < _COUNTS_WELL else nullcontext()

    def _found(self, name: str) -> Json | None:
        return self._caller.found(f"/networks/{part(name)}")

    def _endpoint(self, network: str, container: str) -> Json | None:
        """What a container has on a network, known by its name or id; only a running one has an EndpointID."""
        inspected: Json = self._caller.json("GET", f"/containers/{part(container)}/json")
        endpoints: Mapping[str, Json] = inspected["NetworkSettings"].get("Networks") or {}
        found = next((each for name, each in endpoints.items() if network in (name, each.get("NetworkID"))), None)
        return {**found, "EndpointID": "none yet"} if found and not inspected["State"]["Running"] else found
