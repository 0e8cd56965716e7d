"""A Unix socket behind which somebody answers, with a thread for each who comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Self


class Door:
    """Use `with`, and talk to `url` in between; `over` is set as it closes."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"unix://{path}"
        self.connections = 0
        self.over = threading.Event()

    def __enter__(self) -> Self:
        """Open it."""
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(self.path))
        self._door.listen(128)
        threading.Thread(target=self._welcome, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, and let go of what hangs; what else is under way comes to its end."""
        self.over.set()
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def serve(self, client: socket.socket) -> None:
        """Answer one who came."""
        raise NotImplementedError

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()
