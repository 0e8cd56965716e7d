"""An engine that fails: each call of a mixed apply in turn, in each of the ways in which calls fail."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from typing import Any

import pytest

from live.faulty import (
    PATIENCE,
    Door,
    Journey,
    assert_each_failure_has_its_resource,
    assert_the_rest_is_done,
    heard,
    is_told,
    nameless,
    wrong,
)
from live.proxy import CARRIED_OUT, Fault
from reconciler.errors import ReconcilerError
from reconciler.host import Host

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("untouched")]

BEFORE = """
defaults: {containers: {image: made, init: true, command: [sleep, "1000"]}}
images: {made: {import: {path: busybox.tar}, tags: ["LAB/made:1"]}}
volumes: {data: }
networks:
  lan: {ipam: {config: [{subnet: 10.233.0.0/24}]}}
  man: {ipam: {config: [{subnet: 10.234.0.0/24}]}}
containers:
  web: {networks: [lan], volumes: ["data:/data"], ports: ["127.0.0.1:18980:80"], links: ["db:store"]}
  db: {networks: [lan, man], healthcheck: {test: "true", interval: 1s}}
  node: {network_mode: none, exec: ["true"]}
  job: {network_mode: none, init: false, command: ["true"], state: completed}
  spare: {network_mode: none, container_name: LAB-first}
  idle: {network_mode: none, state: paused}
  calm: {network_mode: none}
namespaces: {red: , far: }
veths:
  - [node:eth0 10.235.0.1/30, red:eth0 10.235.0.2/30]
  - [far:eth0 10.235.1.1/30, red:eth1 10.235.1.2/30]
"""
AFTER = """
defaults: {containers: {image: made, init: true, command: [sleep, "1000"]}}
images:
  made: {import: {path: busybox.tar}, tags: ["LAB/made:1", "LAB/made:2"]}
  built: {build: ., tags: ["LAB/built:1"]}
  kept: {commit: {container: node}, tags: ["LAB/kept:1"]}
volumes: {data: }
networks:
  lan: {ipam: {config: [{subnet: 10.233.0.0/24}]}}
containers:
  web: {networks: [lan], volumes: ["data:/data"], ports: ["127.0.0.1:18981:80"], links: ["db:store"]}
  db: {networks: {lan: {aliases: [base]}}, healthcheck: {test: "true", interval: 1s}, mem_limit: 64m, memswap_limit: 64m}
  node: {network_mode: none, exec: ["true", "true"]}
  new: {image: built, network_mode: none}
  spare: {network_mode: none, container_name: LAB-second, state: stopped}
  idle: {network_mode: none}
  calm: {network_mode: none, state: paused}
namespaces: {red: }
veths:
  - [node:eth0 10.235.0.1/30, red:eth0 10.235.0.3/30]
