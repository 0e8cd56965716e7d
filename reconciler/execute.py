"""Run a plan: a ready queue over threads, no barriers; knows steps, no kinds."""

from __future__ import annotations

import contextlib
import queue
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ReconcilerError, StepFailed, Usage
from reconciler.host.descriptors import steps_at_once
from reconciler.kinds.base import Kind, Later, Result
from reconciler.model import Outcome, Plan, Report, ResourceKey, Status, Step, StepKey, Verb
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host import Host

T = TypeVar("T")
WAITERS = 512
"""How many steps may wait at once beside the `jobs` that work; each may hold a descriptor, of 1024 or so."""

_MOMENT = 0.25
_UNCHANGED = (Status.UNCHANGED, Status.NOT_NEEDED)
_BAD = (Status.FAILED, Status.SKIPPED)


def execute(
    plan: Plan,
    host: Host,
    *,
    kinds: Mapping[str, Kind],
    jobs: int = 8,
    on_start: Callable[[Step], None] = lambda _: None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    stop: Event | None = None,
) -> Report:
    """Run every step as soon as all before it succeeded; a failure stops only what waits for it.

    When `stop` is set, running steps end and nothing more is started. The callbacks are called one at a time, by the
    thread that called this; what one raises ends the run likewise. Usage where no step could run.
    """
    if jobs < 1:
        raise Usage(f"jobs: {jobs} is not a number of at least 1")
    run = _Run(plan, host, kinds, stop=stop or Event(), on_start=on_start, on_outcome=on_outcome)
    with contextlib.ExitStack() as after, ThreadPoolExecutor(jobs) as workers, ThreadPoolExecutor(WAITERS) as waiters:
        try:
            run.loop(workers, waiters, jobs)
        except BaseException:
            if not run.stop.is_set():  # what still runs or waits is to end, and nothing that comes later
                run.stop.set()
                after.callback(run.stop.clear)
            raise
    return Report(plan, tuple(run.outcomes[step.key] for step in plan.ordered))


