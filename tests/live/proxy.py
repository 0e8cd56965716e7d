"""A door in front of the engine's socket that lets one kind of call go wrong, in the ways in which calls go wrong."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from door import Door

_HEAD = re.compile(rb"^(\w+) (?:/v[\d.]+)?(/[^ ?]*)(\?\S*)? HTTP/1\.1\r\n")
_ID = re.compile(r"\b(?:sha256:)?[0-9a-f]{64}\b|(?<=[-/])[0-9a-f]{12}\b")
"""What is another in each run: an id, also a short one, and at the end of the tag that says on what an image stands."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_NAME = re.compile(r"[?&]name=([^&]*)")


class Fault(StrEnum):
    """What becomes of a call."""

    ERROR = "500"
    CONFLICT = "409"
    MISSING = "404"
    RESET = "reset before it is heard"
    LOST = "carried out, and no answer"
    HALF = "carried out, and half an answer"
    HANG = "never heard, and no answer"
    DEAF = "carried out, and the answer hangs"
    SLOW = "a slow answer"


SAYS = "the proxy says no"
_ENDS = "POST /exec/ID/start"
"""The call whose answer ends with its connection."""
STATUSES = (Fault.ERROR, Fault.CONFLICT, Fault.MISSING)
CARRIED_OUT = (Fault.LOST, Fault.HALF, Fault.DEAF)


class Proxy(Door):
    """Use `with`, and talk to `url` in between; `calls` are those that reached the engine."""

    def __init__(self, engine: str, folder: Path, named: Callable[[str], str] = str) -> None:
        super().__init__(folder / "proxy.sock")
        self.engine, self.named = engine.removeprefix("unix://"), named
        self.calls: list[str] = []
        self.hit: list[str] = []
        self._label, self._fault, self._once = "", Fault.SLOW, True
        self._streams: list[tuple[str, socket.socket]] = []
        self._lock = threading.Lock()

    def arm(self, label: str, fault: Fault, *, once: bool) -> None:
        """Let the calls with a label go wrong, or the first of them."""
        self.calls.clear()
        self.hit.clear()
        self._label, self._fault, self._once = label, fault, once

    def disarm(self) -> None:
        """Let all go well from now on."""
        self._label = ""

    def cut(self, label: str) -> None:
        """Break off the answers to the calls with a label that are under way."""
        for told, client in self._streams:
            if told == label:
                with contextlib.suppress(OSError):  # it is over already
                    client.shutdown(socket.SHUT_RDWR)

    def serve(self, client: socket.socket) -> None:
        """Answer one who came."""
        with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.connect(self.engine)
            while asked := _message(client, b""):
                fault = self._due(asked)
                if fault and fault not in (*CARRIED_OUT, Fault.SLOW):
                    self._refuse(client, fault)
                    return
                engine.sendall(asked)
                if fault:
                    self._spoil(client, _message(engine, asked), fault)
                    if fault is not Fault.SLOW or self.label(asked) == _ENDS:
                        return
                    continue
                self._streams.append((self.label(asked), client))
                if not _stream(engine, client, asked):
                    return

    def _due(self, asked: bytes) -> Fault | None:
        label = self.label(asked)
        with self._lock:
            due = label == self._label and not (self._once and self.hit)
            if due:
                self.hit.append(label)
            if not due or self._fault in (*CARRIED_OUT, Fault.SLOW):
                self.calls.append(label)
        return self._fault if due else None

    def label(self, asked: bytes) -> str:
        """Name a call without what is another in each run."""
        found = _HEAD.match(asked)
        assert found, asked[:200]
        method, path, query = (each.decode() for each in (found[1], found[2], found[3] or b""))
        name = _NAME.search(query)
        return self.named(without_ids(f"{method} {path}") + (f"?name={name[1]}" if name else ""))

    def _refuse(self, client: socket.socket, fault: Fault) -> None:
        if fault in STATUSES:
            said = json.dumps({"message": SAYS}).encode()
            head = f"HTTP/1.1 {fault.value} X\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
            client.sendall(head.encode() + b"Connection: close\r\n\r\n" + said)
        elif fault is Fault.HANG:
            self.over.wait()

    def _spoil(self, client: socket.socket, answer: bytes, fault: Fault) -> None:
        if fault is Fault.DEAF:
            self.over.wait()
        elif fault is Fault.HALF:
            client.sendall(answer[: len(answer) // 2])
        elif fault is Fault.SLOW:
            for at in range(0, len(answer), max(1, len(answer) // 4)):
                time.sleep(0.05)  # this is what slow means
                client.sendall(answer[at : at + max(1, len(answer) // 4)])


def _message(source: socket.socket, asked: bytes) -> bytes:
    """Read a whole request, or the whole answer to one."""
    return b"".join(_pieces(source, asked))


def _stream(engine: socket.socket, client: socket.socket, asked: bytes) -> bool:
    """Hand an answer on as it comes, and tell whether another may follow."""
    found = b""
    for piece in _pieces(engine, asked):
        client.sendall(piece)
        found += piece
    return _is_whole(found, asked)


def _pieces(source: socket.socket, asked: bytes) -> Iterator[bytes]:
    """Yield a message as it comes: to its length, to its last chunk, or an answer until the other side hangs up."""
    found = b""
    while not _is_whole(found, asked):
        more = source.recv(65536)
        if not more:
            return
        found += more
        yield more


def _is_whole(found: bytes, asked: bytes) -> bool:
    head, end, rest = found.partition(b"\r\n\r\n")
    if not end:
        return False
    if length := _LENGTH.search(head):
        return len(rest) >= int(length[1])
    if _CHUNKED.search(head):
        return rest.endswith(b"0\r\n\r\n")
    return not asked or head[9:12] in (b"204", b"304")


def without_ids(text: str) -> str:
    """Return a text in which it does not show which objects it is of."""
    return _ID.sub("ID", text)
