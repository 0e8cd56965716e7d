"""Healthchecks: every form of Compose, the engine's, and what is the image's."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.kinds.container.healthcheck import NONE, declared, healthcheck, of_engine, to_engine
from reconciler.kinds.container.quantities import Duration
from reconciler.kinds.container.spec import Healthcheck
from reconciler.kinds.entry import entry_of

S = 10**9


def read(data: Any) -> tuple[Healthcheck, list[str]]:
    made = source({"containers": {"web": {"healthcheck": data}}})
    found = healthcheck(entry_of(made, "web"))
    return found, [f"{each.pointer.rpartition('/')[2]}: {each.message}" for each in made.problems]


WHOLE: dict[str, Any] = {
    "test": ["CMD", "true"],
    "interval": "2s",
    "timeout": "3s",
    "retries": 4,
    "start_period": "5s",
}
NO_START_PERIOD = Healthcheck(start_period=Duration(0))
SPEC = Healthcheck(("CMD", "true"), Duration(2 * S), Duration(3 * S), 4, Duration(5 * S))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, Healthcheck()),
        ({"test": "true"}, Healthcheck(("CMD-SHELL", "true"))),
        ({"test": ["CMD-SHELL", "true"]}, Healthcheck(("CMD-SHELL", "true"))),
        ({"test": ["NONE", "more"]}, Healthcheck(NONE)),
        ({**WHOLE, "test": ["NONE"]}, Healthcheck(NONE)),
        ({"disable": True}, Healthcheck(NONE)),
        ({"disable": True, "test": ["NONE"]}, Healthcheck(NONE)),
        ({**WHOLE, "disable": True}, Healthcheck(NONE)),
        ({"retries": "5"}, Healthcheck(retries=5)),
        ({"disable": False, "start_period": "0s"}, Healthcheck(start_period=Duration(0))),
        (WHOLE, SPEC),
    ],
)
def test_every_form_is_read(data: Any, expected: Healthcheck) -> None:
    assert read(data) == (expected, [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"test": []}, "test: a test in list form starts with CMD, CMD-SHELL or NONE"),
        ({"test": "NONE"}, "test: a text is a command for the shell: write [NONE], or `disable: true`"),
        ({"test": ["true"]}, "test: a test in list form starts with CMD, CMD-SHELL or NONE"),
        ({"test": ["CMD"]}, "test: CMD is followed by the command"),
        ({"test": ["CMD-SHELL", "a", "b"]}, "test: CMD-SHELL is followed by one text"),
        ({"interval": "soon"}, "interval: 'soon' is not a duration with units, such as 1m30s"),
        ({"interval": "2562048h"}, "interval: '2562048h' is too long: at most 2562047h"),
        ({"retries": "9" * 20}, "retries: 99999999999999999999 is too large: at most 9223372036854775807"),
        ({"interval": "1us"}, "interval: the shortest time is 1ms"),
        ({"timeout": "0s"}, "timeout: the shortest time is 1ms"),
    ],
)
def test_what_the_engine_would_refuse_is_a_problem(data: Any, message: str) -> None:
    assert read(data)[1] == [message]


@pytest.mark.parametrize(
    ("check", "expected"),
    [(Healthcheck(), False), (Healthcheck(NONE), False), (SPEC, True), (Healthcheck(retries=1), True)],
)
def test_one_that_is_switched_off_or_the_image_s_is_not_declared(check: Healthcheck, expected: bool) -> None:
    assert declared(check) == expected


def test_a_check_is_written_and_read_back() -> None:
    for check in (SPEC, Healthcheck(NONE), Healthcheck(retries=2), NO_START_PERIOD):
        assert of_engine(to_engine(check), None, check) == check
    assert to_engine(Healthcheck()) is None


def test_no_start_period_is_the_shortest_one_as_the_engine_takes_none_for_the_image_s() -> None:
    sent = to_engine(NO_START_PERIOD) or {}
    assert sent["StartPeriod"] == S // 1000
    theirs = {**THEIRS, "StartPeriod": 10 * S}
    assert of_engine({**THEIRS, **sent}, theirs, NO_START_PERIOD).start_period == 0
    assert of_engine(theirs, theirs, NO_START_PERIOD).start_period == 10 * S
    assert of_engine(THEIRS, None, NO_START_PERIOD).start_period == 0


THEIRS = {"Test": ["CMD", "true"], "Interval": 2 * S}


@pytest.mark.parametrize(
    ("live", "image", "want", "expected"),
    [
        (None, None, Healthcheck(), Healthcheck()),
        (THEIRS, THEIRS, Healthcheck(), Healthcheck()),
        (THEIRS, THEIRS, Healthcheck(interval=Duration(2 * S)), Healthcheck(interval=Duration(2 * S))),
        ({**THEIRS, "Retries": 5}, THEIRS, Healthcheck(), Healthcheck(retries=5)),
        ({**THEIRS, "Retries": 3}, THEIRS, Healthcheck(), Healthcheck()),
        ({"Test": ["NONE"], "Interval": 2 * S}, THEIRS, Healthcheck(), Healthcheck(NONE)),
        ({"Test": ["NONE"]}, {"Test": ["NONE"]}, Healthcheck(), Healthcheck()),
        ({"Test": ["NONE"]}, {"Test": ["NONE"]}, Healthcheck(NONE), Healthcheck(NONE)),
    ],
)
def test_what_is_the_image_s_or_the_engine_s_is_as_undeclared(
    live: Any, image: Any, want: Healthcheck, expected: Healthcheck
) -> None:
    assert of_engine(live, image, want) == expected
