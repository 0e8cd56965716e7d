"""What is asked again and what is not: every call of the engine's client, against an engine that counts them."""

from __future__ import annotations

import contextlib
import gc
import inspect
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer
from types import SimpleNamespace
from typing import Any, cast

import pytest
import urllib3
from fake_engine import PONG, RESET, SILENT, Answer, FakeEngine
from requests.exceptions import RequestException

from reconciler.errors import EngineUnreachable, HostRefuses, ReconcilerError, StepFailed
from reconciler.host import Host
from reconciler.host.engine import Engine
from reconciler.host.engine.containers import Containers
from reconciler.host.engine.errors import AnswerLost
from reconciler.host.engine.execs import Execs
from reconciler.host.engine.images import Images
from reconciler.host.engine.networks import Networks
from reconciler.host.engine.sdk import explained
from reconciler.host.engine.volumes import Volumes
from reconciler.kinds import kinds
from reconciler.kinds.calls import patiently
from reconciler.kinds.image.registry import digest_there
from reconciler.observe import observe
from reconciler.topology import load

PATIENCE = 1.0
Act = Callable[[Engine], Any]
CONTAINER = {
    "Id": "x",
    "Config": {"Labels": {}},
    "State": {"Running": True, "Paused": False, "StartedAt": "0"},
    "NetworkSettings": {"Networks": {}},
}

READS: dict[str, tuple[Act, Any]] = {
    "GET /_ping": (lambda engine: engine.version, PONG),
    "GET /info": (lambda engine: engine.info, {}),
    "GET /containers/json": (lambda engine: engine.containers.list(), []),
    "GET /containers/x/json": (lambda engine: engine.containers.inspect("x"), CONTAINER),
    "GET /containers/y/json": (lambda engine: engine.containers.find("y"), CONTAINER),
    "GET /containers/x/logs": (lambda engine: engine.containers.log_tail("x", 3, terminal=True), "a word"),
    "GET /networks": (lambda engine: engine.networks.list(), []),
    "GET /networks/x": (lambda engine: engine.networks.inspect("x"), {}),
    "GET /volumes": (lambda engine: engine.volumes.list(), {"Volumes": []}),
    "GET /volumes/x": (lambda engine: engine.volumes.inspect("x"), {}),
    "GET /images/json": (lambda engine: engine.images.list(), []),
    "GET /images/x/json": (lambda engine: engine.images.inspect("x"), {}),
}
WRITES: dict[str, Act] = {
    "POST /containers/create": lambda engine: engine.containers.create("x", {"Labels": {"a": "b"}}),
    "POST /containers/x/start": lambda engine: engine.containers.start("x"),
    "POST /containers/x/kill": lambda engine: engine.containers.kill("x"),
    "POST /containers/x/restart": lambda engine: engine.containers.restart("x", 0),
    "POST /containers/x/pause": lambda engine: engine.containers.pause("x"),
    "POST /containers/x/unpause": lambda engine: engine.containers.unpause("x"),
    "POST /containers/x/rename": lambda engine: engine.containers.rename("x", "y"),
    "DELETE /containers/x": lambda engine: engine.containers.remove("x"),
    "POST /networks/create": lambda engine: engine.networks.create({"Name": "x", "Labels": {"a": "b"}}),
    "POST /networks/x/connect": lambda engine: engine.networks.connect("x", "y"),
    "POST /networks/x/disconnect": lambda engine: engine.networks.disconnect("x", "y"),
    "DELETE /networks/x": lambda engine: engine.networks.remove("x"),
    "DELETE /volumes/x": lambda engine: engine.volumes.remove("x"),
    "DELETE /images/x": lambda engine: engine.images.remove("x"),
    "POST /containers/x/wait": lambda engine: engine.containers.wait("x", 1),
    "POST /exec/x/start": lambda engine: engine.execs.run("x", ["true"], seconds=1),
}
"""What is sent once, whatever becomes of the answer."""
SAME_AGAIN: dict[str, tuple[Act, Any]] = {
    "POST /containers/x/update": (lambda engine: engine.containers.update("x", {}), {}),
    "POST /volumes/create": (lambda engine: engine.volumes.create({"Name": "x"}), {}),
    "POST /images/x/tag": (lambda engine: engine.images.tag("x", "y", "z"), {}),
    "POST /containers/x/exec": (lambda engine: engine.execs.run("x", ["true"], seconds=1), {"Id": "x"}),
}
"""Writes that make no difference the second time: they are sent again where the answer is lost, not where it is 500."""
PARTS = {
    "containers": Containers,
    "networks": Networks,
    "volumes": Volumes,
    "images": Images,
    "execs": Execs,
}


