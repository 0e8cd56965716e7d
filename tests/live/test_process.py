"""A container's running state: every way from one to another, what ends by itself, and what waits for what."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from live.boxes import Json, R, U, alone, box, inside, inspect, lan, life, text
from live.lab import IMAGE, Lab
from reconciler.errors import Conflict
from reconciler.model import Action

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

WAYS = list(itertools.permutations(("running", "paused", "stopped", "created"), 2))


def test_every_state_is_left_for_every_other(lab: Lab) -> None:
    names = [f"{one}-{other}" for one, other in WAYS]
    before, after = (
        text({name: alone(state=way[side]) for name, way in zip(names, WAYS, strict=True)}) for side in (0, 1)
    )
    lab.apply(before)
    lives = dict(zip(names, life(lab, *names), strict=True))
    told = lab.tells(after)
    lab.apply(after)
    for name, (one, other) in zip(names, WAYS, strict=True):
        was, now = lives[name], life(lab, name)[0]
        if {one, other} == {"created", "stopped"}:
            assert {f"container/{name}", f"process/{name}"}.isdisjoint(told)  # what never ran does not run
        elif other == "created":
            assert told[f"container/{name}"] == (R, frozenset({"state"}))
        else:
            assert told[f"process/{name}"] == (U, frozenset({"state"}))
        assert (now[0] == was[0]) == (other != "created" or one == "stopped")
        assert {one, other} != {"running", "paused"} or now == was


def test_a_container_that_is_to_complete_is_run_once(lab: Lab) -> None:
    file = text({"job": alone(command=["sh", "-c", "sleep 0.3; echo done"], state="completed")})
    lab.apply(file)
    before = life(lab, "job")
    lab.apply(file)
    assert life(lab, "job") == before
    lab.apply(text({"job": alone(command=["sh", "-c", "sleep 0.3; echo done"], state="created")}))
    lab.apply(file)
    assert inspect(lab, "job")["State"]["ExitCode"] == 0


def test_a_job_that_fails_is_told_with_its_code_and_log(lab: Lab) -> None:
    file = text({"job": alone(command=["sh", "-c", "sleep 0.2; echo out of luck; exit 7"], state="completed")})
    report = lab.attempt(file)
    said = str(report.failed[0].error)
    assert said.startswith("process/job: it failed, with exit code 7")
    assert "| out of luck" in said
    assert [str(each.key) for each in report.remaining] == ["process/job"]


def test_a_job_that_fails_is_waited_for_while_the_engine_tries_again(lab: Lab) -> None:
    again = alone(command=["sh", "-c", "[ -e /x ] && exit 0; touch /x; exit 3"], state="completed")
    lab.apply(text({"job": again | {"restart": "on-failure:3"}}))
    assert inspect(lab, "job")["RestartCount"] == 1
    lab.apply("")
    never = alone(command=["sh", "-c", "exit 3"], state="completed", restart="on-failure:2")
    report = lab.attempt(text({"job": never}))
    assert "process/job: it failed, with exit code 3" in str(report.failed[0].error)
    assert inspect(lab, "job")["RestartCount"] == 2


def test_a_container_that_ends_at_once_is_a_failure_with_a_way_out(lab: Lab) -> None:
    entries = {
        "shell": alone(command=["sh"]),
        "short": alone(command=["true"]),
        "broken": alone(command=["sh", "-c", "echo no such luck >&2; exit 3"]),
        "fine": alone(),
        "behind": alone(depends_on=["broken"]),
    }
    report = lab.attempt(text(entries))
    said = {str(each.step.key.key): str(each.error) for each in report.failed}
    assert set(said) == {"process/shell", "process/short", "process/broken"}
    assert "declare `tty` and `stdin_open`" in said["process/shell"]
    assert "state: completed" in said["process/short"]
    assert "exit code 3" in said["process/broken"]
    assert "| no such luck" in said["process/broken"]
    skipped = {str(each.step.key.key): str(each.cause) for each in report.outcomes if each.cause}
    assert skipped == {"process/behind": "create process/broken"}
    assert inspect(lab, "fine")["State"]["Running"]
    lab.apply(
        text(
            {**entries, "shell": alone(command=["sh"], tty=True, stdin_open=True), "short": alone(), "broken": alone()}
        )
    )


def test_a_container_that_ends_again_and_again_is_told_until_it_lives(lab: Lab) -> None:
    lab.host.trial = 2.5
    script = "sleep 0.7; test -e /shared/go && exec sleep 1000; echo no way; exit 3"
    check = {"test": ["CMD", "true"], "interval": "1200ms"}
    entries = {
        "flaky": alone(command=["sh", "-c", script], restart="always", volumes=["shared:/shared"]),
        "calm": alone(healthcheck=check, volumes=["shared:/shared"]),
    }
    file = text(entries, volumes={"shared": {}})
    report = lab.attempt(file)
    assert not report.failed
    assert [str(each.key) for each in report.remaining] == ["process/flaky"]
    before = life(lab, "calm")
    said = str(lab.attempt(file).failed[0].error)
    assert said.startswith("process/flaky: it ends again and again, with exit code 3: ")
    assert "  | no way" in said
    assert inside(lab, "calm", "touch", "/shared/go")[0] == 0
    lab.apply(file)
    assert life(lab, "calm") == before


def test_it_is_the_engine_s_clock_by_which_a_container_has_lived(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.host.trial = 1
    script = "test -e /tmp/ran && exec sleep 1000; touch /tmp/ran; sleep 0.7; exit 1"
    file = text({"once": alone(command=["sh", "-c", script], restart="always")})
    lab.attempt(file)
    while (found := inspect(lab, "once"))["RestartCount"] == 0 or found["State"]["Status"] != "running":
        time.sleep(0.05)
    lab.apply(file)
    assert inspect(lab, "once")["RestartCount"] == 1
    behind = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: behind)
    assert lab.tells(file) == {}


def _late_as_at_once(said: str) -> str:
    """An engine that has much to do tells of an end when its start is watched no more."""
    return said.replace("it has ended since its start", "it ends right after its start")


def test_a_death_without_a_word_reads_as_a_sentence(lab: Lab) -> None:
    report = lab.attempt(text({"short": alone(command=["true"])}))
    assert _late_as_at_once(str(report.failed[0].error)) == (
        "process/short: it ends right after its start, with exit code 0 and without a word in its log: "
        "its command has come to its end: give it one that goes on, or declare `state: completed`"
    )


def test_a_death_is_told_where_there_is_no_log_to_read(lab: Lab) -> None:
    report = lab.attempt(text({"short": alone(command=["sh", "-c", "exit 3"], logging={"driver": "none"})}))
    said = _late_as_at_once(str(report.failed[0].error))
    assert said.startswith("process/short: it ends right after its start, with exit code 3: see its command")
    assert "; its log cannot be read: configured logging driver does not support reading" in said


@pytest.mark.parametrize("script", ["sleep 1.5", "exit 0"])
def test_the_end_of_an_external_is_waited_for(lab: Lab, script: str) -> None:
    with external_job(lab, script) as file:
        lab.apply(file)
        ended = datetime.fromisoformat(job_of(lab)["State"]["FinishedAt"][:23])
        assert moment(lab, "after", "StartedAt") > ended
        assert job_of(lab)["State"]["Status"] == "exited"


def test_an_external_that_fails_is_told_by_its_own_name(lab: Lab) -> None:
    with external_job(lab, "echo out of luck; exit 7") as file:
        report = lab.attempt(file)
        assert str(report.failed[0].error).startswith("process/job: it failed, with exit code 7: ")
        assert "container/after" not in {str(each.step.key.key) for each in report.failed}
        assert not inspect(lab, "after")["State"]["Running"]


@contextmanager
def external_job(lab: Lab, script: str) -> Iterator[str]:
    """A container of somebody else's that runs a script, and a file in which another waits for its end."""
    api, name = lab.host.engine.api, f"{lab.name}-theirs"
    made = api.create_container_from_config({"Image": IMAGE, "Cmd": ["sh", "-c", script]}, name)["Id"]
    try:
        api.start(made)
        waits = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
        yield text({"job": {"external": True, "container_name": name}, "after": alone(**waits)})
    finally:
        api.remove_container(made, force=True)


