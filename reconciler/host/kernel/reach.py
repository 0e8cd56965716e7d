"""Ways into the namespaces of nodes while steps run: each is opened once, and all are closed together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host import netns
from reconciler.host.engine_scope import INSPECTS
from reconciler.host.kernel.elsewhere import elsewhere
from reconciler.host.kernel.space import LOOPBACK, Place, Where
from reconciler.host.marks import Mark, came_between, of_alias, of_labels
from reconciler.host.netlink import Link, Socket, get_link, sockets
from reconciler.model import HOST

if TYPE_CHECKING:
    from reconciler.host import Host


class Reach(contextlib.AbstractContextManager["Reach"]):
    """Descriptors of, and sockets in, network namespaces, for one thread; close it, or use `with`."""

    def __init__(self, host: Host, wheres: Iterable[Where] = ()) -> None:
        self.host = host
        self._fds: dict[Where | int, int | ReconcilerError] = {}
        self._sockets: dict[Where | int, Socket] = {}
        self._closing = contextlib.ExitStack()
        with contextlib.ExitStack() as failed:  # what was opened before a failure is nobody's to close later
            failed.push(self._closing)
            self.open(wheres)
            failed.pop_all()

    def __exit__(self, *_: object) -> None:
        """Close all that was opened."""
        self._closing.close()

    def open(self, wheres: Iterable[Where]) -> None:
        """Open many at once: containers are inspected concurrently, and one helper thread opens all sockets."""
        new = sorted({each for each in wheres if each not in self._fds})
        for where, fd in zip(new, self._opened_together(new), strict=True):
            self._keep(where, fd)
        fds = {each: fd for each in new if isinstance(fd := self._fds[each], int)}
        for where, socket in zip(fds, sockets([*fds.values()]), strict=True):
            self._sockets[where] = self._closing.enter_context(socket)
            self._insist(where)

    def _opened_together(self, wheres: Sequence[Where]) -> Iterable[int | ReconcilerError]:
        if not any(each.key.kind == "container" for each in wheres):
            return map(self._opened, wheres)
        with ThreadPoolExecutor(INSPECTS) as pool:
            return pool.map(self._opened, wheres)

    def fd(self, where: Where) -> int:
        """Return a descriptor of a node's namespace; StepFailed if there is none."""
        if where not in self._fds:
            self._keep(where, self._opened(where))
            self._insist(where)
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
            fd = next(self._again(place), None)
            self._keep(place.cookie, fd if fd is not None else StepFailed("the network namespace is gone"))
        found = self._fds[place.cookie]
        return None if isinstance(found, ReconcilerError) else (found, self._socket(place.cookie, found))

    def _again(self, place: Place) -> Iterator[int]:
        yield from _led_to(place, _ways(place))
        yield from _led_to(place, self._elsewhere.get(place.cookie, ()))

    @cached_property
    def _elsewhere(self) -> Mapping[int, Iterable[str]]:
        """The ways into every namespace there is, by its identity."""
        return dict(netns.visit(lambda each, socket: (socket.cookie, each.paths)))

    def _socket(self, where: Where | int, fd: int) -> Socket:
        if where not in self._sockets:
            self._sockets[where] = self._closing.enter_context(Socket(fd))
        return self._sockets[where]

    def _keep(self, where: Where | int, fd: int | ReconcilerError) -> None:
        self._fds[where] = fd
        if isinstance(fd, int):
            self._closing.callback(os.close, fd)

    def _insist(self, where: Where) -> None:
        """Let nothing be done in a namespace that has the name of ours by now, and is another."""
        fd = self._fds[where]
        if where.key.kind != "namespace" or not where.topology or not isinstance(fd, int):
            return
        lo = self._socket(where, fd).ask([get_link(LOOPBACK)])[0]
        alias = lo.alias if isinstance(lo, Link) else ""
        if not Mark(where.topology, where.key, host=self.host.identity).is_in(alias):
            self._fds[where] = came_between(f"a network namespace {where.live}", of_alias(alias))

    def _opened(self, where: Where) -> int | ReconcilerError:
        try:
            return _open(self.host, where)
        except Exception as error:  # noqa: BLE001 - kept as a value, for the steps that need this node only
            return self.host.explain(error)


def _open(host: Host, where: Where) -> int:
    if not where.live and where.key != HOST:
        raise StepFailed("the network namespace that it was in has no name any more, so that it cannot be made there")
    if where.key == HOST:
        return netns.open_at(netns.OWN)
    if where.key.kind == "namespace":
        try:
            return netns.open_named(where.live)
        except FileNotFoundError as error:
            raise StepFailed(f"{where.key}: there is no network namespace {where.live!r}: apply again") from error
    inspected = inspect(host, where)
    if where.topology:
        name = inspected["Name"].removeprefix("/")
        insist_on_labels(where, inspected["Config"].get("Labels"), f"a container {name}")
    pid = inspected["State"]["Pid"]
    if not pid:
        state, name = inspected["State"]["Status"], inspected["Name"].removeprefix("/")
        raise StepFailed(f"{where.key}: the container {name} is {state}, so that it has no network: start it")
    if refusal := elsewhere(host, [inspected]):
        raise refusal
    return netns.open_process(pid)


def insist_on_labels(where: Where, labels: Mapping[str, str] | None, what: str) -> None:
    """Raise Conflict where what was found by its name is not ours: somebody put it there since the plan was made."""
    mark = of_labels(labels)
    if mark is None or (mark.topology, mark.key) != (where.topology, where.key):
        raise came_between(what, mark)


def inspect(host: Host, where: Where) -> dict[str, Any]:
    """Inspect the container that a node is."""
    return host.engine.containers.inspect(where.live)


def _ways(place: Place) -> Iterator[str]:
    yield from (f"{netns.DIRECTORY}/{name}" for name in place.names)
    yield from (f"/proc/{pid}/ns/net" for pid in place.pids)
    yield netns.OWN


def _led_to(place: Place, ways: Iterable[str]) -> Iterator[int]:
    """Yield a descriptor by each way that leads to that very namespace."""
    for way in ways:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fd = netns.open_at(way)
            if netns.cookie(fd) == place.cookie:
                yield fd
            else:
                os.close(fd)