def engine(fake: FakeEngine, *, patience: float = PATIENCE, engine_timeout: float = 5.0) -> Engine:
    return Host(engine_url=fake.url, patience=patience, engine_timeout=engine_timeout).engine


def but(call: str, bad: Answer, times: int, then: Any = None) -> Callable[[str, int], Answer]:
    """Answer well, but to one call so often badly."""
    well: dict[str, Answer] = {
        "GET /_ping": (200, PONG),
        "POST /containers/x/exec": (201, {"Id": "x"}),
        "POST /exec/x/start": (200, ""),
        "GET /exec/x/json": (200, {"Running": False, "ExitCode": 0}),
    }

    def answer(asked: str, before: int) -> Answer:
        if asked == call:
            return bad if before < times else (200, then)
        if asked in well:
            return well[asked]
        return (200, CONTAINER) if asked.startswith("GET /containers/") else 404

    return answer


def test_every_call_of_the_client_is_in_one_of_the_tables() -> None:
    """A new method has to be put into one of them."""
    tried = {*(act for act, _ in (*READS.values(), *SAME_AGAIN.values())), *WRITES.values()}
    words = " ".join(inspect.getsource(act) for act in tried)
    for part, owner in PARTS.items():
        for name, _ in inspect.getmembers(owner, inspect.isfunction):
            assert name.startswith("_") or f"engine.{part}.{name}(" in words, f"{part}.{name}"


@pytest.mark.parametrize("fault", [RESET, 500, 503])
@pytest.mark.parametrize("call", READS)
def test_a_read_that_fails_is_asked_again_with_growing_pauses(tmp_path: Path, call: str, fault: Answer) -> None:
    act, answer = READS[call]
    with FakeEngine(tmp_path, but(call, fault, 3, answer)) as fake:
        act(engine(fake))
        assert fake.count(call) == 4
        for pause, least in zip(fake.pauses(call), (0.05, 0.1, 0.2), strict=True):
            assert pause >= least


@pytest.mark.parametrize("fault", [RESET, 500])
@pytest.mark.parametrize("call", READS)
def test_a_read_that_goes_on_failing_is_given_up_when_patience_is_over(
    tmp_path: Path, call: str, fault: Answer
) -> None:
    act, _ = READS[call]
    with FakeEngine(tmp_path, but(call, fault, 99)) as fake:
        begun = time.monotonic()
        with pytest.raises(ReconcilerError) as caught:
            act(engine(fake, patience=0.3))
        assert time.monotonic() - begun < 2
        assert 2 <= fake.count(call) <= 3, "after 0.05 and 0.1 s, as far as the machine keeps up"
        assert f"({call}" in str(caught.value)


def test_the_engine_is_asked_for_its_own_clock_each_time(tmp_path: Path) -> None:
    def answer(_: str, before: int) -> Answer:
        return (200, {"SystemTime": f"2026-01-01T00:00:0{before}.123456789Z"})

    with FakeEngine(tmp_path, answer) as fake:
        asked = engine(fake)
        first = asked.now
        assert asked.now - first == 1


