"""How long a call is tried again, and what is said of one that failed."""

from __future__ import annotations

from threading import Event

import pytest

from reconciler.errors import EngineForbidden, EngineUnreachable, HostRefuses
from reconciler.host.engine.asked import Asked, Backoff
from reconciler.host.engine.errors import AnswerLost, EngineError, EngineSilent, refusal, unreachable, words


def test_what_may_pass_is_tried_again_for_so_long_and_no_longer() -> None:
    backoff, tries = Backoff(0.4, Event()), 0
    while backoff.again():
        tries += 1
    assert 1 <= tries <= 3, "after 0.05, 0.1 and 0.2 s, as far as the machine keeps up"


def test_nothing_is_tried_again_without_patience_or_after_an_interruption() -> None:
    assert not Backoff(0, Event()).again()
    interrupted = Event()
    interrupted.set()
    assert not Backoff(10, interrupted).again()


def test_a_call_is_named_by_what_it_is_about() -> None:
    assert str(Asked("GET", "/images/a%20b/json")) == "GET /images/a b/json"
    assert str(Asked("POST", "/containers/create", {"name": "web"})) == "POST /containers/create?name=web"
    assert str(Asked("GET", "/networks", {"filters": None})) == "GET /networks"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"message": " port is taken\\n"}', "port is taken"),
        (b"page not found\n", "page not found"),
        (b'{"message": ""}', '{"message": ""}'),
        (b"[1]", "[1]"),
        (b"", "the engine says no more than that"),
    ],
)
def test_a_refusal_is_told_in_the_engines_words_with_the_call(content: bytes, message: str) -> None:
    found = refusal(500, content, "POST /x")
    assert (found.status, found.message, found.call, found.exit_code) == (500, message, "POST /x", 1)
    assert str(found) == f"{message} (POST /x: 500)"


def test_what_the_engine_may_not_do_is_refused_by_the_host() -> None:
    assert isinstance(refusal(403, b"Operation not permitted", "POST /x"), HostRefuses)
    assert refusal(403, b"permission denied", "POST /x").exit_code == 4
    assert type(refusal(403, b"Pool overlaps", "POST /x")) is EngineError


def test_an_engine_that_is_not_there_is_told_from_one_that_is_not_for_us() -> None:
    assert "(Connection refused)" in str(unreachable("tcp://x", ConnectionRefusedError(111, "Connection refused")))
    assert isinstance(unreachable("unix:///x", PermissionError(13, "Permission denied")), EngineForbidden)


def test_no_answer_is_worth_another_try() -> None:
    silent, lost = EngineSilent("GET /x", 1.5), AnswerLost("GET /x", ConnectionResetError(104, "reset by peer"))
    assert str(silent) == "the engine did not answer within 1.5 s (GET /x): see --engine-timeout"
    assert str(lost) == "the connection to the engine broke before its answer was there (GET /x): reset by peer"
    assert isinstance(silent, EngineUnreachable)
    assert isinstance(lost, EngineUnreachable)
    assert words(ValueError("so")) == "so"