class _Run:
    """The state of one execution; only the thread that runs `loop` touches it."""

    def __init__(
        self,
        plan: Plan,
        host: Host,
        kinds: Mapping[str, Kind],
        *,
        stop: Event,
        on_start: Callable[[Step], None],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self.plan, self.host, self.kinds, self.stop = plan, host, kinds, stop
        self.on_start, self.on_outcome = on_start, on_outcome
        self.outcomes: dict[StepKey, Outcome] = {}
        self.blockers = {key: len(before) for key, before in plan.predecessors.items()}
        self.ready: dict[tuple[str, Verb], deque[Step]] = defaultdict(deque)
        for step in plan.ordered:
            if not self.blockers[step.key]:
                self.ready[step.key.key.kind, step.verb].append(step)
        self.rest: deque[_Left] = deque()
        self.working = self.waiting = self.room = 0
        self.done: queue.SimpleQueue[_Ended | BaseException] = queue.SimpleQueue()

    def loop(self, workers: ThreadPoolExecutor, waiters: ThreadPoolExecutor, jobs: int) -> None:
        self.room = steps_at_once(jobs)
        while True:
            while self.rest and self.working < jobs:
                self._begin(workers, self._work_on, self.rest.popleft(), is_wait=False)
            for batch in self._batches(jobs - self.working):
                is_wait = batch[0].verb is Verb.WAIT
                for step in batch:
                    self.on_start(step)
                self._begin(waiters if is_wait else workers, self._work, batch, is_wait=is_wait)
            if not self.working and not self.waiting:
                break
            ended = self._finished()
            if isinstance(ended, BaseException):
                raise ended
            self._take_in(ended, waiters)
        for step in self.plan.ordered:
            if step.key not in self.outcomes:
                self._note(Outcome(step, Status.SKIPPED))

    def _take_in(self, ended: _Ended, waiters: ThreadPoolExecutor) -> None:
        self._count(-1, is_wait=ended.is_wait)
        for left in ended.waits:
            self._begin(waiters, self._wait_for, left, is_wait=True)
        self.rest.extend(ended.works)
        for outcome in ended.outcomes:
            self._settle(outcome)

    def _begin(self, pool: ThreadPoolExecutor, act: Callable[[T], None], what: T, *, is_wait: bool) -> None:
        pool.submit(act, what)
        self._count(1, is_wait=is_wait)

    def _count(self, number: int, *, is_wait: bool) -> None:
        if is_wait:
            self.waiting += number
        else:
            self.working += number

    def _finished(self) -> _Ended | BaseException:
        """Wait for what ends next; a signal that comes just as a wait begins is heard when that is over."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self.done.get(timeout=_MOMENT)

    def _batches(self, free: int) -> Iterator[list[Step]]:
        """Take what is ready, steps of one kind and verb together as far as the kind and the system allow it."""
        while not self.stop.is_set():
            group = next((each for each in self.ready if free > 0 or each[1] is Verb.WAIT), None)
            if group is None:
                return
            steps = self.ready.pop(group)
            yield [steps.popleft() for _ in range(min(len(steps), self.kinds[group[0]].batch, self.room))]
            if steps:
                self.ready[group] = steps
            free -= group[1] is not Verb.WAIT

    def _not_needed(self, step: Step) -> bool:
        """Tell whether what the step hangs on came out unchanged; and nobody waits for its sake."""
        roots = step.change.if_changed
        if not roots or not all(self._unchanged(root) for root in roots):
            return False
        waiting = (self.plan.steps[key] for key in self.plan.successors.get(step.key, ()) if step.verb is Verb.WAIT)
        return all(self._not_needed(each) for each in waiting if each.verb is not Verb.DELETE)

    def _unchanged(self, made: ResourceKey) -> bool:
        outcome = self.outcomes.get(StepKey(made, Verb.CREATE))
        return bool(outcome and outcome.status in _UNCHANGED)

    def _settle(self, outcome: Outcome) -> None:
        """Note an outcome; what is behind it may begin, or is settled by it as well, with all that is behind that."""
        todo = [outcome]
        while todo:
            each = todo.pop()
            if each.step.key in self.outcomes:
                continue
            self._note(each)
            for key in self.plan.successors.get(each.step.key, ()):
                step = self.plan.steps[key]
                if each.status in _BAD:
                    todo.append(Outcome(step, Status.SKIPPED, cause=each.cause or each.step.key))
                    continue
                self.blockers[key] -= 1
                if not self.blockers[key]:
                    todo += self._begun(step)

    def _begun(self, step: Step) -> list[Outcome]:
        """Put a step into the queue, unless it sends nothing: it is not needed, or another carried it."""
        if self._not_needed(step):
            return [Outcome(step, Status.NOT_NEEDED)]
        if step.carried_by:
            return [Outcome(step, self.outcomes[step.carried_by].status)]
        self.ready[step.key.key.kind, step.verb].append(step)
        return []

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.step.key] = outcome
        self.on_outcome(outcome)

    def _work(self, batch: list[Step]) -> None:
        started = time.monotonic()
        try:
            results = _results(self.kinds[batch[0].key.key.kind], batch, self.host)
        except BaseException as error:  # noqa: BLE001 - the thread that waits must hear of it
            self.done.put(error)
            return
        ended = _Ended(is_wait=batch[0].verb is Verb.WAIT)
        for step, result in zip(batch, results, strict=True):
            if isinstance(result, Later):
                ended.waits.append(_Left(step, result, started))
            else:
                ended.outcomes.append(_outcome(step, result, started))
        self.done.put(ended)

    def _wait_for(self, left: _Left) -> None:
        self._carry_on(left, left.later.wait, is_wait=True)

    def _work_on(self, left: _Left) -> None:
        self._carry_on(left, left.later.work, is_wait=False)

    def _carry_on(self, left: _Left, act: Callable[[], Status | None], *, is_wait: bool) -> None:
        ended = _Ended(is_wait=is_wait)
        try:
            status = act()
        except Exception as error:  # noqa: BLE001 - here as well a failure becomes a value
            ended.outcomes.append(_outcome(left.step, self.host.explain(error), left.started))
        except BaseException as error:  # noqa: BLE001 - the thread that waits must hear of it
            self.done.put(error)
            return
        else:
            if status is None:
                ended.works.append(left)
            else:
                ended.outcomes.append(_outcome(left.step, status, left.started))
        self.done.put(ended)


@dataclass(frozen=True)
class _Left:
    """What is left of a step that began at some time of the monotonic clock."""

    step: Step
    later: Later
    started: float


@dataclass
class _Ended:
    """What a thread brings back: outcomes, what is to be waited for, and what is to be worked on after a wait."""

    is_wait: bool
    outcomes: list[Outcome] = field(default_factory=list)
    waits: list[_Left] = field(default_factory=list)
    works: list[_Left] = field(default_factory=list)


def _results(kind: Kind, batch: Sequence[Step], host: Host) -> list[Result]:
    effect = getattr(kind, batch[0].verb.value)
    results: list[Result] = []
    error: ReconcilerError = StepFailed(f"the kind {kind.name!r} told no result of this step: please report that")
    try:
        for result in effect(host, batch):
            results.append(result)  # noqa: PERF402 - what was yielded before an exception must be kept
    except Exception as raised:  # noqa: BLE001 - the one place where a failure becomes a value
        error = host.explain(raised)
    return [*results, *([error] * len(batch))][: len(batch)]


def _outcome(step: Step, result: Status | ReconcilerError, started: float) -> Outcome:
    seconds = time.monotonic() - started
    if isinstance(result, ReconcilerError):
        return Outcome(step, Status.FAILED, result, seconds=seconds)
    return Outcome(step, result, seconds=seconds)
