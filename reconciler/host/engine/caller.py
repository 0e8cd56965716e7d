"""Calls to an engine: the API version negotiated, one deadline an answer, patience with what may pass."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from reconciler.errors import EngineUnreachable, HostRefuses
from reconciler.host.engine.address import Address
from reconciler.host.engine.asked import READS, Asked, Backoff
from reconciler.host.engine.connection import Connection, Pool
from reconciler.host.engine.dial import dial
from reconciler.host.engine.errors import NOT_FOUND, AnswerLost, EngineError, EngineSilent, NoWay, refusal, unreachable
from reconciler.host.engine.http import Head, request, target
from reconciler.host.engine.stream import Stream

Version = tuple[int, int]
OLDEST, NEWEST = (1, 41), (1, 56)
"""The API versions that we speak."""
_SPOKEN = {f"{OLDEST[0]}.{minor}": (OLDEST[0], minor) for minor in range(OLDEST[1], NEWEST[1] + 1)}
_LOG = logging.getLogger("reconciler.engine")
_ANOTHER = "what answers at {url} is no Docker Engine{said}: set DOCKER_HOST to where one is"
_PASSING = (500, 503)
_FAILED = 400


class Caller:
    """Asks one engine; for any number of threads.

    `timeout` is how many seconds one answer may take, `patience` how long to go on trying where trying again may help,
    `stop` is set when no more waiting is wanted.
    """

    def __init__(self, address: Address, *, timeout: float, patience: float, stop: Event) -> None:
        self.address, self.timeout, self.patience, self.stop = address, timeout, patience, stop
        self._pool = Pool(lambda: dial(address, timeout=timeout))
        self._lock = threading.Lock()
        self._version: Version | None = None

    @property
    def version(self) -> Version:
        """The negotiated API version, such as (1, 41); EngineUnreachable when no engine answers."""
        with self._lock:
            if self._version is None:
                self._version = self._negotiated()
            return self._version

    def _negotiated(self) -> Version:
        """Speak the newest that the engine does (the header Api-Version of GET /_ping), if we do.

        Only where that does not settle it GET /version is asked, which takes many times as long: 20.10 runs runc and
        docker-init for that.
        """
        try:
            head, _ = self._patiently(Asked("GET", "/_ping"), "")
            if head.api in _SPOKEN:
                return _SPOKEN[head.api]
            _, content = self._patiently(Asked("GET", "/version"), "")
            said = json.loads(content)
            theirs, oldest = (tuple(map(int, said[each].split("."))) for each in ("ApiVersion", "MinAPIVersion"))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise EngineUnreachable(_ANOTHER.format(url=self.address.url, said=" (GET /version)")) from error
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            raise EngineUnreachable(_ANOTHER.format(url=self.address.url, said=f", but says {error}")) from error
        if theirs < OLDEST or oldest > NEWEST:
            raise HostRefuses(
                f"the engine at {self.address.url} speaks API {said['MinAPIVersion']} to {said['ApiVersion']}, and we"
                f" {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
            )
        return min(theirs, NEWEST)[0], min(theirs, NEWEST)[1]

    def json(self, method: str, path: str, **options: Any) -> Any:
        """Ask, and read the answer as JSON; None where it is empty. The options are those of `call`."""
        _, content = self.call(method, path, **options)
        return _read(content, Asked(method, path)) if content else None

    def rows(self, path: str, filters: Mapping[str, str], **query: Any) -> Any:
        """List what passes all filters, such as `label="NAME=VALUE"`."""
        said = {name: [each] for name, each in filters.items()}
        return self.json("GET", path, query={**query, "filters": said or None})

    def found(self, path: str) -> dict[str, Any] | None:
        """Read what may not be there: as JSON, or None where the engine knows of none."""
        try:
            found: dict[str, Any] = self.json("GET", path)
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            return None
        return found

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        again: bool | None = None,
        done: Callable[[], bool] | None = None,
    ) -> tuple[Head, bytes]:
        """Ask; EngineError where the engine refuses, EngineUnreachable where it does not answer.

        Where the answer is lost: what reads, or may be done `again`, is asked again; of all else `done` tells by a look
        whether it was done all the same, and nothing is sent twice.
        """
        again = method in READS if again is None else again
        asked = Asked(method, path, query=query, body=body, timeout=timeout, again=again, done=done)
        major, minor = self.version
        return self._patiently(asked, f"/v{major}.{minor}")

    def _patiently(self, asked: Asked, prefix: str) -> tuple[Head, bytes]:
        backoff = Backoff(self.patience, self.stop)
        while True:
            try:
                return self._once(asked, prefix)
            except _NotAsked as error:
                if self._version is None or not backoff.again():
                    raise unreachable(self.address.url, error.why) from error.why
            except (AnswerLost, EngineSilent) as error:
                if not asked.again:
                    return self._settled(asked, error, backoff)
                if (asked.timeout is not None and isinstance(error, EngineSilent)) or not backoff.again():
                    raise
            except EngineError as error:
                if error.status not in _PASSING or asked.method not in READS or not backoff.again():
                    raise

    def _settled(self, asked: Asked, error: EngineUnreachable, backoff: Backoff) -> tuple[Head, bytes]:
        """Look whether a call whose answer is lost was carried out: at once, and as long as that may still come."""
        while asked.done:
            try:
                if asked.done():
                    return Head(204, 0, chunked=False, closes=False), b""
            except EngineUnreachable:
                break
            if not backoff.again():
                break
        raise error

    def _once(self, asked: Asked, prefix: str) -> tuple[Head, bytes]:
        seconds = self.timeout if asked.timeout is None else asked.timeout
        connection, head = self._asked(asked, prefix, seconds)
        try:
            content = connection.reader.body(head, asked.method)
        except BaseException as error:
            connection.close()
            raise _lost(asked, error, seconds) from error
        if head.closes or (head.length is None and not head.chunked and content):
            connection.close()
        else:
            self._pool.give_back(connection)
        if head.status >= _FAILED:
            raise refusal(head.status, content, str(asked))
        return head, content

    def stream(self, method: str, path: str, **options: Any) -> Stream:
        """Ask for what comes piece by piece; it is the caller's to close. The options are those of `Asked`."""
        asked = Asked(method, path, **options)
        major, minor = self.version
        backoff = Backoff(self.patience, self.stop)
        while True:
            try:
                connection, head = self._asked(asked, f"/v{major}.{minor}", self.timeout)
                break
            except _NotAsked as error:
                if not backoff.again():
                    raise unreachable(self.address.url, error.why) from error.why
        stream = Stream(connection, head, call=str(asked), timeout=self.timeout)
        if head.status >= _FAILED:
            with stream:
                raise refusal(head.status, stream.rest(), str(asked))
        return stream

    def _asked(self, asked: Asked, prefix: str, seconds: float) -> tuple[Connection, Head]:
        try:
            connection = self._pool.take()
        except OSError as error:
            raise _NotAsked(error) from error
        written = request(asked.method, target(prefix + asked.path, asked.query), body=asked.body)
        try:
            head = connection.ask(written, deadline=time.monotonic() + seconds)
        except BaseException as error:
            connection.close()
            raise _lost(asked, error, seconds) from error
        _LOG.debug("engine %s: %d", asked, head.status)
        return connection, head

    def close(self) -> None:
        """Close what is open and idle."""
        self._pool.close()


class _NotAsked(Exception):
    """No connection came about, so that nothing was sent."""

    def __init__(self, why: OSError) -> None:
        self.why = why
        super().__init__(str(why))


def _lost(asked: Asked, error: BaseException, seconds: float) -> BaseException:
    """Say in our words what broke a call off."""
    if isinstance(error, NoWay):
        return _NotAsked(error)
    if isinstance(error, TimeoutError):
        return EngineSilent(str(asked), seconds)
    return AnswerLost(str(asked), error) if isinstance(error, OSError) else error


def _read(content: bytes, asked: Asked) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise AnswerLost(str(asked), error) from error
