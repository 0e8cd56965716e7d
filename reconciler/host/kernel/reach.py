"""Ways into the namespaces of nodes while steps run: each is opened once, and all are closed together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host import netns
from reconciler.host.kernel.space import HOST, Place, Where
from reconciler.host.netlink import Socket

if TYPE_CHECKING:
    from reconciler.host import Host

_INSPECTS = 8


class Reach:
    """Descriptors of, and sockets in, network namespaces, for one thread; close it, or use `with`."""

    def __init__(self, host: Host, wheres: Iterable[Where] = ()) -> None:
        self.host = host
        self._fds: dict[Where | int, int | ReconcilerError] = {}
        self._sockets: dict[Where | int, Socket] = {}
        self._closing = contextlib.ExitStack()
        self.open(wheres)

    def __enter__(self) -> Self:
        """Nothing more than the reach itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all that was opened."""
        self._closing.close()

    def open(self, wheres: Iterable[Where]) -> None:
        """Open many at once: containers are inspected concurrently."""
        new = sorted({each for each in wheres if each not in self._fds})
        with ThreadPoolExecutor(_INSPECTS) as pool:
            for where, fd in zip(new, pool.map(self._opened, new), strict=True):
                self._keep(where, fd)

    def fd(self, where: Where) -> int:
        """Return a descriptor of a node's namespace; StepFailed if there is none."""
        if where not in self._fds:
            self._keep(where, self._opened(where))
        found = self._fds[where]
        if isinstance(found, ReconcilerError):
            raise found
        return found

    def socket(self, where: Where) -> Socket:
        """Return a socket in a node's namespace; StepFailed if there is none."""
        return self._socket(where, self.fd(where))

    def again(self, place: Place) -> tuple[int, Socket] | None:
        """Find a namespace that was seen before, its descriptor and a socket in it; None if it is gone."""
        if place.cookie not in self._fds:
            fd = _again(place)
            self._keep(place.cookie, fd if fd is not None else StepFailed("the network namespace is gone"))
        found = self._fds[place.cookie]
        return None if isinstance(found, ReconcilerError) else (found, self._socket(place.cookie, found))

    def _socket(self, where: Where | int, fd: int) -> Socket:
        if where not in self._sockets:
            self._sockets[where] = self._closing.enter_context(Socket(fd))
        return self._sockets[where]

    def _keep(self, where: Where | int, fd: int | ReconcilerError) -> None:
        self._fds[where] = fd
        if isinstance(fd, int):
            self._closing.callback(os.close, fd)

    def _opened(self, where: Where) -> int | ReconcilerError:
        try:
            return _open(self.host, where)
        except Exception as error:  # noqa: BLE001 - kept as a value, for the steps that need this node only
            return self.host.explain(error)


def _open(host: Host, where: Where) -> int:
    if not where.live and where.key != HOST:
        raise StepFailed("the network namespace that it was in has no name any more, so that it cannot be made there")
    if where.key == HOST:
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if where.key.kind == "namespace":
        try:
            return netns.open_named(where.live)
        except FileNotFoundError as error:
            raise StepFailed(f"{where.key}: there is no network namespace {where.live!r}: apply again") from error
    inspected = inspect(host, where)
    pid = inspected["State"]["Pid"]
    if not pid:
        state = inspected["State"]["Status"]
        raise StepFailed(f"{where.key}: the container {where.live} is {state}, so that it has no network: start it")
    return netns.open_process(pid)


def inspect(host: Host, where: Where) -> dict[str, Any]:
    """Inspect the container that a node is."""
    found: dict[str, Any] = host.engine.api.inspect_container(where.live)
    return found


def _again(place: Place) -> int | None:
    for fd in _candidates(place):
        if netns.cookie(fd) == place.cookie:
            return fd
        os.close(fd)
    with netns.all_namespaces() as found:
        return next((os.dup(each.fd) for each in found if netns.cookie(each.fd) == place.cookie), None)


def _candidates(place: Place) -> Iterator[int]:
    for name in place.names:
        with contextlib.suppress(OSError):
            yield netns.open_named(name)
    for pid in place.pids:
        with contextlib.suppress(OSError):
            yield netns.open_process(pid)
    if Path("/proc/thread-self/ns/net").exists():
        yield os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
