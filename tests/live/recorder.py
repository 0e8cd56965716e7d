"""A door in front of the engine's socket that notes each call, and hands on all but what it is told to refuse."""

from __future__ import annotations

import re
import selectors
import socket
from collections import Counter
from pathlib import Path

from door import Door

_REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|HEAD) (?:/v[\d.]+)?(/[^ ?]*)\S* HTTP/1\.1\r\n", re.MULTILINE)
_ID = re.compile(r"/(containers|images|networks|volumes|exec)/(?!json|create|prune)[^/]+")


class Recorder(Door):
    """The calls that went through; use `with`, and talk to `url` in between."""

    def __init__(self, engine: str, folder: Path) -> None:
        super().__init__(folder / "engine.sock")
        self.engine = engine.removeprefix("unix://")
        self.calls: list[str] = []
        self.refused: dict[str, bytes] = {}
        """What begins so (`DELETE /networks/`) is not handed on, but has this answer."""

    def counted(self) -> Counter[str]:
        """The calls, whatever they were about, and how many there were of each."""
        return Counter(_ID.sub(r"/\1/ID", each) for each in self.calls)

    def serve(self, client: socket.socket) -> None:
        """Answer one who came."""
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine, selectors.DefaultSelector() as ready:
            engine.connect(self.engine)
            ready.register(client, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if not data:
                        return
                    calls = self._noted(data) if source is client else []
                    answer = self._answer(calls)
                    (client if answer else target).sendall(answer or data)

    def _noted(self, data: bytes) -> list[str]:
        calls = [f"{verb.decode()} {path.decode()}" for verb, path in _REQUEST.findall(data)]
        self.calls += calls
        return calls

    def _answer(self, calls: list[str]) -> bytes:
        return next((body for start, body in self.refused.items() for each in calls if each.startswith(start)), b"")