"""
JOURNEYS = {"an apply": Journey("", BEFORE), "a change": Journey(BEFORE, AFTER), "a destroy": Journey(AFTER, "")}
CALLS = {
    "an apply": ("images/create", "networks/create", "containers/create?name=LAB-web", "volumes/create", "/exec"),
    "a change": (
        *("/build", "/commit", "/connect", "/disconnect", "/kill", "/pause", "/unpause", "/update"),
        "/rename?name=LAB-second",
    ),
    "a destroy": (
        "DELETE /containers/ID",
        "DELETE /images/LAB/made:1",
        "DELETE /networks/ID",
        "DELETE /volumes/LAB-data",
    ),
}


@pytest.mark.parametrize("name", JOURNEYS)
def test_each_call_that_fails_is_named_and_the_next_run_finishes(
    door: Door, pytestconfig: pytest.Config, name: str
) -> None:
    door.begin(JOURNEYS[name])
    calls = heard(door)
    assert [each for each in CALLS[name] if not any(call.endswith(each) for call in calls)] == [], calls
    seed, faults = int(pytestconfig.option.hypothesis_seed), len(Fault) if name == "an apply" else 4
    assert wrong(door, JOURNEYS[name], calls, seed, faults) == []


CREATES = {
    "POST /containers/create?name=LAB-web": 1,
    "POST /networks/create": 1,
    "POST /volumes/create": 2,
    "POST /images/ID/tag": 3,
}
"""How often each is sent where the first answer is lost: what makes no difference the second time is sent again."""
ONE = """
images: {made: {import: {path: busybox.tar}, tags: ["LAB/made:1"]}}
volumes: {data: }
networks: {lan: {ipam: {config: [{subnet: 10.233.0.0/24}]}}}
containers: {web: {image: made, init: true, command: [sleep, "1000"], networks: [lan], volumes: ["data:/data"]}}
"""
SOON = 1.5


@pytest.mark.parametrize("fault", CARRIED_OUT)
@pytest.mark.parametrize("call", CREATES)
def test_a_create_whose_answer_is_lost_is_found_and_the_same_apply_goes_on(
    door: Door, engine: Any, call: str, fault: Fault
) -> None:
    door.text = ONE.replace("LAB", door.lab.name)
    door.proxy.arm(call, fault, once=True)
    report = door.attempt(SOON)
    assert report.converged, [str(each.error) for each in report.failed]
    assert door.proxy.hit == [call]
    assert door.proxy.calls.count(call) == CREATES[call]
    assert_one_of_each(door, engine)
    assert door.attempt().outcomes == ()


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.DEAF])
def test_an_image_whose_making_is_not_answered_is_named_and_the_next_apply_finds_it(
    door: Door, engine: Any, fault: Fault
) -> None:
    """What is made takes the time that it takes: nobody can tell by a look that it will not come any more."""
    door.text = ONE.replace("LAB", door.lab.name)
    door.proxy.arm("POST /images/create", fault, once=True)
    door.lab.host = Host(engine_url=door.proxy.url, patience=PATIENCE, wait_timeout=SOON, kill=True)
    report = door.lab.attempt(door.text)
    assert [str(each.step.key) for each in report.failed] == ["create image/made"]
    assert_each_failure_has_its_resource(report)
    assert is_told(report.failed[0].error or ReconcilerError(), "POST /images/create", fault, door.lab.name)
    assert_the_rest_is_done(report)
    door.proxy.calls.clear()
    assert door.attempt().converged
    assert "POST /images/create" not in door.proxy.calls
    assert_one_of_each(door, engine)


def assert_one_of_each(door: Door, engine: Any) -> None:
    """Of all that was made there is one, whatever became of the answers."""
    name = door.lab.name
    names = [each["Names"][0] for each in engine.containers(all=True) if name in each["Names"][0]]
    assert names == [f"/{name}-web"]
    assert [each["Name"] for each in engine.networks() if name in each["Name"]] == [f"{name}-lan"]
    assert [each["Name"] for each in engine.volumes()["Volumes"] if name in each["Name"]] == [f"{name}-data"]
    (image,) = [each for each in engine.images(all=True) if any(name in tag for tag in each["RepoTags"] or ())]
    assert f"{name}/made:1" in image["RepoTags"]
    assert nameless(engine) == door.nameless


SMALL = "volumes: {data: }\nnetworks: {lan: {ipam: {config: [{subnet: 10.233.0.0/24}]}}}\n"
FAULTY: list[tuple[tuple[str, str, Fault], int, str]] = [
    (
        ("apply", "POST /volumes/create", Fault.ERROR),
        1,
        r"failed +create volume/data +volume/data: the proxy says no \(POST",
    ),
    (
        ("apply", "POST /networks/create", Fault.CONFLICT),
        1,
        r"network/lan: the proxy says no \(POST /networks/create: 409\)",
    ),
    (
        ("apply", "POST /networks/create", Fault.HANG),
        1,
        r"network/lan: the engine did not answer within 1 s \(POST /networks",
    ),
    (
        ("apply", "POST /networks/create", Fault.RESET),
        1,
        r"network/lan: the connection to the engine broke .*\(POST /networks",
    ),
    (("apply", "GET /networks", Fault.ERROR), 1, r"error: the proxy says no \(GET /networks: 500\)"),
    (
        ("apply", "GET /volumes", Fault.RESET),
        5,
        r"error: the connection to the engine broke before .* \(GET /volumes\)",
    ),
    (("apply", "GET /_ping", Fault.HANG), 5, r"error: the engine did not answer within 1 s \(GET /_ping\)"),
    (("plan", "GET /volumes", Fault.HALF), 5, r"error: the connection to the engine broke before .* \(GET /volumes\)"),
    (("plan", "GET /_ping", Fault.RESET), 5, r"error: the connection to the engine broke before .* \(GET /_ping\)"),
    (("show", "GET /networks", Fault.DEAF), 5, r"error: the engine did not answer within 1 s \(GET /networks\)"),
    (("ls", "GET /_ping", Fault.RESET), 5, r"error: the connection to the engine broke before .* \(GET /_ping\)"),
    (
        ("destroy", "GET /networks", Fault.LOST),
        5,
        r"error: the connection to the engine broke before .* \(GET /networks\)",
    ),
    (
        ("destroy", "DELETE /networks/ID", Fault.ERROR),
        1,
        r"failed +delete network/lan +network/lan: the proxy says no \(DEL",
    ),
    (
        ("destroy", "DELETE /networks/ID", Fault.HANG),
        1,
        r"network/lan: the engine did not answer within 1 s \(DELETE /netw",
    ),
]


@pytest.mark.parametrize(("what", "code", "says"), FAULTY)
def test_the_command_tells_of_an_engine_that_fails_in_words_and_by_its_exit_code(
    door: Door, what: tuple[str, str, Fault], code: int, says: str
) -> None:
    command, call, fault = what
    if command == "destroy":
        door.text = SMALL
        assert door.attempt().converged
    door.proxy.arm(call, fault, once=False)
    done = commanded(door, command, door.proxy.url)
    assert door.proxy.hit, door.proxy.calls
    assert done.returncode == code, done.stdout + done.stderr
    assert re.search(says, done.stdout + done.stderr), done.stdout + done.stderr
    door.proxy.disarm()


@pytest.mark.parametrize("command", ["apply", "plan", "destroy", "show", "ls"])
@pytest.mark.parametrize("where", ["unix:///nonexistent/docker.sock", "unix://{folder}/deaf.sock", "tcp://127.0.0.1:9"])
def test_an_engine_that_cannot_be_reached_is_exit_5_and_one_line(door: Door, command: str, where: str) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:  # nobody listens there
        deaf.bind(str(door.lab.folder / "deaf.sock"))
        done = commanded(door, command, where.format(folder=door.lab.folder))
    assert done.returncode == 5, done.stdout + done.stderr
    assert re.fullmatch(r"error: no Docker Engine \w+ at \S+: start one.*\n", done.stderr), done.stderr


def commanded(door: Door, command: str, url: str) -> subprocess.CompletedProcess[str]:
    """Run the real command on a small topology; it never ends in a traceback."""
    (door.lab.folder / "topology.yaml").write_text(f"name: {door.lab.name}\n{SMALL}")
    file = ["topology.yaml"] if command != "ls" else []
    more = ["--volumes"] if command == "destroy" else []
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", command, *file, *more, "--engine-timeout", "1s", "--patience", "0.2"],
        cwd=door.lab.folder,
        env={**os.environ, "DOCKER_HOST": url, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done
