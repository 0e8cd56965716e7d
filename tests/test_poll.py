"""Waits of any length: poll(2) takes an int of milliseconds."""

from __future__ import annotations

import math
import select
import socket
import time

import pytest

from reconciler.errors import EngineUnreachable
from reconciler.host import Host
from reconciler.host.engine.connection import Connection
from reconciler.host.lock import _hung_up
from reconciler.host.poll import milliseconds
from reconciler.watch.loop import Loop


@pytest.mark.parametrize(
    ("seconds", "found"),
    [(0, 0), (-1, 0), (0.0001, 1), (1.5, 1500), (1000 * 3600, 2**31 - 1), (1e300, 2**31 - 1), (math.inf, None)],
)
def test_seconds_are_told_in_milliseconds_and_never_in_more_than_fit(seconds: float, found: int | None) -> None:
    assert milliseconds(seconds) == found
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    assert poll.poll(milliseconds(seconds))


def test_one_may_wait_for_a_thousand_hours_and_is_woken_all_the_same() -> None:
    loop, done = Loop(), list[int]()
    loop.soon(lambda: done.append(1))
    loop.hear(1000 * 3600.0)
    assert done == [1]
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        _hung_up(ours, 1000 * 3600.0)


def test_an_answer_may_take_a_thousand_years() -> None:
    forever = 1000 * 365 * 86400.0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert Connection(ours).ask(b"GET", deadline=time.monotonic() + forever).status == 204
    host = Host(engine_url="tcp://127.0.0.1:9", engine_timeout=forever, wait_timeout=forever)
    with pytest.raises(EngineUnreachable, match="Connection refused"):
        assert host.engine.version
