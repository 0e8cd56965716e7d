"""The engine's floor: a bare HTTP client that sends the calls that cannot be left out, by so many workers."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.measure import Failed
from bench.topologies import COMMAND, FLOOR_NAME, IMAGE, next_network

_SOCKET = "unix:///var/run/docker.sock"


class Client:
    """A connection a thread, kept as long as the thread."""

    def __init__(self) -> None:
        self._of = threading.local()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a call and return its answer."""
        if not hasattr(self._of, "connection"):
            self._of.connection = _Connection("localhost")
        headers = {"Content-Type": "application/json"} if body else {}
        self._of.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self._of.connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise Failed(f"{method} {path}: {content.decode()}")
        return json.loads(content) if content else None


class Containers:
    """So many containers, made and removed by the bare client; their network is made with them, or there is none."""

    def __init__(self, count: int, *, network: bool, workers: int) -> None:
        self.names = [f"{FLOOR_NAME}-c{number}" for number in range(count)]
        self.network, self.subnet = next_network(FLOOR_NAME) if network else ("", "")
        self.workers = workers
        self.client = Client()

    def make(self) -> None:
        """Create and start them."""
        if self.network:
            ipam = {"Config": [{"Subnet": self.subnet}]}
            self.client.call("POST", "/networks/create", {"Name": self.network, "IPAM": ipam})
        each_of(self._make, self.names, self.workers)

    def look(self) -> None:
        """Read all that the engine tells of them."""
        self.client.call("GET", "/containers/json?all=1")
        each_of(lambda name: self.client.call("GET", f"/containers/{name}/json"), self.names, self.workers)

    def end(self) -> None:
        """Signal all at once, and remove each as it ends."""
        gate = threading.Semaphore(self.workers)

        def remove(name: str) -> None:
            self.client.call("POST", f"/containers/{name}/wait")
            with gate:
                self.client.call("DELETE", f"/containers/{name}?v=1")

        each_of(lambda name: self.client.call("POST", f"/containers/{name}/kill?signal=TERM"), self.names, self.workers)
        each_of(remove, self.names, len(self.names))
        self._unmake_network()

    def kill(self) -> None:
        """Remove all by force."""
        each_of(lambda name: self.client.call("DELETE", f"/containers/{name}?v=1&force=1"), self.names, self.workers)
        self._unmake_network()

    def clear(self) -> None:
        """Remove what an act that failed has left."""
        found = self.client.call("GET", "/containers/json?all=1")
        names = [each["Names"][0][1:] for each in found if each["Names"][0][1:] in self.names]
        each_of(lambda name: self.client.call("DELETE", f"/containers/{name}?v=1&force=1"), names, self.workers)
        if any(each["Name"] == self.network for each in self.client.call("GET", "/networks")):
            self._unmake_network()

    def pids(self) -> dict[str, int]:
        """The process of each."""
        found = each_of(lambda name: self.client.call("GET", f"/containers/{name}/json"), self.names, self.workers)
        return {each["Name"].removeprefix(f"/{FLOOR_NAME}-"): each["State"]["Pid"] for each in found}

    def _make(self, name: str) -> None:
        mode = self.network or "none"
        body = {"Image": IMAGE, "Cmd": COMMAND, "HostConfig": {"Init": True, "NetworkMode": mode}}
        self.client.call("POST", f"/containers/create?name={name}", body)
        self.client.call("POST", f"/containers/{name}/start")

    def _unmake_network(self) -> None:
        if self.network:
            self.client.call("DELETE", f"/networks/{self.network}")


def each_of(function: Callable[[str], Any], names: Sequence[str], workers: int) -> list[Any]:
    """Call a function for each name, by so many workers."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, names))


def version() -> str:
    """Which engine answers."""
    return str(Client().call("GET", "/version")["Version"])


def is_newer() -> bool:
    """Tell whether it is one of those for which a second figure stands."""
    major, minor = Client().call("GET", "/version")["ApiVersion"].split(".")
    return (int(major), int(minor)) > (1, 41)  # that of the last one before them


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect((os.environ.get("DOCKER_HOST") or _SOCKET).removeprefix("unix://"))
