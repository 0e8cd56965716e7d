"""What takes its time in a watch - health, completion, a command - holds up the mending of nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from live.boxes import alone, inside, inspect, text
from live.lab import Lab, run
from live.watched import LONG, Watched, is_mended, moment

pytestmark = pytest.mark.live

_A_WHILE = 2.0
VETH = "veth/blue:eth0--red:eth0"
CHECK = {"test": ["CMD", "test", "-e", "/tmp/well"], "interval": "1s", "start_period": "600s"}
WAITS = {
    "db": alone(healthcheck=CHECK),
    "job": alone(state="completed", command=["sh", "-c", "until test -e /tmp/done; do sleep 0.1; done"]),
    "slow": alone(exec=["until test -e /tmp/go; do sleep 0.1; done"]),
    "after": alone(depends_on={"db": {"condition": "service_healthy"}}),
    "last": alone(depends_on={"job": {"condition": "service_completed_successfully"}}),
}
PAIR = {
    "namespaces": {"red": {}, "blue": {}},
    "veths": [["red:eth0 10.66.0.1/30", "blue:eth0 10.66.0.2/30"]],
}
FILE = text(WAITS, **PAIR)


@pytest.fixture
def waiting(image: str, lab: Lab) -> Iterator[Watched]:
    """A watch whose first pass has made all that it can, and waits for three things at once."""
    lab.load(FILE)
    with Watched(lab.folder) as watch:
        watch.until(lambda each: is_mended(each, VETH))
        deadline = time.monotonic() + LONG
        while not all(_runs_well(lab, each) for each in ("db", "job", "slow")):
            assert time.monotonic() < deadline
        yield watch


def _runs_well(lab: Lab, name: str) -> bool:
    """Tell whether a container has run for so long that it is not only seen whether it lives."""
    return _runs(lab, name) and time.time() - moment(inspect(lab, name)["State"]["StartedAt"]) > _A_WHILE


def _runs(lab: Lab, name: str) -> bool:
    return name in run("docker", "ps", "--filter", f"name=^{lab.name}-{name}$", "--format", "{{.Names}}")


def set_mtu(lab: Lab, mtu: int) -> None:
    run("ip", "-n", f"{lab.name}-red", "link", "set", "eth0", "mtu", str(mtu))


def test_health_completion_and_a_command_are_waited_for_beside_all_else(lab: Lab, waiting: Watched) -> None:
    for mtu in (1300, 1200):
        waiting.mends(f"an MTU of {mtu} beside a wait", lambda mtu=mtu: set_mtu(lab, mtu), VETH)  # type: ignore[misc]
    new = text(WAITS, **{**PAIR, "namespaces": {"red": {}, "blue": {}, "green": {}}})
    waiting.mends("the file beside a wait", lambda: lab.load(new), "namespace/green")
    assert not {"after", "last"} & {each for each in WAITS if _runs(lab, each)}
    for name, file in (("slow", "/tmp/go"), ("db", "/tmp/well"), ("job", "/tmp/done")):
        assert inside(lab, name, "touch", file)[0] == 0
    for key in ("exec/slow", "process/after", "process/last"):
        waiting.until(lambda each, key=key: is_mended(each, key))  # type: ignore[misc]
    deadline = time.monotonic() + LONG
    while left := lab.tells(new):
        assert time.monotonic() < deadline, left
    assert [each for each in waiting.words if each["what"] in ("failed", "unsettled", "trouble", "blocked")] == []


def test_what_is_waited_for_and_becomes_impossible_is_told_and_what_waited_done_when_it_is_well(
    lab: Lab, waiting: Watched
) -> None:
    assert "exit code" in _fails(waiting, "process/job", lambda: run("docker", "kill", f"{lab.name}-job"))
    assert "before it was healthy" in _fails(waiting, "process/db", lambda: run("docker", "kill", f"{lab.name}-db"))
    waiting.mends("an MTU beside failures", lambda: set_mtu(lab, 1300), VETH)
    deadline = time.monotonic() + LONG
    while not (_runs(lab, "db") and _runs(lab, "job")):
        assert time.monotonic() < deadline
    for name, file in (("db", "/tmp/well"), ("job", "/tmp/done")):
        assert inside(lab, name, "touch", file)[0] == 0
    for key in ("process/after", "process/last"):
        waiting.until(lambda each, key=key: is_mended(each, key))  # type: ignore[misc]


def _fails(watch: Watched, key: str, act: object) -> str:
    after = len(watch.words)
    assert callable(act)
    act()
    return str(watch.until(lambda each: each["what"] == "failed" and each["key"] == key, after=after)["text"])


def test_a_signal_cuts_all_that_is_waited_for_short(lab: Lab, waiting: Watched) -> None:
    set_mtu(lab, 1300)
    waiting.until(lambda each: is_mended(each, VETH))
    began = time.monotonic()
    assert waiting.end() == 143
    assert time.monotonic() - began < 15
    skipped = {each["key"]: each for each in waiting.words if each["what"] == "skipped"}
    assert {"process/db", "process/job", "process/after"} <= skipped.keys()
    assert "interrupted while it" in skipped["process/db"]["text"]
    assert not any("retry" in each for each in skipped.values())
