"""Words that nobody knows, and conditions that never hold."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.kinds.container import waits, words
from reconciler.kinds.entry import entry_of


def told(check: Any, web: dict[str, Any], **others: Any) -> list[str]:
    read = source({"containers": {"web": web, **others}})
    check(entry_of(read, "web"))
    found = [f"{each.pointer}: {each.message}{f' ({each.hint})' if each.hint else ''}" for each in read.problems]
    return [each.removeprefix("containers/web/") for each in found]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, []),
        ({"cap_add": ["net_admin", "CAP_BPF", "ALL"], "cap_drop": ["MKNOD"]}, []),
        (
            {"cap_add": ["NET_RAW", "NET_ADMINX"]},
            ["cap_add/1: there is no capability 'NET_ADMINX' (did you mean 'NET_ADMIN'?)"],
        ),
        ({"cap_drop": ["CAP_XYZ"]}, ["cap_drop/0: there is no capability 'XYZ'"]),
        ({"stop_signal": "term"}, []),
        ({"stop_signal": "SIGRTMIN+3"}, []),
        ({"stop_signal": "09"}, []),
        ({"stop_signal": "SIGTREM"}, ["stop_signal: there is no signal 'SIGTREM' (did you mean 'SIGTERM'?)"]),
        ({"stop_signal": "65"}, ["stop_signal: there is no signal '65'"]),
        ({"ulimits": {"nofile": {"soft": 1, "hard": -1}, "core": {"soft": -1, "hard": -1}, "nproc": 7}}, []),
        ({"ulimits": {"nofiles": 7}}, ["ulimits/nofiles: there is no limit 'nofiles' (did you mean 'nofile'?)"]),
        ({"ulimits": {"core": {"soft": 3, "hard": 2}}}, ["ulimits/core/soft: 3 is more than the hard limit, 2"]),
        ({"ulimits": {"core": {"soft": -1, "hard": 2}}}, ["ulimits/core/soft: -1 is more than the hard limit, 2"]),
    ],
)
def test_a_word_that_nobody_knows_is_a_problem(entry: dict[str, Any], expected: list[str]) -> None:
    assert told(words.check, entry) == expected


HEALTHY = {"depends_on": {"db": {"condition": "service_healthy"}}}
COMPLETED = {"depends_on": {"db": {"condition": "service_completed_successfully"}}}


@pytest.mark.parametrize(
    ("web", "db", "expected"),
    [
        ({"depends_on": ["db"]}, {"state": "created"}, []),
        (HEALTHY, {}, []),
        (HEALTHY, {"healthcheck": {"test": "true"}}, []),
        (HEALTHY, {"external": True}, []),
        (
            HEALTHY,
            {"state": "stopped"},
            ["'db' is to be stopped: nobody says that it is healthy (wait for service_started)"],
        ),
        (
            HEALTHY,
            {"state": "completed"},
            ["'db' is to be completed: nobody says that it is healthy (wait for service_started)"],
        ),
        (
            HEALTHY,
            {"healthcheck": {"disable": True}},
            ["the healthcheck of 'db' is disabled (wait for service_started, or give it a healthcheck)"],
        ),
        (
            HEALTHY,
            {"healthcheck": {"test": ["NONE"]}},
            ["the healthcheck of 'db' is disabled (wait for service_started, or give it a healthcheck)"],
        ),
        (COMPLETED, {}, []),
        (COMPLETED, {"state": "completed"}, []),
        (COMPLETED, {"external": True}, []),
        (
            COMPLETED,
            {"state": "running"},
            ["'db' is to be running: it never completes (take its `state` out, or wait for another)"],
        ),
    ],
)
def test_a_condition_that_never_holds_is_a_problem(
    web: dict[str, Any], db: dict[str, Any], expected: list[str]
) -> None:
    assert told(waits.check, web, db=db) == [f"depends_on/db: {each}" for each in expected]


def test_what_is_not_known_may_hold() -> None:
    read = source({"containers": {"web": COMPLETED, "db": {}}}, cut=[("containers", "db", "state")])
    waits.check(entry_of(read, "web"))
    assert read.problems == []
    read = source({"containers": {"web": COMPLETED}}, cut=[])
    waits.check(entry_of(read, "web"))
    assert read.problems == []


@pytest.mark.parametrize(
    ("entry", "others", "wrong"),
    [
        ({"restart": "always", "state": "completed"}, {}, True),
        ({"restart": "unless-stopped"}, {"other": {"depends_on": {"web": COMPLETED["depends_on"]["db"]}}}, True),
        ({"restart": "on-failure:3", "state": "completed"}, {}, False),
        ({"restart": "always", "state": "stopped"}, {}, False),
        ({"state": "completed"}, {}, False),
    ],
)
def test_what_is_restarted_for_ever_never_completes(entry: dict[str, Any], others: Any, wrong: bool) -> None:
    policy = entry.get("restart")
    message = f"restart: with {policy!r} it never completes (use no or on-failure, or another `state`)"
    assert told(waits.check, entry, **others) == [message] * wrong
