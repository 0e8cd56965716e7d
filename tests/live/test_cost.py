"""What a run asks of the engine and of the machine: no call twice, none whose answer is known, no process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bench.test_counts import HEAVY, observed

from live.lab import ENGINE, IMAGE, Lab
from live.recorder import Recorder
from reconciler.host import Host

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

BOXES = 4
DECLARED = "\n".join(f"  box{number}: {{networks: [lan]}}" for number in range(BOXES))
TEXT = f"""
defaults: {{containers: {{image: "{IMAGE}", init: true, command: [sleep, "1000"]}}}}
networks: {{lan: {{ipam: {{config: [{{subnet: 10.231.0.0/24}}]}}}}}}
containers:
{DECLARED}
namespaces: {{red: }}
veths: [[box0:eth1 10.232.0.1/30, red:eth0 10.232.0.2/30]]
"""

FORKS: list[str] = []
"""The events by which Python tells of a new process; an audit hook stays for good, and notes only while it is wanted."""
_WATCHED = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
_watching = False


def _note(event: str, _: tuple[Any, ...]) -> None:
    if _watching and event in _WATCHED:
        FORKS.append(event)


@cache
def _installed() -> None:
    """Install the hook when it is first wanted: under it a thread that starts to be traced can meet another's start."""
    sys.addaudithook(_note)


@contextmanager
def forks() -> Iterator[list[str]]:
    global _watching  # noqa: PLW0603 - an audit hook is the interpreter's own, and so is this
    _installed()
    FORKS.clear()
    _watching = True
    try:
        yield FORKS
    finally:
        _watching = False


@pytest.fixture
def recorded(lab: Lab, tmp_path: Path) -> Iterator[Recorder]:
    direct = lab.host
    with Recorder(ENGINE, tmp_path) as recorder:
        lab.host = Host(engine_url=recorder.url, wait_timeout=60, kill=True)
        yield recorder
    lab.host = direct


LISTS = ("GET /containers/json", "GET /images/json", "GET /networks", "GET /volumes")
INSPECTION = "GET /containers/ID/json"


def test_an_observation_costs_one_list_and_one_inspection_of_each_container_and_no_process(
    lab: Lab, recorded: Recorder
) -> None:
    lab.apply(TEXT)
    recorded.calls.clear()
    with forks() as forked:
        assert lab.tells(TEXT) == {}
    assert forked == []
    counted = recorded.counted()
    assert {each: counted.pop(each) for each in LISTS} == dict.fromkeys(LISTS, 1)
    assert counted.pop(INSPECTION) == BOXES
    assert all(each.startswith("GET /images/") for each in counted), counted
    assert counted.total() <= 2, "the image by the name that is declared, and by the id that runs"


def test_a_fresh_apply_sends_one_call_for_each_step_and_none_twice(lab: Lab, recorded: Recorder) -> None:
    with forks() as forked:
        assert lab.attempt(TEXT).converged
    assert forked == []
    counted = recorded.counted()
    sent = {each: number for each, number in counted.items() if not each.startswith("GET")}
    assert sent == {
        "POST /networks/create": 1,
        "POST /containers/create": BOXES,
        "POST /containers/ID/start": BOXES,
        "POST /containers/ID/wait": BOXES,
    }
    assert {each: counted[each] for each in LISTS} == dict.fromkeys(LISTS, 2), "before, and after it"
    assert recorded.connections < counted.total() / 2, "kept, and used again; each wait holds one"
    assert counted[INSPECTION] == 2 * BOXES + 1, (
        "after it; right before each is started by its name; and once to find the way to the end of a veth"
    )


def test_a_change_and_a_deletion_ask_nothing_that_the_observation_told(lab: Lab, recorded: Recorder) -> None:
    lab.apply(TEXT)
    recorded.calls.clear()
    assert lab.attempt(TEXT.replace("box1: {", "box1: {mem_limit: 64m, ")).converged
    counted = recorded.counted()
    assert {each for each in counted if not each.startswith("GET")} == {"POST /containers/ID/update"}
    assert counted[INSPECTION] == 2 * BOXES
    recorded.calls.clear()
    assert lab.destroy().converged
    counted = recorded.counted()
    assert counted["DELETE /containers/ID"] == BOXES
    assert counted["DELETE /networks/ID"] == 1
    assert counted[INSPECTION] == BOXES


SLOW = f"""
defaults: {{containers: {{image: "{IMAGE}", init: true, network_mode: none}}}}
containers:
  slow:
    command: [sh, -c, "sleep 2; touch /tmp/ready; sleep 1000"]
    healthcheck: {{test: "test -e /tmp/ready", interval: 300ms, retries: 20}}
  job: {{command: [sleep, "2"], state: completed}}
  after:
    command: [sleep, "1000"]
    depends_on: {{slow: {{condition: service_healthy}}, job: {{condition: service_completed_successfully}}}}
"""


def test_what_is_waited_for_is_told_by_the_engine_and_not_asked_for(lab: Lab, recorded: Recorder) -> None:
    assert lab.attempt(SLOW).converged
    counted = recorded.counted()
    assert counted[INSPECTION] <= 2 * 3 + 2, "before each start, after the apply; and twice while there was no news"


@pytest.mark.parametrize(("command", "forks"), [("apply", 0), ("destroy", 4)])
def test_a_run_imports_no_library_but_those_of_the_file_and_the_command(lab: Lab, command: str, forks: int) -> None:
    lab.apply("namespaces: {red: , blue: }\nveths: [[red:eth0 10.231.1.1/30, blue:eth0 10.231.1.2/30]]\n")
    told = observed(command, str(lab.folder / "topology.yaml"))
    assert not told["code"]
    assert HEAVY & set(told["modules"]) == {"typer", "yaml"}
    assert len(told["forks"]) == forks, (
        "a destroy looks for rules that a bridge left, of both families, before and after"
    )
