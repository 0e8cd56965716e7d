"""Running a plan."""

from __future__ import annotations

import queue
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from entries import Entries, host_with, topology
from memory import KINDS, MemoryHost

from reconciler import reconcile
from reconciler.errors import Interrupted, ReconcilerError, StepFailed
from reconciler.execute import execute
from reconciler.host import Host
from reconciler.kinds.base import Kind, Later, Result
from reconciler.kinds.effects import one_by_one
from reconciler.model import (
    Action,
    Change,
    Changes,
    Outcome,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
)

Effect = Callable[[Host, Sequence[Step]], Iterator[Result]]


def done(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
    yield from [Status.DONE] * len(steps)


class Doing(Kind):
    """Does what the test says, whatever the verb."""

    name = "doing"
    spec = Spec

    def __init__(self, effect: Effect = done, batch: int = 1) -> None:
        self.create = self.wait = effect  # type: ignore[method-assign,assignment]
        self.size = batch

    @property
    def batch(self) -> int:  # type: ignore[override]
        return self.size


def step(name: str, verb: Verb = Verb.CREATE) -> Step:
    key = ResourceKey("doing", name)
    return Step(StepKey(key, verb), Change(key, Action.CREATE, desired=Resource(key, Spec())))


def planned(*names: str, verb: Verb = Verb.CREATE, edges: str = "") -> Plan:
    """A plan of these steps; `edges` is like "ab bc"."""
    steps = {each.key: each for each in (step(name, verb) for name in names)}
    successors: dict[StepKey, list[StepKey]] = defaultdict(list)
    for edge in sorted(edges.split()):
        successors[step(edge[0], verb).key].append(step(edge[1], verb).key)
    return Plan(Changes(Topology("t"), Topology("t"), MappingProxyType({})), steps, successors)


def run(plan: Plan, effect: Effect = done, *, batch: int = 1, **options: Any) -> Report:
    return execute(plan, Host(), kinds={"doing": Doing(effect, batch)}, **options)


def became(report: Report) -> dict[str, Status]:
    return {each.step.key.key.name: each.status for each in report.outcomes}


def test_an_empty_plan_has_an_empty_report() -> None:
    assert run(planned()).outcomes == ()


def test_outcomes_are_in_the_order_of_the_plan_and_know_their_time() -> None:
    report = run(planned("a", "b", "c", edges="ca"))
    assert [each.step.key.key.name for each in report.outcomes] == ["b", "c", "a"]
    assert all(each.seconds >= 0 for each in report.outcomes)
    assert report.converged


def test_steps_run_at_the_same_time_but_no_more_than_jobs() -> None:
    barrier = threading.Barrier(3)
    running, most = set[int](), [0]

    def meet(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        running.add(threading.get_ident())
        most.append(len(running))
        barrier.wait(10)
        running.discard(threading.get_ident())
        barrier.wait(10)
        yield Status.DONE

    assert run(planned(*"abcdef"), meet, jobs=3).converged
    assert max(most) == 3


def test_who_waits_for_a_step_looks_up_now_and_then_to_hear_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = threading.Event()

    class Watched(queue.SimpleQueue[Any]):
        def get(self, *arguments: Any, **options: Any) -> Any:
            try:
                return super().get(*arguments, **options)
            finally:
                looked_up.set()

    def until_then(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield Status.DONE if looked_up.wait(10) else StepFailed("nobody looked up")

    monkeypatch.setattr(queue, "SimpleQueue", Watched)
    assert run(planned("a"), until_then).converged


def test_waits_take_no_job_from_those_that_work() -> None:
    came = threading.Event()

    def wait_or_work(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        if steps[0].verb is Verb.WAIT:
            assert came.wait(10)
            yield Status.DONE
        else:
            yield Later(came.set)

    waits, works = planned(*map(str, range(200)), verb=Verb.WAIT), planned("z")
    both = Plan(works.changes, {**waits.steps, **works.steps})
    assert run(both, wait_or_work, jobs=1).converged


@pytest.mark.parametrize(
    ("batch", "room", "sizes"),
    [(1, 9, [1] * 7), (3, 9, [3, 3, 1]), (100, 9, [7]), (100, 4, [4, 3])],
)
def test_a_kind_gets_up_to_its_batch_of_ready_steps_at_once(
    monkeypatch: pytest.MonkeyPatch, batch: int, room: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(sys.modules[execute.__module__], "steps_at_once", {8: room}.__getitem__)
    found: list[int] = []

    def count(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        found.append(len(steps))
        yield from done(host, steps)

    assert run(planned(*"abcdefg"), count, batch=batch).converged
    assert found == sizes


def test_what_is_left_of_a_step_is_waited_for_without_a_job_and_then_worked_on_with_one() -> None:
    together, working = threading.Barrier(3), threading.Lock()

    def work() -> Status:
        assert working.acquire(blocking=False), "two worked at once"
        working.release()
        return Status.UNCHANGED

    def wait() -> None:
        together.wait(10)

    def begin(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield Later(wait, work)

    assert became(run(planned("a", "b", "c"), begin, jobs=1)) == dict.fromkeys("abc", Status.UNCHANGED)


@pytest.mark.parametrize("at", ["wait", "work"])
def test_what_is_left_of_a_step_can_fail_as_well(at: str) -> None:
    def fail() -> Any:
        raise ValueError("too late")

    def begin(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        (each,) = steps
        yield (Later(fail) if at == "wait" else Later(lambda: None, fail)) if each.key.key.name == "a" else Status.DONE

    report = run(planned("a", "b", "c", edges="ab"), begin)
    assert became(report) == {"a": Status.FAILED, "b": Status.SKIPPED, "c": Status.DONE}
    assert [str(each.error) for each in report.failed] == ["ValueError: too late"]


def test_what_no_wait_may_catch_ends_the_run() -> None:
    def begin(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield Later(lambda: sys.exit(3))

    with pytest.raises(SystemExit):
        run(planned("a"), begin)


def test_what_is_left_of_a_step_fails_in_the_name_of_its_key() -> None:
    def fail() -> Any:
        raise ValueError("too late")

    (result,) = one_by_one(Host(), [step("a")], lambda *_: Later(fail, fail))
    assert isinstance(result, Later)
    for act in (result.wait, result.work):
        with pytest.raises(StepFailed, match=r"^doing/a: ValueError: too late$"):
            act()


def test_what_was_interrupted_says_so_with_its_key_in_front() -> None:
    def act(*_: object) -> Result:
        raise Interrupted("`sleep 9` was cut short")

    (found,) = one_by_one(Host(), [step("a")], act)
    assert isinstance(found, Interrupted)
    assert str(found) == "doing/a: `sleep 9` was cut short"


def test_a_failure_skips_what_waits_for_it_with_its_cause_and_nothing_else() -> None:
    def fail_b(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield StepFailed("b: no") if steps[0].key.key.name == "b" else Status.DONE

    report = run(planned(*"abcdefg", edges="bc cd de ag fd be"), fail_b)
    assert became(report) == {
        "a": Status.DONE,
        "b": Status.FAILED,
        "c": Status.SKIPPED,
        "d": Status.SKIPPED,
        "e": Status.SKIPPED,
        "f": Status.DONE,
        "g": Status.DONE,
    }
    assert {str(each.cause) for each in report.outcomes if each.cause} == {"create doing/b"}
    assert [str(each.error) for each in report.failed] == ["b: no"]


def test_what_was_yielded_before_an_exception_counts() -> None:
    def half(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield Status.DONE
        raise PermissionError(1, "not you")

    report = run(planned(*"abc"), half, batch=3)
    assert became(report) == {"a": Status.DONE, "b": Status.FAILED, "c": Status.FAILED}
    assert all("run as root" in str(each.error) for each in report.failed)


@pytest.mark.parametrize("results", [0, 1, 5])
def test_a_kind_that_tells_too_few_or_too_many_results_does_not_hang(results: int) -> None:
    def tell(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield from [Status.DONE] * results

    report = run(planned(*"abc"), tell, batch=3)
    assert list(became(report).values()) == [Status.DONE] * min(results, 3) + [Status.FAILED] * (3 - min(results, 3))
    assert all("told no result" in str(each.error) for each in report.failed)


def test_what_no_step_may_catch_ends_the_run_and_stops_the_others() -> None:
    stop = threading.Event()

    def end(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        if steps[0].key.key.name == "a":
            raise SystemExit(7)
        assert stop.wait(10)
        yield Status.DONE

    with pytest.raises(SystemExit):
        run(planned(*"abc"), end, jobs=2, stop=stop)


@pytest.mark.parametrize("when", ["started", "ended"])
def test_what_a_callback_raises_ends_the_run_and_leaves_the_host_as_good_as_before(when: str) -> None:
    host, desired = MemoryHost(), topology({"box/a": {}, "box/b": {}})

    def raising(_: object) -> None:
        raise ValueError("of the caller")

    with pytest.raises(ValueError, match="of the caller"):
        reconcile.apply(desired, host, kinds=KINDS, progress=reconcile.Progress(**{when: raising}))
    assert reconcile.apply(desired, host, kinds=KINDS).converged


def test_a_stop_that_came_before_what_a_callback_raises_is_in_force_after_that() -> None:
    host = MemoryHost()

    def raising(_: Step) -> None:
        host.stop.set()
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        reconcile.apply(topology({"box/a": {}}), host, kinds=KINDS, progress=reconcile.Progress(started=raising))
    assert host.stop.is_set()


def test_a_stop_lets_running_steps_end_and_starts_no_more() -> None:
    stop, more, started = threading.Event(), threading.Event(), list[str]()

    def start(step: Step) -> None:
        started.append(step.key.key.name)
        if len(started) > 1:
            more.set()

    def stopping(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        more.wait(0.1)  # time enough to start what is ready as well, were there a job for it
        stop.set()
        yield Status.DONE

    report = run(planned(*"abc", edges="ab"), stopping, jobs=1, stop=stop, on_start=start)
    assert started == ["a"]
    assert became(report) == {"a": Status.DONE, "b": Status.SKIPPED, "c": Status.SKIPPED}
    assert [each.cause for each in report.outcomes] == [None] * 3


def test_what_was_carried_is_done_though_a_stop_came_meanwhile() -> None:
    host = host_with({})

    def stop(_: Step) -> None:
        host.stop.set()

    progress = reconcile.Progress(started=stop)
    desired = topology({"box/a": {}, "part/a1": {"stands_on": ["box/a"]}, "part/a2": {"stands_on": ["box/a"]}})
    report = reconcile.apply(desired, host, kinds=KINDS, progress=progress)
    assert {str(each.step.key): each.status for each in report.outcomes} == {
        "create box/a": Status.DONE,
        "create part/a1": Status.DONE,
        "create part/a2": Status.SKIPPED,
    }
    assert [str(each.key) for each in report.remaining] == ["part/a2"]


def test_kinds_take_turns() -> None:
    order: list[str] = []

    def note(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        order.append(steps[0].key.key.kind)
        yield Status.DONE

    some = planned("a", "b")
    others = {
        StepKey(ResourceKey("other", name), Verb.CREATE): Step(
            StepKey(ResourceKey("other", name), Verb.CREATE), step(name).change
        )
        for name in "ab"
    }
    plan = Plan(some.changes, {**some.steps, **others})
    execute(plan, Host(), kinds={"doing": Doing(note), "other": Doing(note)}, jobs=1)
    assert order == ["doing", "other"] * 2


def test_the_callbacks_come_from_the_callers_thread_start_before_outcome() -> None:
    told: list[tuple[str, str, int]] = []

    def started(each: Step) -> None:
        told.append(("start", each.key.key.name, threading.get_ident()))

    def ended(each: Outcome) -> None:
        told.append((each.status, each.step.key.key.name, threading.get_ident()))

    run(planned("a", "b", edges="ab"), on_start=started, on_outcome=ended)
    here = threading.get_ident()
    assert told == [("start", "a", here), ("done", "a", here), ("start", "b", here), ("done", "b", here)]


def test_a_callback_that_raises_ends_the_run() -> None:
    def broken(_: Outcome) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(planned(*"ab"), on_outcome=broken)


def test_thousands_of_steps_are_run() -> None:
    names = [f"{number:04}" for number in range(3000)]
    assert run(planned(*names)).converged


def test_a_wide_failure_is_settled_at_once() -> None:
    def fail(host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        yield StepFailed("no")

    names = [f"{number:04}" for number in range(3000)]
    wide = replace(planned("a", *names), successors={step("a").key: [step(name).key for name in names]})
    assert len(run(wide, fail).outcomes) == 3001


# over the world in memory


def applied(before: Entries, desired: Entries, **failing: Mapping[str, Any]) -> tuple[dict[str, Status], MemoryHost]:
    host = host_with(before)
    host.world.unhealthy = {ResourceKey.of(each) for each in failing.get("unhealthy", ())}
    report = reconcile.apply(topology(desired), host, kinds=KINDS)
    return {str(each.step.key): each.status for each in report.outcomes}, host


IMAGE: Entries = {"image/a": {"inputs": "x"}, "box/a": {"stands_on": ["image/a"]}, "part/a1": {"stands_on": ["box/a"]}}


def test_what_comes_out_unchanged_makes_the_rest_unneeded() -> None:
    found, host = applied(IMAGE, {**IMAGE, "image/a": {"inputs": "x,"}})
    assert found == {
        "create image/a": Status.UNCHANGED,
        "delete image/a": Status.UNCHANGED,
        "delete box/a": Status.NOT_NEEDED,
        "create box/a": Status.NOT_NEEDED,
        "delete part/a1": Status.NOT_NEEDED,
        "create part/a1": Status.NOT_NEEDED,
    }
    assert {str(each) for each in host.world.log} == {"create image/a", "delete image/a"}


def test_what_comes_out_changed_carries_on_and_sends_nothing_for_what_is_carried() -> None:
    found, host = applied(IMAGE, {**IMAGE, "image/a": {"inputs": "y"}})
    assert set(found.values()) == {Status.DONE}
    assert [str(each) for each in host.world.log] == [
        "create image/a",
        "delete box/a",
        "create box/a",
        "delete image/a",
    ]


def test_nobody_waits_for_what_is_not_needed() -> None:
    desired: Entries = {
        "image/a": {"inputs": "x,"},
        "box/a": {"stands_on": ["image/a"], "ready": "healthy"},
        "box/b": {"stands_on": ["image/a"], "after": {"box/a": "healthy"}},
    }
    before = {**desired, "image/a": {"inputs": "x"}}
    found, _ = applied(before, desired, unhealthy=["box/a"])  # type: ignore[arg-type]
    assert found["wait box/a (healthy)"] is Status.NOT_NEEDED


def test_but_what_comes_after_it_waits_for_what_is_as_it_was() -> None:
    before: Entries = {"image/a": {"inputs": "x"}, "box/a": {"stands_on": ["image/a"]}}
    desired: Entries = {**before, "image/a": {"inputs": "x,"}, "leaf/b": {"after": {"box/a": "healthy"}}}
    found, _ = applied(before, desired)
    assert found["wait box/a (healthy)"] is Status.DONE
    found, _ = applied(before, desired, unhealthy=["box/a"])  # type: ignore[arg-type]
    assert found["create box/a"] is Status.NOT_NEEDED
    assert found["wait box/a (healthy)"] is Status.FAILED
    assert found["create leaf/b"] is Status.SKIPPED


def test_an_error_of_a_kind_is_told_as_it_is() -> None:
    report = reconcile.apply(topology({"leaf/a": {"after": {"box/b": "healthy"}}, "box/b": {}}), unwell(), kinds=KINDS)
    assert [str(each.error) for each in report.failed] == ["box/b: does not become healthy"]
    assert isinstance(report.failed[0].error, ReconcilerError)


def unwell() -> MemoryHost:
    host = host_with({})
    host.world.unhealthy = {ResourceKey("box", "b")}
    return host
