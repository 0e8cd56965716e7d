"""An engine that fails: each call of a mixed apply in turn, in each of the ways in which calls fail."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import networkx
import pytest

from live.lab import Lab, busybox_tar
from live.proxy import CARRIED_OUT, SAYS, STATUSES, Fault, Proxy
from reconciler.errors import ReconcilerError
from reconciler.host import DEFAULT_ENGINE, Host
from reconciler.kinds import kinds
from reconciler.model import Report, Status

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("untouched")]

MANY = bool(os.environ.get("RECONCILER_TEST_ALL"))
SAMPLE = len(Fault)
ENGINE_TIMEOUT, PATIENCE = 4.0, 0.7
Case = tuple[str, Fault]

TEXT = """
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
namespaces: {red: , far: }
veths:
  - [node:eth0 10.235.0.1/30, red:eth0 10.235.0.2/30]
  - [far:eth0 10.235.1.1/30, red:eth1 10.235.1.2/30]
"""


class Door:
    """A lab whose engine is behind a proxy."""

    def __init__(self, lab: Lab, proxy: Proxy, nameless: list[str]) -> None:
        """`nameless` are the images without a name that the engine has before."""
        self.lab, self.proxy, self.nameless = lab, proxy, nameless
        self.text = TEXT.replace("LAB", lab.name)

    def attempt(self, engine_timeout: float = ENGINE_TIMEOUT) -> Report:
        """Apply through the proxy, over a new connection, as every run of the command has."""
        self.lab.host = Host(
            engine_url=self.proxy.url, engine_timeout=engine_timeout, patience=PATIENCE, wait_timeout=60, kill=True
        )
        return self.lab.attempt(self.text)


@pytest.fixture
def door(lab: Lab, engine: Any) -> Iterator[Door]:
    (lab.folder / "busybox.tar").write_bytes(busybox_tar())
    direct = lab.host
    url = os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE
    with Proxy(url, lab.folder, lambda call: call.replace(lab.name, "LAB")) as proxy:
        yield Door(lab, proxy, nameless(engine))
    lab.host = direct


def nameless(engine: Any) -> list[str]:
    return sorted(each["Id"] for each in engine.images(all=True, filters={"dangling": True}))


ENDLESS = ("/events", "/wait")
"""A slow answer is handed on when it is whole, which these are not for as long as anything runs."""


def heard(door: Door) -> list[str]:
    """The calls of an apply that goes well, each once, in order."""
    door.proxy.arm("", Fault.SLOW, once=True)
    assert door.attempt().converged
    return list(dict.fromkeys(door.proxy.calls))


def cases(calls: Sequence[str], seed: int) -> list[Case]:
    """Every call with every fault, or a sample of them that has each fault."""
    every = [
        (call, fault) for call in calls for fault in Fault if fault is not Fault.SLOW or not call.endswith(ENDLESS)
    ]
    if MANY:
        return every
    chance = random.Random(seed)
    chosen = [chance.choice([each for each in every if each[1] is fault]) for fault in Fault]
    return [*chosen, *chance.sample(every, SAMPLE - len(chosen))]


def test_each_call_that_fails_is_named_and_the_next_apply_finishes(door: Door, pytestconfig: pytest.Config) -> None:
    calls = heard(door)
    assert len(calls) > 25, calls
    wrong = []
    for call, fault in cases(calls, int(pytestconfig.option.hypothesis_seed)):
        assert door.lab.destroy().converged
        try:
            goes_wrong(door, call, fault)
        except AssertionError as error:
            wrong.append(f"{call}: {fault}: {error}")
    assert wrong == []


def goes_wrong(door: Door, call: str, fault: Fault) -> None:
    """Let a call fail, see what is said of it and what is done besides, and that the next apply finishes."""
    reads = call.startswith("GET")
    door.proxy.arm(call, fault, once=not reads)
    errors, report = attempted(door)
    sent = list(door.proxy.calls)
    door.proxy.disarm()
    assert door.proxy.hit, "it was not called"
    if errors:
        assert fault is not Fault.SLOW, errors
        assert all(is_told(each, call, fault, door.lab.name) for each in errors), list(map(str, errors))
        assert {each.exit_code for each in errors} <= {1, 5}
    if report:
        assert_each_failure_has_its_resource(report)
        assert_the_rest_is_done(report)
        assert bool(errors) != report.converged, report.remaining
    else:
        assert reads, "what is written is of a step, and the step is of a report"
    if fault in CARRIED_OUT and not reads:
        assert sent.count(call) <= expected(call), "it was sent twice"
    again = door.attempt()
    assert again.converged, [str(each.error) for each in again.failed]
    assert door.attempt().outcomes == ()


def attempted(door: Door) -> tuple[list[ReconcilerError], Report | None]:
    """Apply; what went wrong before the first step is an error as well."""
    try:
        report = door.attempt()
    except ReconcilerError as error:
        return [error], None
    return [*(each.error for each in report.failed if each.error), *report.unseen], report


def assert_each_failure_has_its_resource(report: Report) -> None:
    """A step's error begins with the key; what a look did not get to see still differs, by its key, for all we know."""
    for each in report.failed:
        assert str(each.error).startswith(f"{each.step.key.key}: "), str(each.error)
    if report.unseen:
        remaining = {each.key for each in report.remaining}
        unseen = {each.kind for each in remaining if "engine" in kinds()[each.kind].uses}
        assert unseen
        assert {each.key for each in report.plan.changes.pending if each.key.kind in unseen} <= remaining


def is_told(error: ReconcilerError, call: str, fault: Fault, name: str) -> bool:
    """Tell whether an error names the call and the cause, in words of ours."""
    said = re.sub(r"\b(sha256:)?[0-9a-f]{64}\b", "ID", str(error)).replace(name, "LAB")
    cause = SAYS if fault in STATUSES else r"the engine (did not answer|was silent)|the connection to the engine broke"
    return bool(call in said and re.search(cause, said))


def expected(call: str) -> int:
    """How often a call is sent at most: once for each thing it is about, and what may be done again twice."""
    if call in ("POST /volumes/create", "POST /images/ID/tag") or call.endswith("/exec"):
        return 4
    return 2 if call == "POST /networks/create" else 1


def assert_the_rest_is_done(report: Report) -> None:
    """What does not depend on a failed step is done."""
    graph, failed = report.plan.graph, [each.step.key for each in report.failed]
    behind = {key for each in failed for key in networkx.descendants(graph, each)}
    for each in report.outcomes:
        if each.step.key not in failed:
            wanted = {Status.SKIPPED} if each.step.key in behind else {Status.DONE, Status.UNCHANGED}
            assert each.status in wanted, (each.step.key, each.status)


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
    (("apply", "GET /version", Fault.HANG), 5, r"error: the engine did not answer within 1 s \(GET /version\)"),
    (("plan", "GET /volumes", Fault.HALF), 5, r"error: the connection to the engine broke before .* \(GET /volumes\)"),
    (("plan", "GET /version", Fault.RESET), 5, r"error: the connection to the engine broke before .* \(GET /version\)"),
    (("show", "GET /networks", Fault.DEAF), 5, r"error: the engine did not answer within 1 s \(GET /networks\)"),
    (("ls", "GET /version", Fault.RESET), 5, r"error: the connection to the engine broke before .* \(GET /version\)"),
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
