"""Ways to an engine: a socket of this machine, TCP, TLS, and ssh."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from reconciler.errors import EngineUnreachable
from reconciler.host.engine.address import Address, Tls

if TYPE_CHECKING:
    import ssl


PROBES = 4
"""How many questions in a row, whether it is still there, the other end leaves unanswered until it counts as gone."""
_LONGEST = 8000


class Line(Protocol):
    """What a socket, an encrypted one and a process have in common."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def recv(self, size: int, /) -> bytes:
        """Receive some bytes; none at the end."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Bound what comes next."""

    def fileno(self) -> int:
        """Return the descriptor to wait for."""

    def shutdown(self, how: int, /) -> None:
        """Wake up who receives."""

    def close(self) -> None:
        """Close it."""


def dial(address: Address, *, timeout: float) -> Line:
    """Open a connection; OSError when nobody is there within so many seconds."""
    if address.scheme == "ssh":
        from reconciler.host.engine.ssh import SshLine

        return SshLine(address, timeout=timeout)
    if address.scheme == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(timeout)
            line.connect(address.path)
        except OSError:
            line.close()
            raise
        return line
    context = trust(address.tls) if address.tls else None
    line = socket.create_connection((address.host, address.port), timeout=timeout)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _probe(line, probing(timeout))
    return _secured(line, context, address.host) if context else line


def probing(timeout: float) -> int:
    """How many seconds to leave between two such questions: an engine is gone when one answer would have been late."""
    return min(max(math.ceil(timeout / PROBES), 1), _LONGEST)


def _probe(line: socket.socket, seconds: int) -> None:
    """Have the kernel find out that the other end is gone (man 7 tcp): its machine may have crashed without a word."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES - 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PROBES * seconds * 1000)


def _secured(line: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(line, server_hostname=host)
    except OSError:
        line.close()
        raise


def trust(tls: Tls) -> ssl.SSLContext:
    """Return whom to trust, and who we are: the same as `docker` does with these files.

    EngineUnreachable where one of them cannot be used.
    """
    import ssl

    with _usable(tls.ca):
        context = ssl.create_default_context(cafile=tls.ca or None)
    # From Python 3.13 on an authority needs a key usage, which one that was made as Docker's manual says has not.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not tls.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if tls.certificate:
        with _usable(tls.certificate, tls.key):
            context.load_cert_chain(tls.certificate, tls.key or None)
    return context


@contextlib.contextmanager
def _usable(*files: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        named = " or ".join(filter(None, files))
        why = f"{named} cannot be used to speak to the engine by TLS: {error.strerror or error}"
        raise EngineUnreachable(
            f"{why}: put it right, or name another folder (DOCKER_CERT_PATH, or the context of `docker context`)"
        ) from error