def test_an_engine_that_says_nothing_is_waited_for_once_and_not_once_for_each_kind(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: t\nvolumes: {data: }\nnetworks: {lan: }\nimages: {a: {pull: a}}\n")
    desired = load(tmp_path / "topology.yaml", kinds=kinds())
    with FakeEngine(tmp_path, lambda *_: SILENT) as fake:
        host = Host(engine_url=fake.url, patience=0, engine_timeout=0.3)
        unavailable = observe(host, desired, kinds=kinds()).unavailable
        assert {"volume", "network", "image", "container"} <= unavailable.keys()
        assert fake.count("GET /_ping") == len(fake.asked) == 1


@pytest.mark.parametrize(
    "said", [{}, [], None, {"ApiVersion": "x", "MinAPIVersion": "1.12"}, {"ApiVersion": None}, 404]
)
def test_what_answers_and_is_no_engine_is_told_as_that(tmp_path: Path, said: Any) -> None:
    with FakeEngine(tmp_path, lambda *_: said if said == 404 else (200, said), api="") as fake:
        with pytest.raises(EngineUnreachable, match="is no Docker Engine") as caught:
            _ = engine(fake).version
        assert caught.value.exit_code == 5
        assert [call for call, _ in fake.asked] == ["GET /_ping", "GET /version"][: 1 if said == 404 else 2]


def test_an_engine_is_asked_for_its_newest_version_and_for_more_only_where_we_do_not_speak_that(tmp_path: Path) -> None:
    def found(api: str, oldest: str = "1.12") -> tuple[Any, list[str]]:
        (tmp_path / "fake.sock").unlink(missing_ok=True)
        said = {"ApiVersion": api or "1.44", "MinAPIVersion": oldest}
        with FakeEngine(tmp_path, lambda *_: (200, said), api=api) as fake:
            try:
                version: Any = engine(fake).version
            except HostRefuses as error:
                version = str(error).partition(" speaks ")[2]
            return version, [call for call, _ in fake.asked]

    both = ["GET /_ping", "GET /version"]
    assert found("1.41") == ((1, 41), both[:1])
    assert found("1.56") == ((1, 56), both[:1])
    assert found("1.57") == ((1, 56), both)
    assert found("2.0", "1.50") == ((1, 56), both)
    assert found("") == ((1, 44), both)
    assert found("1.40") == ("API 1.12 to 1.40, and we 1.41 to 1.56", both)
    assert found("1.60", "1.57") == ("API 1.57 to 1.60, and we 1.41 to 1.56", both)


def test_what_answers_and_is_no_engine_is_heard(tmp_path: Path) -> None:
    with FakeEngine(tmp_path, lambda *_: 404) as fake, pytest.raises(EngineUnreachable) as caught:
        _ = engine(fake).version
    assert f"{fake.url} is no Docker Engine, but says so it is (GET /_ping: 404): set" in str(caught.value)


def test_what_a_registry_has_is_asked_again_where_the_connection_breaks(tmp_path: Path) -> None:
    call = "GET /distribution/x/json"
    with FakeEngine(tmp_path, but(call, RESET, 2, {"Descriptor": {"digest": "sha256:1"}})) as fake:
        host = Host(engine_url=fake.url, patience=PATIENCE)
        assert digest_there(host.engine, "x") == "sha256:1"
        assert fake.count(call) == 3
    with FakeEngine(tmp_path / "..", but(call, 500, 9)) as fake:
        host = Host(engine_url=fake.url, patience=PATIENCE)
        assert digest_there(host.engine, "x") == ""
        assert fake.count(call) == 1


@pytest.mark.parametrize(
    ("act", "option", "times"),
    [
        (lambda api: api.load_image(b"x"), "--wait-timeout", {"wait_timeout": 0.3}),
        (lambda api: api.commit("x"), "--wait-timeout", {"wait_timeout": 0.3}),
        (lambda api: api.pull("x"), "--wait-timeout", {"wait_timeout": 0.3}),
        (lambda api: api.inspect_distribution("x"), "--engine-timeout", {"engine_timeout": 0.3}),
    ],
)
def test_what_makes_an_image_may_be_silent_for_longer_than_an_answer_takes(
    tmp_path: Path, act: Any, option: str, times: dict[str, float]
) -> None:
    def answer(asked: str, _: int) -> Answer:
        return (200, PONG) if asked == "GET /_ping" else SILENT

    with FakeEngine(tmp_path, answer) as fake:
        host = Host(engine_url=fake.url, patience=0, **{"wait_timeout": 20, "engine_timeout": 20, **times})  # type: ignore[arg-type]
        begun = time.monotonic()
        with pytest.raises(RequestException) as caught:
            act(host.engine.api)
        assert str(host.explain(caught.value)).endswith(f"): see {option}")
        assert 0.3 <= time.monotonic() - begun < 5


PIECES = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [b"", b"9", b"9\r\n{}"])
def test_what_comes_piece_by_piece_and_breaks_off_is_told_by_its_call(tmp_path: Path, piece: bytes) -> None:
    def answer(asked: str, _: int) -> Answer:
        return (200, PONG) if asked == "GET /_ping" else PIECES + piece

    with FakeEngine(tmp_path, answer) as fake:
        host = Host(engine_url=fake.url)
        with pytest.raises(Exception, match=r".") as caught:
            list(host.engine.api.pull("x", stream=True))
        told = host.explain(caught.value)
        assert isinstance(told, AnswerLost), told
        assert str(told).endswith("before its answer was there (POST /images/create): it ended too early")


