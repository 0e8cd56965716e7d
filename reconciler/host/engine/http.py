"""As much of HTTP/1.1 as an engine speaks: requests as bytes, and a reader of answers; pure (RFC 9112)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from reconciler.value import dataclass

_END = b"\r\n\r\n"
_LONGEST = 1 << 16
"""Bytes of the longest line or header that is taken for one."""
_BLOCK = 1 << 16
_BODILESS = (204, 304)


class HalfAnswer(ConnectionError):
    """The other side hung up in the midst of an answer, or what it said is none."""


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins: its status, what its headers say of the rest, and which API the engine speaks (`1.41`)."""

    status: int
    length: int | None
    chunked: bool
    closes: bool
    api: str = ""


def request(method: str, target: str, *, body: Any = None) -> bytes:
    """Write a request whose body, if there is one, is JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: reconciler\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    else:
        head += "Content-Length: 0\r\n\r\n" if method == "POST" else "\r\n"
    return head.encode() + content


def target(path: str, query: Mapping[str, Any] | None = None) -> str:
    """Write a path with its query; what is None is left out, a mapping is JSON, a truth is 1 or 0."""
    said = {name: _word(each) for name, each in (query or {}).items() if each is not None}
    return f"{path}?{urlencode(said)}" if said else path


def _word(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def part(name: str) -> str:
    """Write a name as a part of a path; the slashes of an image's stay."""
    return quote(name, safe="/:@")


class Reader:
    """Reads one answer after the other; `receive` returns some bytes, and none at the end."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._left = b""

    @property
    def ahead(self) -> bool:
        """Whether more has been received than was read."""
        return bool(self._left)

    def head(self) -> Head:
        """Read how an answer begins."""
        while (end := self._left.find(_END)) < 0:
            self._more()
        text, self._left = self._left[:end].decode("latin-1"), self._left[end + len(_END) :]
        first, *lines = text.split("\r\n")
        headers = {name.lower(): each.strip() for name, _, each in (line.partition(":") for line in lines)}
        try:
            status = int(first.split(" ", 2)[1])
            length = int(headers["content-length"]) if "content-length" in headers else None
        except (IndexError, ValueError) as error:
            raise HalfAnswer(f"it speaks no HTTP: {first[:80]!r}") from error
        return Head(
            status,
            length,
            chunked=headers.get("transfer-encoding", "").lower() == "chunked",
            closes=headers.get("connection", "").lower() == "close" or first.startswith("HTTP/1.0"),
            api=headers.get("api-version", ""),
        )

    def body(self, head: Head, method: str = "GET") -> bytes:
        """Read the rest of an answer."""
        if method == "HEAD" or head.status in _BODILESS:
            return b""
        if head.chunked or head.length is None:
            return b"".join(iter(partial(self.piece, head), b""))  # to its last chunk, or until the other side hangs up
        return self._exactly(head.length)

    def piece(self, head: Head) -> bytes:
        """Read what comes next of an answer's rest; nothing at its end."""
        if head.chunked:
            return self._chunk()
        left, self._left = self._left, b""
        return left or self._receive(_BLOCK)

    def _chunk(self) -> bytes:
        line = self._line()
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise HalfAnswer(f"it sent a chunk of {line[:20]!r} bytes") from error
        if size:
            found = self._exactly(size)
            self._line()
            return found
        while self._line():  # trailers
            pass
        return b""

    def _line(self) -> bytes:
        while (end := self._left.find(b"\r\n")) < 0:
            self._more()
        line, self._left = self._left[:end], self._left[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        if len(self._left) < size:
            found = bytearray(self._left)
            self._left = b""
            while len(found) < size:
                found += self._some(size - len(found))
            return bytes(found)
        found_all, self._left = self._left[:size], self._left[size:]
        return found_all

    def _more(self) -> None:
        if len(self._left) > _LONGEST:
            raise HalfAnswer("it sent a line without an end")
        self._left += self._some(_BLOCK)

    def _some(self, size: int) -> bytes:
        found = self._receive(max(size, 1))
        if not found:
            raise HalfAnswer("it hung up in the midst of an answer")
        return found


def unframed(stream: bytes) -> bytes:
    """Join standard output and error of a stream without a terminal: 8 bytes before each piece tell its length."""
    pieces, at = [], 0
    while at + 8 <= len(stream):
        size = int.from_bytes(stream[at + 4 : at + 8], "big")
        pieces.append(stream[at + 8 : at + 8 + size])
        at += 8 + size
    return b"".join(pieces)