def job_of(lab: Lab) -> Json:
    found: Json = lab.host.engine.api.inspect_container(f"{lab.name}-theirs")
    return found


def test_what_a_hand_stops_pauses_or_kills_is_brought_back_without_touching_others(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({name: alone() for name in ("a", "b", "c", "calm")})
    lab.apply(file)
    before = life(lab, "calm")
    api.stop(f"{lab.name}-a")
    api.pause(f"{lab.name}-b")
    api.kill(f"{lab.name}-c")
    told = lab.tells(file)
    assert told == {f"process/{name}": (U, frozenset({"state"})) for name in "abc"}
    lab.apply(file)
    assert life(lab, "calm") == before


def test_a_restart_by_hand_of_a_plain_container_is_no_drift(lab: Lab) -> None:
    file = text({"box": alone()})
    lab.apply(file)
    lab.host.engine.api.restart(f"{lab.name}-box", timeout=0)
    assert lab.tells(file) == {}


def test_who_shares_a_network_namespace_is_restarted_with_its_owner(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"owner": box(networks=["lan"]), "guest": alone(network_mode="service:owner")}
    file = text(entries, networks={"lan": lan("10.230.96.0/24")})
    lab.apply(file)
    assert "10.230.96." in inside(lab, "guest", "ip", "addr")[1]
    lab.host.engine.api.restart(f"{lab.name}-owner", timeout=0)
    before = life(lab, "owner")
    lab.drifted(file, "process/guest", Action.REPLACE, "network_lost")
    assert life(lab, "owner") == before
    assert "10.230.96." in inside(lab, "guest", "ip", "addr")[1]
    lab.host.engine.api.kill(f"{lab.name}-owner")
    lab.drifted(file, "process/owner", Action.UPDATE, "state")
    assert "10.230.96." in inside(lab, "guest", "ip", "addr")[1]
    changed = {**entries, "owner": box(networks=["lan"], labels={"a": "b"})}
    file = text(changed, networks={"lan": lan("10.230.96.0/24")})
    lab.apply(file)
    assert "10.230.96." in inside(lab, "guest", "ip", "addr")[1]
    found = lab.host.engine.containers.find

    def started_before_the_clock_was_set_back(name: str) -> Json | None:
        inspected = found(name)
        if inspected and inspected["Name"].endswith("-owner"):
            inspected["State"]["StartedAt"] = "2999-01-01T00:00:00Z"
        return inspected

    monkeypatch.setattr(lab.host.engine.containers, "find", started_before_the_clock_was_set_back)
    assert lab.tells(file) == {}


def test_who_shares_a_network_by_way_of_another_has_it_as_long_as_its_owner_runs(lab: Lab) -> None:
    entries = {
        "owner": box(),
        "guest": alone(network_mode="service:owner"),
        "late": alone(network_mode="service:guest"),
    }
    file, api = text(entries), lab.host.engine.api
    lab.apply(file)
    api.restart(f"{lab.name}-guest", timeout=0)
    assert lab.tells(file) == {}
    before = life(lab, "owner", "late")
    api.kill(f"{lab.name}-guest")
    lab.drifted(file, "process/guest", Action.UPDATE, "state")
    assert life(lab, "owner", "late") == before
    api.restart(f"{lab.name}-owner", timeout=0)
    lost = (R, frozenset({"network_lost"}))
    assert lab.tells(file) == {"process/guest": lost, "process/late": lost}
    lab.apply(file)


def test_who_shares_the_network_of_a_container_that_is_not_declared_is_restarted_with_it(lab: Lab) -> None:
    api, name = lab.host.engine.api, f"{lab.name}-foreign"
    config = {"Image": box()["image"], "Cmd": ["sleep", "1000"], "HostConfig": {"Init": True}}
    made = api.create_container_from_config(config, name)["Id"]
    try:
        api.start(made)
        file = text({"guest": alone(network_mode=f"container:{name}")})
        lab.apply(file)
        assert "eth0" in inside(lab, "guest", "ip", "addr")[1]
        api.restart(made, timeout=0)
        lab.drifted(file, "process/guest", Action.REPLACE, "network_lost")
        assert "eth0" in inside(lab, "guest", "ip", "addr")[1]
        before = life(lab, "guest")
        api.stop(made, timeout=0)
        with pytest.raises(Conflict, match=f"^process/guest: network_mode: the container '{name}' does not run"):
            lab.attempt(file)
        api.remove_container(made, force=True)
        with pytest.raises(Conflict, match=f"^container/guest: network_mode: there is no container '{name}'"):
            lab.attempt(file)
        made = api.create_container_from_config(config, name)["Id"]
        with pytest.raises(Conflict, match=f"^container/guest: network_mode: the container '{name}' does not run"):
            lab.attempt(file)
        assert life(lab, "guest") == before
        api.start(made)
        lab.apply(file)
    finally:
        api.remove_container(made, force=True)


def moment(lab: Lab, name: str, field: str) -> datetime:
    return datetime.fromisoformat(inspect(lab, name)["State"][field][:23])


def test_dependencies_are_waited_for_until_their_condition_holds(lab: Lab) -> None:
    shared = {"volumes": ["shared:/shared"]}
    check = {"test": ["CMD", "test", "-e", "/shared/ready"], "interval": "100ms", "retries": 100}
    conditions = {"db": {"condition": "service_healthy"}, "job": {"condition": "service_completed_successfully"}}
    entries = {
        "a": alone(command="sh -c 'cd /shared && test -e ready -a -e done && sleep 1000'", **shared),
        "db": alone(command="sh -c 'sleep 0.7; touch /shared/ready; sleep 1000'", healthcheck=check, **shared),
        "job": alone(command="sh -c 'sleep 0.5; touch /shared/done'", depends_on=["first"], **shared),
        "first": alone(),
    }
    file = text({**entries, "a": {**entries["a"], "depends_on": conditions}}, volumes={"shared": {}})
    lab.apply(file)
    assert moment(lab, "job", "StartedAt") > moment(lab, "first", "StartedAt")
    assert lab.live(file, "process/db")["health"] == "healthy"
    # An order that only tells who starts before whom is no difference to what runs.
    more = {**conditions, "first": {"condition": "service_started", "required": True, "restart": False}}
    assert lab.tells(text({**entries, "a": {**entries["a"], "depends_on": more}}, volumes={"shared": {}})) == {}
    lab.apply(text({**entries, "a": {**entries["a"], "depends_on": more}}, volumes={"shared": {}}))


def test_what_gets_unhealthy_or_never_healthy_is_told_with_the_check_s_last_word(lab: Lab) -> None:
    check = {"test": "echo broken inside; exit 4", "interval": "100ms", "retries": 2}
    report = lab.attempt(text({"sick": alone(healthcheck=check)}))
    said = str(report.failed[0].error)
    assert said.startswith("process/sick: it is unhealthy")
    assert "exit code 4" in said
    assert "| broken inside" in said
    lab.host.wait_timeout = 0.5
    slow = {"test": ["CMD", "true"], "interval": "30s"}
    report = lab.attempt(text({"slow": alone(healthcheck=slow)}))
    assert "is not healthy after 0.5 s" in str(report.failed[0].error)
    report = lab.attempt(text({"a": alone(depends_on={"b": {"condition": "service_healthy"}}), "b": alone()}))
    assert "it has no healthcheck" in str(report.failed[0].error)
    lab.apply(text({"unchecked": alone(healthcheck={"interval": "1s"})}))
    lab.host.wait_timeout = 60
    report = lab.attempt(text({"dies": alone(command=["sleep", "2"], healthcheck=slow)}))
    assert "ended before it was healthy, with exit code 0" in str(report.failed[0].error)


def test_a_paused_container_is_healthy_once_its_checks_go_on(lab: Lab) -> None:
    check = {"test": "test -e /tmp/well", "interval": "300ms", "retries": 2}
    file = text({"box": alone(command="sh -c 'touch /tmp/well; sleep 1000'", healthcheck=check)})
    lab.apply(file)
    lab.host.engine.api.pause(f"{lab.name}-box")
    assert inspect(lab, "box")["State"]["Health"]["Status"] == "unhealthy"
    lab.drifted(file, "process/box", Action.UPDATE, "state")
    inside(lab, "box", "rm", "/tmp/well")
    lab.host.engine.api.pause(f"{lab.name}-box")
    assert "it is unhealthy" in str(lab.attempt(file).failed[0].error)


def test_replacing_a_container_waits_as_long_as_it_takes_to_stop(lab: Lab) -> None:
    script = "trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done"
    lab.apply(text({"box": alone(init=None, command=["sh", "-c", script])}))
    lab.host.kill = False
    before = life(lab, "box")
    lab.apply(text({"box": alone(init=None, command=["sh", "-c", script], labels={"a": "b"})}))
    assert life(lab, "box") != before


def test_a_paused_container_is_stopped_and_removed(lab: Lab) -> None:
    lab.host.kill = False
    lab.apply(text({"box": alone(state="paused")}))
    lab.apply(text({"box": alone(state="stopped")}))
    lab.apply(text({"box": alone(state="paused")}))
    lab.apply(text({}))


def test_what_is_live_of_a_process_is_told(lab: Lab) -> None:
    file = text({"box": alone()})
    lab.apply(file)
    live, state = lab.live(file, "process/box"), inspect(lab, "box")["State"]
    assert (live["pid"], live["started_at"]) == (state["Pid"], state["StartedAt"])
