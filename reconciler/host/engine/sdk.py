"""Docker's own library, for what has more to it than a call: building, pulling, loading, importing, logins."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import docker
import docker.auth
import docker.errors
import docker.utils.config
import requests
import requests.adapters
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host.engine.connection import KEPT as _KEPT
from reconciler.host.engine.errors import AnswerLost, refusal
from reconciler.secret import Secret, veiled

if TYPE_CHECKING:
    from docker.api.client import APIClient

    from reconciler.host.engine.dial import Line

_VERSION = re.compile(r"^/v[\d.]+(?=/)")
_MAKES = "POST"
_SOME = "a call of Docker's own library"
_sent = threading.local()
"""The last call that the library sent in this thread: an error in the midst of an answer does not say of which."""
_HERE = "localhost"
"""Whom the library believes to speak to, as to any engine behind a socket; the adapter dials whichever it is."""


def client(dial: Callable[[], Line], *, version: tuple[int, int], timeout: float, silence: float) -> APIClient:
    """Return a low-level client whose connections we open.

    `timeout` bounds an answer, in seconds, `silence` for how long what builds, pulls, loads or commits may say nothing.
    """
    spoken = f"{version[0]}.{version[1]}"
    made = docker.APIClient(base_url="unix:///engine", version=spoken, timeout=timeout)  # type: ignore[arg-type]
    made.trust_env = False  # no proxy stands between us and an engine
    made.mount("http+docker://", _Adapter(dial, silence))
    _remember_logins()
    _remember_proxies()
    return made


def _remember_logins() -> None:
    """Let no message have what the library sends to registries, should one quote it."""
    for login in docker.auth.load_config().auths.values():
        for name in ("password", "identitytoken", "registrytoken"):
            if isinstance(login, dict) and login.get(name):
                Secret(login[name])


def _remember_proxies() -> None:
    """Nor the passwords of the proxies that the library hands to every build."""
    for each in docker.utils.config.load_general_config().get("proxies", {}).values():
        for name, value in each.items():
            veiled(name, str(value))


class _Adapter(requests.adapters.HTTPAdapter):
    """Takes our way to the engine."""

    def __init__(self, dial: Callable[[], Line], silence: float) -> None:
        self._engine, self._silence = _Pool(dial), silence
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        """Return the one pool there is, in new versions of the library."""
        return self._engine

    def get_connection(self, *_: Any, **__: Any) -> Any:
        """Return the one pool there is, in old versions of the library."""
        return self._engine

    def request_url(self, request: Any, _: Any) -> str:
        """Ask for a path: there is no proxy."""
        return str(request.path_url)

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        """Send, and never wait for ever: what makes an image takes the time that it takes."""
        _sent.call = _path(request.method, request.path_url)
        options["timeout"] = self._silence if request.method == _MAKES else options.get("timeout") or self._silence
        return super().send(request, *args, **options)


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, dial: Callable[[], Line]) -> None:
        super().__init__(_HERE, maxsize=_KEPT)
        self._dial_engine = dial

    def _new_conn(self) -> Any:
        return _Connection(self._dial_engine)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, dial: Callable[[], Line]) -> None:
        super().__init__(_HERE)
        self._dial_engine = dial

    def connect(self) -> None:
        """Take our way."""
        self.sock: Any = self._dial_engine()
        self.sock.settimeout(self.timeout)


def explained(error: BaseException) -> ReconcilerError | None:
    """Translate an error of the library; None if it is not one."""
    if isinstance(error, docker.errors.APIError):
        return _refusal(error)
    if isinstance(error, requests.exceptions.RequestException):
        timed_out = isinstance(error, requests.exceptions.ReadTimeout) or isinstance(_root_cause(error), TimeoutError)
        return _lost(_call(error), error, timed_out=timed_out)
    if isinstance(error, urllib3.exceptions.HTTPError):  # in the midst of what comes piece by piece
        return _lost(_last(), error, timed_out=isinstance(error, urllib3.exceptions.ReadTimeoutError))
    return StepFailed(str(error)) if isinstance(error, docker.errors.DockerException) else None


def _lost(call: str, error: BaseException, *, timed_out: bool) -> ReconcilerError:
    if not timed_out:
        why = _root_cause(error)
        return AnswerLost(call, why if isinstance(why, OSError) else EOFError("it ended too early"))
    option = "--wait-timeout" if call.startswith(_MAKES) else "--engine-timeout"
    return StepFailed(f"the engine was silent for too long ({call}): see {option}")


def _refusal(error: docker.errors.APIError) -> ReconcilerError:
    text = (error.explanation or str(error)).strip() if not isinstance(error.explanation, bytes) else str(error)
    response = error.response
    if response is None:
        return StepFailed(text)
    request: Any = getattr(response, "request", None)
    call = _path(request.method, request.path_url) if request is not None else "a call"
    return refusal(response.status_code, text.encode(), call)


def _call(error: requests.exceptions.RequestException) -> str:
    request: Any = error.request
    return _path(request.method, request.path_url) if request is not None else _last()


def _last() -> str:
    return getattr(_sent, "call", _SOME)


def _path(method: str, url: str) -> str:
    return f"{method} {unquote(_VERSION.sub('', url.partition('?')[0]))}"


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error