def test_what_comes_piece_by_piece_may_be_silent_in_between(tmp_path: Path) -> None:
    with FakeEngine(tmp_path, lambda asked, _: (200, PONG) if asked == "GET /_ping" else SILENT) as fake:
        host = Host(engine_url=fake.url, patience=0, wait_timeout=0.3)
        with pytest.raises(RequestException):
            host.engine.api.load_image(b"x")
    silent = urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("localhost"), "/build", "Read timed out.")
    assert str(explained(silent)) == "the engine was silent for too long (POST /images/load): see --wait-timeout"


@pytest.mark.parametrize("leave", ["with", "close", "forget"])
def test_a_host_that_is_done_with_leaves_no_connection_open(tmp_path: Path, leave: str) -> None:
    def answer(asked: str, _: int) -> Answer:
        return (200, PONG if asked == "GET /_ping" else [])

    with FakeEngine(tmp_path, answer) as fake, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        host = Host(engine_url=fake.url)
        with host if leave == "with" else contextlib.nullcontext():
            host.engine.networks.list()
            if leave != "forget":
                host.engine.api.images()
        if leave == "close":
            host.close()
            assert host.engine.networks.list() == []
            host.close()
            host.close()
        del host
        gc.collect()
        assert [str(each.message) for each in told] == []


@pytest.mark.parametrize("fault", [400, 404, 409])
def test_a_read_that_is_refused_for_good_is_not_asked_again(tmp_path: Path, fault: int) -> None:
    with FakeEngine(tmp_path, but("GET /networks/x", fault, 99)) as fake:
        with pytest.raises(ReconcilerError, match=rf"so it is \(GET /networks/x: {fault}\)"):
            engine(fake).networks.inspect("x")
        assert fake.count("GET /networks/x") == 1


@pytest.mark.parametrize("fault", [RESET, 500, 503, 409])
@pytest.mark.parametrize("call", WRITES)
def test_a_write_is_sent_once_whatever_becomes_of_it(tmp_path: Path, call: str, fault: Answer) -> None:
    with FakeEngine(tmp_path, but(call, fault, 99)) as fake:
        try:
            WRITES[call](engine(fake, patience=0.2))
        except ReconcilerError as error:
            assert call in str(error)  # noqa: PT017 - of some a look tells that they were done
        assert fake.count(call) == 1


def test_a_refusal_of_what_comes_in_pieces_is_read_to_its_end_and_no_further(tmp_path: Path) -> None:
    """The engine keeps the connection open behind it."""
    with FakeEngine(tmp_path, but("POST /containers/x/wait", 404, 99)) as fake:
        begun = time.monotonic()
        with pytest.raises(ReconcilerError, match=r"so it is \(POST /containers/x/wait: 404\)"):
            engine(fake).containers.wait("x", 1)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("call", SAME_AGAIN)
