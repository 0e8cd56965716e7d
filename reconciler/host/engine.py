"""The Docker Engine: one client with the API version negotiated, and its errors in our words."""

from __future__ import annotations

import socket
import struct
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import docker.utils
import requests

from reconciler.errors import EngineForbidden, EngineUnreachable, HostRefuses, ReconcilerError, StepFailed

if TYPE_CHECKING:
    from docker.api.client import APIClient

CONNECTIONS = 72
"""How many calls may be under way at once: the workers and the waiters of an execution."""
TIMEOUT = 120
"""Seconds for one answer of the engine; waits have deadlines of their own."""
_UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)
_UNAVAILABLE = "no Docker Engine answers at {url}: start one (`systemctl start docker`), or set DOCKER_HOST ({why})"
_FORBIDDEN = (
    "the Docker Engine at {url} may not be spoken to ({why}): run as root, or as a member of its socket's group"
)
_MALFORMED = (
    "{url!r} is no address of a Docker Engine: set DOCKER_HOST to one such as unix:///var/run/docker.sock ({why})"
)


class Engine:
    """A Docker Engine, API 1.41 or later."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()

    @cached_property
    def api(self) -> APIClient:
        """The low-level client; EngineUnreachable when no engine answers, HostRefuses when it is not for this user."""
        with self._lock:
            try:
                docker.utils.parse_host(self.url)
            except docker.errors.DockerException as error:
                raise EngineUnreachable(_MALFORMED.format(url=self.url, why=error)) from error
            try:
                return docker.APIClient(base_url=self.url, version="auto", timeout=TIMEOUT, max_pool_size=CONNECTIONS)
            except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
                raise _unreachable(self.url, _root_cause(error)) from error

    @cached_property
    def version(self) -> tuple[int, int]:
        """The negotiated API version, such as (1, 41)."""
        major, minor = self.api.api_version.split(".")
        return int(major), int(minor)

    @property
    def pid(self) -> int | None:
        """The process that listens at its socket (SO_PEERCRED): 0 in another pid namespace, None behind no socket."""
        path = self.url.removeprefix("unix://")
        if path == self.url:
            return None
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                client.connect(path)
            except OSError as error:
                raise _unreachable(self.url, error) from error
            pid: int = _UCRED.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))[0]
            return pid

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the engine says of itself (GET /info): defaults for logging, runtime, cgroups."""
        return self.api.info()


def explained(error: BaseException) -> ReconcilerError | None:
    """Translate an error of the client; None if it is not one."""
    if isinstance(error, docker.errors.APIError):
        text = (error.explanation or str(error)).strip() if not isinstance(error.explanation, bytes) else str(error)
        refused = "permission denied" in text or "operation not permitted" in text.lower()
        return HostRefuses(text) if refused and error.status_code == requests.codes.forbidden else StepFailed(text)
    if isinstance(error, requests.exceptions.ReadTimeout):
        return StepFailed(f"the engine did not answer within {TIMEOUT} s")
    if isinstance(error, requests.exceptions.RequestException):
        return EngineUnreachable(f"the connection to the engine broke: {_words(_root_cause(error))}")
    if isinstance(error, docker.errors.DockerException):
        return StepFailed(str(error))
    return None


def _unreachable(url: str, why: BaseException) -> EngineUnreachable:
    if isinstance(why, PermissionError):
        return EngineForbidden(_FORBIDDEN.format(url=url, why=_words(why)))
    return EngineUnreachable(_UNAVAILABLE.format(url=url, why=_words(why)))


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _words(error: BaseException) -> str:
    """Return what an error says, without the number that the system has for it."""
    return str((isinstance(error, OSError) and error.strerror) or error)
