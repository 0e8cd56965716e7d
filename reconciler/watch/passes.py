"""What is carried from one pass to the next: whom to leave alone, and what was told already."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from reconciler.host import Host
from reconciler.host.lock import Holder
from reconciler.model import Action, Change, Changes, Outcome, Plan, ResourceKey, Topology
from reconciler.reconcile.others import mixed_up
from reconciler.watch.one_pass import Hearing, Manner, Pass, run
from reconciler.watch.part import Part
from reconciler.watch.patience import Patience, pause_after
from reconciler.watch.said import Said, What, said_of, said_of_one
from reconciler.watch.turn import Turn

AFTER = 0.5
"""Seconds for which a pass is waited for, from its look on, or as long as that itself took if it took longer."""

_AMISS = (What.FAILED, What.SKIPPED, What.UNSETTLED)


class Passes:
    """The passes of a watch: one that takes long holds up no other, which leaves alone what that one has in hand.

    `soon` has something done by the thread that watches, for which all but `run` is. `planned` and `ended` are called
    with each pass, `done` with it after each step that changed anything.

    `desired` is what the file says by now. A pass that began with another one does nothing where its turn comes only
    now; one that is at work goes on, and what it fails at is no failure: another pass is to follow, and does it anew.
    """

    def __init__(
        self,
        manner: Manner,
        *,
        soon: Callable[[Callable[[], None]], None],
        planned: Callable[[Pass], None],
        done: Callable[[Pass], None],
        ended: Callable[[Pass], None],
    ) -> None:
        self.manner, self.patience, self.running = manner, Patience(), list[Pass]()
        self.desired: Topology | None = None
        self._soon, self._on_planned, self._on_done, self._on_ended = soon, planned, done, ended
        self._turn = Turn(timeout=manner.lock_timeout, over=manner.idle)
        self._told: frozenset[str] = frozenset()
        self._warned: frozenset[str] = frozenset()
        self._drift: dict[ResourceKey, Change] = {}
        self._blocked, self._blocked_until = 0, math.inf
        self._holder: Holder | None = None

    @property
    def retry(self) -> float:
        """When to try again what failed, or what something is in the way of; infinity where there is neither."""
        tried = {key for each in self.running for key in each.planned - each.told}
        return min(self.patience.next(besides=tried), self._blocked_until)

    @property
    def room(self) -> float:
        """When another pass may begin: not while one looks, and beside one that is at work only after a while.

        Nor does it begin beside one while others wait for their turn.
        """
        beside = max(map(_beside, self.running), default=-math.inf)
        return beside if beside == math.inf else max(beside, self._turn.room)

    def forgive(self, part_of: ResourceKey | None = None, *, among: Topology | None = None) -> None:
        """Try everything again at the next pass, or only a resource and its parts."""
        parts = [each.key for each in among or () if part_of in (each.key, each.part_of)]
        self.patience.forgive(parts if part_of else None)

    def renew(self, desired: Topology) -> None:
        """Learn that the file says something else, and try everything again."""
        self.desired = desired
        self.forgive()

    def begin(self, desired: Topology, host: Host, because: tuple[str, ...], part: Part | None = None) -> Pass:
        """Return the next pass, for some thread to `run`; it looks at a part only unless there is more to be done."""
        self.desired = desired
        now, in_hand = time.monotonic(), frozenset(key for each in self.running for key in each.in_hand)
        resting, due = self.patience.resting(now) | in_hand, self.patience.due(now) - in_hand
        part = None if due or self.manner.dry_run else part
        made = Pass(desired, host, because, part, resting, due, beside=bool(self.running))
        for each in self.running:
            each.joined = True
        self.running.append(made)
        return made

    def run(self, each: Pass) -> None:
        """Carry a pass out."""

        def waiting(holder: Holder) -> None:
            self._soon(lambda: self._waits(holder))

        def planned(plan: Plan) -> None:
            self._soon(lambda: self._planned(each, plan))

        def ended(outcome: Outcome) -> None:
            self._soon(lambda: self._noted(each, outcome))

        hearing = Hearing(lambda: each.desired is self.desired, waiting, planned, ended)
        run(each, self.manner, self._turn, hearing)
        self._soon(lambda: self._ended(each))

    def _waits(self, holder: Holder) -> None:
        """Tell for whom a pass waits, unless an earlier one has waited for the same process last."""
        if holder != self._holder:
            self.manner.tell(Said(What.WAITING, f"for {holder}"))
        self._holder = holder

    def _planned(self, each: Pass, plan: Plan) -> None:
        each.plans(plan)
        self.patience.forgive(each.due - each.planned)
        self._proven(each, plan.changes)
        if not each.part:
            self._in_the_way(each)
            self._warn_of_others(plan.changes)
        if self.manner.dry_run:
            self._compared(each, plan)
        self._on_planned(each)

    def _in_the_way(self, each: Pass) -> None:
        """Tell once of each thing that is in the way, and look again, ever less often, whether it still is.

        What another pass has in hand is no longer in the way when that ends, and not worth a word.
        """
        said = frozenset(each.in_the_way)
        self._blocked = self._blocked + 1 if said else 0
        self._blocked_until = time.monotonic() + pause_after(self._blocked) if said else math.inf
        if each.beside:
            said &= self._told
        for line in sorted(said - self._told):
            self.manner.tell(Said(What.BLOCKED, line))
        self._told = said

    def _warn_of_others(self, changes: Changes) -> None:
        """Tell of other topologies that this one may be mixed up with, once as long as that is so."""
        said = frozenset(mixed_up(changes, named=self.manner.named))
        for line in sorted(said - self._warned):
            self.manner.tell(Said(What.WARNING, line))
        self._warned = said

    def _compared(self, each: Pass, plan: Plan) -> None:
        """Tell of drift that is new or another by now, and of that which is over."""
        now = {change.key: change for change in plan.changes.pending}
        told = {key: _fingerprint(change) for key, change in self._drift.items()}
        new = [change for key, change in now.items() if told.get(key) != _fingerprint(change)]
        over = [change for key, change in self._drift.items() if _is_at_rest(key, plan.changes, None)]
        for what, changes in ((What.DRIFT, new), (What.OVER, over)):
            for change in changes:
                self.manner.tell(Said(what, change=change, because=each.because))
        each.found = bool(new or over)
        ended = {change.key for change in over}
        self._drift = {key: change for key, change in {**self._drift, **now}.items() if key not in ended}

    def _proven(self, each: Pass, changes: Changes) -> None:
        """Tell what others, which go on, have mended, where this one's look finds nothing left of it."""
        for other in self.running:
            done = [] if other is each else [key for key in other.done if _is_at_rest(key, changes, each.part)]
            for said in filter(None, (said_of_one(other.outcomes[key]) for key in done)):
                each.found = True
                self._tell(said, other)

    def _noted(self, each: Pass, outcome: Outcome) -> None:
        """What fails is told at once, and may be tried again though the pass goes on."""
        key = outcome.step.key.key
        each.left.discard(outcome.step.key)
        each.outcomes[key].append(outcome)
        said = said_of_one([outcome])
        if said and said.what not in _AMISS:
            self._on_done(each)
        elif said:
            self._tell(said, each)

    def _ended(self, each: Pass) -> None:
        """Tell what was done, and be patient with what does not last."""
        if each.report:
            for said in said_of(each.report):
                each.found |= self._tell(said, each) is What.MENDED
            self.patience.forgive(each.due - each.told)
        self.running.remove(each)
        self._on_ended(each)

    def _tell(self, said: Said, each: Pass) -> What | None:
        """Tell of a resource, once in each pass; not that something is amiss where it is to be done anew."""
        assert said.key is not None  # noqa: S101 - it is about a step
        if said.key in each.told:
            return None
        each.told.add(said.key)
        if said.what in _AMISS and self._is_outdated(each, said.key):
            return None
        self.manner.tell(replace(said, retry=self._pause_after(said.what, said.key), because=each.because))
        return said.what

    def _is_outdated(self, each: Pass, key: ResourceKey) -> bool:
        """Tell whether the file says something else by now, or a later pass may well be what made it fail."""
        later = self.running[self.running.index(each) + 1 :]
        return each.desired is not self.desired or any(key in other.planned for other in later)

    def _pause_after(self, what: What, key: ResourceKey) -> float | None:
        now = time.monotonic()
        if what is What.SKIPPED:
            return None
        if what is What.MENDED:
            return self.patience.mended(key, now).pause or None
        return self.patience.failed(key, now).pause


def _is_at_rest(key: ResourceKey, changes: Changes, part: Part | None) -> bool:
    """Tell whether nothing is left to be done for a resource; of one that was left alone nothing can be told."""
    if key in changes.by_key:
        return changes.by_key[key].action is Action.NOOP
    unseen = part or key.kind in changes.observed.unavailable
    return not unseen and key not in changes.desired.resources and key not in changes.observed.resources


def _beside(each: Pass) -> float:
    if each.looked is None:
        return math.inf
    return each.looked + max(AFTER, each.looked - each.began)


def _fingerprint(change: Change) -> str:
    """What makes drift the same as it was when it was told."""
    return f"{change.key} {change.action} {change.reason} {change.fields}"