def test_a_write_that_makes_no_difference_twice_is_sent_again_where_its_answer_is_lost(
    tmp_path: Path, call: str
) -> None:
    act, answer = SAME_AGAIN[call]
    with FakeEngine(tmp_path, but(call, RESET, 2, answer)) as fake:
        act(engine(fake))
        assert fake.count(call) == 3


@pytest.mark.parametrize("call", SAME_AGAIN)
def test_but_not_where_the_engine_says_that_it_failed(tmp_path: Path, call: str) -> None:
    act, answer = SAME_AGAIN[call]
    with FakeEngine(tmp_path, but(call, 500, 2, answer)) as fake:
        with pytest.raises(ReconcilerError, match="500"):
            act(engine(fake))
        assert fake.count(call) == 1


def test_nothing_is_asked_again_when_no_more_waiting_is_wanted(tmp_path: Path) -> None:
    with FakeEngine(tmp_path, but("GET /networks", RESET, 99)) as fake:
        asked = engine(fake, patience=60)
        Timer(0.2, asked.stop.set).start()
        begun = time.monotonic()
        with pytest.raises(EngineUnreachable):
            asked.networks.list()
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize(("fails", "patience"), [(3, 60), (99, 0.3)])
def test_but_an_effect_that_fails_for_what_may_pass_is_tried_again_at_the_same_pace(
    fails: int, patience: float
) -> None:
    tries: list[int] = []
    patient = cast("Engine", SimpleNamespace(stop=Event(), patience=patience))
    patient.stop.set()

    def act() -> None:
        tries.append(len(tries))
        if len(tries) < fails:
            raise StepFailed("not yet")

    with contextlib.nullcontext() if fails == 3 else pytest.raises(StepFailed, match="not yet"):
        patiently(patient, act, passing=lambda _: True)
    assert len(tries) == 3 if fails == 3 else 1 < len(tries) <= 8


def test_an_answer_that_does_not_come_is_waited_for_as_long_as_the_option_says(tmp_path: Path) -> None:
    with FakeEngine(tmp_path, but("GET /networks", SILENT, 99)) as fake:
        begun = time.monotonic()
        with pytest.raises(
            EngineUnreachable, match=r"did not answer within 0\.2 s \(GET /networks\): see --engine-tim"
        ):
            engine(fake, patience=0, engine_timeout=0.2).networks.list()
        assert 0.2 <= time.monotonic() - begun < 2


def test_a_write_whose_answer_is_lost_is_found_by_a_look_and_counts_as_done(tmp_path: Path) -> None:
    made = {**CONTAINER, "Config": {"Labels": {"a": "b", "of": "its image"}}}

    def answer(asked: str, before: int) -> Answer:
        told: dict[str, Answer] = {"GET /_ping": (200, PONG), "POST /containers/create": RESET}
        return told.get(asked, (200, made) if before else 404)

    with FakeEngine(tmp_path, answer) as fake:
        engine(fake).containers.create("x", {"Labels": {"a": "b"}})
        assert (fake.count("POST /containers/create"), fake.count("GET /containers/x/json")) == (1, 2)


def test_a_command_that_has_closed_its_output_is_waited_for_to_its_end(tmp_path: Path) -> None:
    runs = 6

    def answer(asked: str, before: int) -> Answer:
        told: dict[str, Answer] = {
            "GET /_ping": (200, PONG),
            "POST /containers/x/exec": (201, {"Id": "y"}),
            "POST /exec/y/start": (200, ""),
            "GET /exec/y/json": (200, {"Running": before < runs, "ExitCode": 7}),
        }
        return told[asked]

    with FakeEngine(tmp_path, answer) as fake:
        assert engine(fake).execs.run("x", ["true"], seconds=20)[0] == 7
        runs = 99
        with pytest.raises(TimeoutError):
            engine(fake).execs.run("x", ["true"], seconds=0.2)
