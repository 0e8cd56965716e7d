"""A way to an engine through ssh, as Docker's own client goes it: `ssh HOST docker system dial-stdio`."""

from __future__ import annotations

import contextlib
import math
import shlex
import socket
import subprocess
import tempfile
import threading

from reconciler.host.engine.address import Address
from reconciler.host.engine.dial import PROBES, probing
from reconciler.host.engine.errors import NoWay

_MOMENT = 1.0
"""Seconds for ssh to end when it is told to; then it is killed."""
_LOGINS = threading.BoundedSemaphore(8)
"""How many log in at once: a server turns more than ten away by chance (sshd_config(5), MaxStartups)."""


class SshLine:
    """A connection through an ssh process, which ends with it; OSError where there is no ssh."""

    def __init__(self, address: Address, *, timeout: float) -> None:
        if not _LOGINS.acquire(timeout=timeout):
            raise TimeoutError("the logins before it take too long")
        self._logs_in = True
        line, theirs = socket.socketpair()
        line.settimeout(timeout)
        self._line, self._said = line, tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as this is
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a list, and no shell
                _argv(address, timeout),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._said,
                start_new_session=True,
            )
        except OSError:
            self._logged_in()
            line.close()
            self._said.close()
            raise
        finally:
            theirs.close()
        self.settimeout, self.fileno, self.makefile = line.settimeout, line.fileno, line.makefile

    def _logged_in(self) -> None:
        if self._logs_in:
            self._logs_in = False
            _LOGINS.release()

    def sendall(self, data: bytes) -> None:
        """Send all of it; NoWay in ssh's own words when it has failed."""
        try:
            self._line.sendall(data)
        except ConnectionError:
            self._explain()
            raise

    def recv(self, size: int) -> bytes:
        """Receive some bytes; NoWay in ssh's own words when it fails."""
        try:
            found = self._line.recv(size)
        except ConnectionError:  # it has ended without a look at what was sent
            found = b""
        self._logged_in()
        if not found:
            self._explain()
        return found

    def _explain(self) -> None:
        try:
            failed = self._process.wait(timeout=self._line.gettimeout())
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        if failed:
            self._said.seek(0)
            raise NoWay(f"ssh: {self._said.read().decode(errors='replace').strip()}")

    def shutdown(self, how: int) -> None:
        """Wake up who receives."""
        self._line.shutdown(how)

    def close(self) -> None:
        """Close the connection, and end ssh."""
        self._logged_in()
        self._line.close()
        self._said.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(timeout=_MOMENT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _argv(address: Address, timeout: float) -> list[str]:
    alive = f"ServerAliveInterval={probing(timeout)}", "-o", f"ServerAliveCountMax={PROBES - 1}"
    argv = ["ssh", "-o", f"ConnectTimeout={math.ceil(timeout) or 1}", "-o", *alive, "-T"]
    argv += ["-l", address.user] if address.user else []
    argv += ["-p", str(address.port)] if address.port else []
    docker = ["docker", *(["--host", f"unix://{address.path}"] if address.path else []), "system", "dial-stdio"]
    return [*argv, "--", address.host, *map(shlex.quote, docker)]  # there it is a shell that reads them
