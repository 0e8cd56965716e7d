"""An engine that answers as it is told, and counts what it is asked: over a Unix socket, for the tests without Docker."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from door import Door

_REQUEST = re.compile(rb"^(\w+) (?:/v[\d.]+)?(/[^ ?]*)\S* HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PONG = "OK"
RESET, SILENT = "hangs up", "says nothing"
Answer = int | str | bytes | tuple[int, Any]
"""A status, a status and a body, so many bytes and no more, or what else becomes of a call."""


class FakeEngine(Door):
    """Use `with`; `answer` says what becomes of a call, by METHOD and path and by how often it has come before.

    `api` is what it says of its API in each answer; nothing where that is empty, as what is no engine.
    """

    def __init__(self, folder: Path, answer: Callable[[str, int], Answer], *, api: str = "1.41") -> None:
        super().__init__(folder / "fake.sock")
        self._answer, self._api = answer, api
        self.asked: list[tuple[str, float]] = []
        self._lock = threading.Lock()

    def count(self, call: str) -> int:
        """How often something was asked."""
        return sum(each == call for each, _ in self.asked)

    def pauses(self, call: str) -> list[float]:
        """How many seconds lay between the times that something was asked."""
        times = [at for each, at in self.asked if each == call]
        return [after - before for before, after in itertools.pairwise(times)]

    def serve(self, client: socket.socket) -> None:
        """Answer one who came."""
        with contextlib.suppress(OSError), client:
            while call := _call(client):
                with self._lock:
                    answer = self._answer(call, self.count(call))
                    self.asked.append((call, time.monotonic()))
                if isinstance(answer, bytes):
                    client.sendall(answer)
                    return
                if isinstance(answer, str):
                    if answer == SILENT:
                        self.over.wait()
                    return
                status, body = answer if isinstance(answer, tuple) else (answer, {"message": "so it is"})
                client.sendall(_written(status, body, self._api))


def _call(client: socket.socket) -> str:
    found = b""
    while b"\r\n\r\n" not in found:
        more = client.recv(65536)
        if not more:
            return ""
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    while length and len(body) < int(length[1]):
        body += client.recv(65536)
    asked = _REQUEST.match(head + b"\r\n")
    assert asked, head
    return f"{asked[1].decode()} {asked[2].decode()}"


def _written(status: int, body: Any, api: str) -> bytes:
    content = b"" if status == 204 else json.dumps(body).encode()
    said = {"Content-Type": "application/json", "Content-Length": len(content), **({"Api-Version": api} if api else {})}
    head = "".join(f"{name}: {each}\r\n" for name, each in said.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + content
