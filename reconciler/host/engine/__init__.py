"""The Docker Engine: the calls that are made often over a small client of our own, the rest over Docker's library."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any

from reconciler.host.engine.address import Address
from reconciler.host.engine.breaking import broken_off, hang_up
from reconciler.host.engine.caller import Caller
from reconciler.host.engine.containers import Containers
from reconciler.host.engine.dial import dial
from reconciler.host.engine.errors import unreachable
from reconciler.host.engine.events import Events
from reconciler.host.engine.execs import Execs
from reconciler.host.engine.images import Images
from reconciler.host.engine.networks import Networks
from reconciler.host.engine.volumes import Volumes

if TYPE_CHECKING:
    from docker.api.client import APIClient

    from reconciler.host.engine.dial import Line

_UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)


class Engine:
    """A Docker Engine, API 1.41 or later; for any number of threads.

    `timeout` bounds one answer, in seconds, `silence` the time for which what streams may say nothing, `patience` how
    long what may pass is tried again; `stop` is set when no more waiting is wanted.
    """

    def __init__(
        self,
        where: Address,
        *,
        timeout: float,
        silence: float,
        patience: float,
        stop: Event,
    ) -> None:
        self.address, self.url = where, where.url
        self.patience, self.stop = patience, stop
        self._silence = silence
        self._lock = threading.Lock()
        self._read: dict[str, Any] = {}
        self._caller = Caller(where, timeout=timeout, patience=patience, stop=self.stop)
        self.containers = Containers(self._caller)
        self.networks = Networks(self._caller)
        self.volumes = Volumes(self._caller)
        self.images = Images(self._caller)
        self.execs = Execs(self._caller)

    @property
    def version(self) -> tuple[int, int]:
        """The negotiated API version, such as (1, 41); EngineUnreachable when no engine answers."""
        return self._caller.version

    @property
    def info(self) -> dict[str, Any]:
        """What the engine says of itself (GET /info), asked once: defaults for logging, runtime, cgroups."""
        with self._lock:
            if "info" not in self._read:
                self._read["info"] = self._caller.json("GET", "/info")
            found: dict[str, Any] = self._read["info"]
            return found

    @property
    def now(self) -> float:
        """The time by the engine's own clock, which need not go with ours, in seconds since 1970; asked each time."""
        said = self._caller.json("GET", "/info")["SystemTime"]
        return datetime.fromisoformat(said).timestamp()

    def events(self, *, filters: Mapping[str, Sequence[str]]) -> Events:
        """Listen to what happens from this call's return on."""
        query = {"filters": {name: list(each) for name, each in filters.items()}}
        return Events(self._caller.stream("GET", "/events", query=query))

    @property
    def pid(self) -> int | None:
        """The process that listens at its socket (SO_PEERCRED): 0 in another pid namespace, None behind no socket."""
        if self.address.scheme != "unix":
            return None
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(self._caller.timeout)
            try:
                client.connect(self.address.path)
            except OSError as error:
                raise unreachable(self.url, error) from error
            pid: int = _UCRED.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))[0]
            return pid

    @property
    def api(self) -> APIClient:
        """The low-level client of Docker's own library, over the same ways; it takes its time to be imported."""
        version = self.version
        with self._lock:
            if "api" not in self._read:
                from reconciler.host.engine.sdk import client

                timeout = self._caller.timeout
                self._read["api"] = client(
                    lambda: dial(self.address, timeout=timeout), version=version, timeout=timeout, silence=self._silence
                )
            found: APIClient = self._read["api"]
            return found

    @contextlib.contextmanager
    def long_call(self) -> Iterator[APIClient]:
        """A client of the library for a call that takes its time: when no more waiting is wanted, it is broken off."""
        from reconciler.host.engine.sdk import client

        lines: list[Line] = []
        timeout = self._caller.timeout

        def opened() -> Line:
            lines.append(dial(self.address, timeout=timeout))
            return lines[-1]

        made = client(opened, version=self.version, timeout=timeout, silence=self._silence)
        with contextlib.closing(made), broken_off(lambda: hang_up(tuple(lines)), self.stop):
            yield made

    def close(self) -> None:
        """Close the connections that are kept."""
        self._caller.close()
        with self._lock:
            api: APIClient | None = self._read.pop("api", None)
        if api:
            api.close()


__all__ = ["Engine", "Events"]
