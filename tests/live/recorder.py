"""A door in front of the engine's socket that notes each call and hands everything on as it is."""

from __future__ import annotations

import re
import selectors
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import Self

_REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|HEAD) (?:/v[\d.]+)?(/[^ ?]*)\S* HTTP/1\.1\r\n", re.MULTILINE)
_ID = re.compile(r"/(containers|images|networks|volumes|exec)/(?!json|create|prune)[^/]+")


class Recorder:
    """The calls that went through; use `with`, and talk to `url` in between."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.engine = engine.removeprefix("unix://")
        self.path = folder / "engine.sock"
        self.url = f"unix://{self.path}"
        self.calls: list[str] = []

    def __enter__(self) -> Self:
        """Open the door."""
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(self.path))
        self._door.listen(128)
        threading.Thread(target=self._welcome, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; what is under way comes to its end."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def counted(self) -> Counter[str]:
        """The calls, whatever they were about, and how many there were of each."""
        return Counter(_ID.sub(r"/\1/ID", each) for each in self.calls)

    def _welcome(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
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
                    if source is client:
                        self.calls += [f"{verb.decode()} {path.decode()}" for verb, path in _REQUEST.findall(data)]
                    target.sendall(data)
