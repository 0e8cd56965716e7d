"""Endpoints of a network come and go one after the other where the engine may lose count, those of a container anyway."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from reconciler.host.engine.networks import Networks

LAST_TO_MISCOUNT, FIRST_TO_COUNT_WELL = (1, 48), (1, 49)
SOON, LATE = 0.2, 10.0


class Caller:
    """An engine's caller whose first call ends when it is let go."""

    def __init__(self, version: tuple[int, int], timeout: float = LATE) -> None:
        self.version, self.timeout = version, timeout
        self.first, self.second, self.let_go = Event(), Event(), Event()

    def call(self, method: str, path: str, **_: Any) -> None:
        if self.first.is_set():
            self.second.set()
            return
        self.first.set()
        assert self.let_go.wait(LATE)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def both(caller: Any, pool: ThreadPoolExecutor, other: str = "lan") -> list[Any]:
    """A connect to a network and, when that is under way, a disconnect from it or another one."""
    networks = Networks(caller)
    begun = [pool.submit(networks.connect, "lan", "a")]
    assert caller.first.wait(LATE)
    return [*begun, pool.submit(networks.disconnect, other, "b")]


def test_an_engine_that_may_lose_count_is_told_of_one_endpoint_of_a_network_after_the_other(
    pool: ThreadPoolExecutor,
) -> None:
    caller = Caller(LAST_TO_MISCOUNT)
    begun = both(caller, pool)
    assert not caller.second.wait(SOON)
    caller.let_go.set()
    assert caller.second.wait(LATE)
    assert [each.result() for each in begun] == [None, None]


@pytest.mark.parametrize(
    ("version", "timeout", "other"),
    [(FIRST_TO_COUNT_WELL, LATE, "lan"), (LAST_TO_MISCOUNT, LATE, "wan"), (LAST_TO_MISCOUNT, 0.01, "lan")],
    ids=["an engine that counts well", "another network", "one that hangs"],
)
def test_what_need_not_wait_does_not(
    pool: ThreadPoolExecutor, version: tuple[int, int], timeout: float, other: str
) -> None:
    caller = Caller(version, timeout)
    begun = both(caller, pool, other)
    assert caller.second.wait(LATE / 2)
    caller.let_go.set()
    assert [each.result() for each in begun] == [None, None]


def test_who_works_on_one_container_waits_for_its_turn_with_any_engine(pool: ThreadPoolExecutor) -> None:
    caller: Any = Caller(FIRST_TO_COUNT_WELL)
    networks, second = Networks(caller), Event()

    def after() -> None:
        with networks.turns.take("a"):
            second.set()

    with networks.turns.take("a"):
        begun = pool.submit(after)
        with networks.turns.take("b"):
            assert not second.wait(SOON)
    assert begun.result(LATE) is None


def test_a_turn_ends_with_an_error_too() -> None:
    caller: Any = Caller(LAST_TO_MISCOUNT)
    caller.let_go.set()
    networks = Networks(caller)
    caller.call = lambda *_, **__: 1 / 0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            networks.connect("lan", "a")
    assert not networks.turns._locks["lan"].locked()
