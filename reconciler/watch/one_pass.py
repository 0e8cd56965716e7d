"""One pass: the same flow as apply, under the same lock, for all that is not left alone for the time being."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from reconciler import reconcile
from reconciler.errors import Conflict
from reconciler.host import LOCK_TIMEOUT, Host
from reconciler.host.lock import Holder
from reconciler.kinds.base import Kind
from reconciler.model import Outcome, Plan, Report, ResourceKey, StepKey, Topology, Verb
from reconciler.observe import needed_and_unavailable
from reconciler.reconcile import Options, Progress
from reconciler.value import dataclass
from reconciler.watch.part import Part
from reconciler.watch.said import Said
from reconciler.watch.turn import Turn


@dataclass(frozen=True)
class Manner:
    """How to make a pass: `tell` is called with all that there is to tell, `busy` and `idle` as steps begin and end.

    `named` says whether the topology has its name from the command line, and not from the file.
    """

    kinds: Mapping[str, Kind]
    options: Options
    tell: Callable[[Said], None]
    busy: Callable[[], None] = lambda: None
    idle: Callable[[], None] = lambda: None
    lock_timeout: float = LOCK_TIMEOUT
    dry_run: bool = False
    named: bool = False


@dataclass
class Pass:
    """A pass and what has become of it so far.

    Where nothing else can have changed it looks at a `part` only. `resting` is left alone, `due` may be tried again. It
    may begin `beside` others, and be `joined` by others. Of what it `planned` the steps that are `left` have not ended,
    the others have `outcomes`, and some was `told` already; `in_the_way` is what is in the way of some of it. `found`
    says whether it mended, or in a dry run found, anything.
    """

    desired: Topology
    host: Host
    because: tuple[str, ...]
    part: Part | None = None
    resting: frozenset[ResourceKey] = frozenset()
    due: frozenset[ResourceKey] = frozenset()
    beside: bool = False
    joined: bool = False
    began: float = field(default_factory=time.monotonic)
    looked: float | None = None
    observed: Topology | None = None
    in_the_way: set[str] = field(default_factory=set)
    planned: frozenset[ResourceKey] = frozenset()
    left: set[StepKey] = field(default_factory=set)
    outcomes: dict[ResourceKey, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    told: set[ResourceKey] = field(default_factory=set)
    found: bool = False
    report: Report | None = None
    error: BaseException | None = None

    def plans(self, plan: Plan) -> None:
        """Take down what it is about to do."""
        self.looked, self.observed = time.monotonic(), plan.changes.observed
        self.left = set(plan.steps)
        self.planned = frozenset(each.key for each in self.left)

    @property
    def in_hand(self) -> frozenset[ResourceKey]:
        """What others are to leave alone; what is only waited for is not among it."""
        return frozenset(each.key for each in self.left if each.verb is not Verb.WAIT)

    @property
    def done(self) -> Iterator[ResourceKey]:
        """What all is done of, and nothing was told of yet."""
        left = {each.key for each in self.left}
        yield from (key for key in self.outcomes if key not in left and key not in self.told)


@dataclass(frozen=True)
class Hearing:
    """Who hears, in the thread of the pass, for whom it waits, what it is about to do, and how each step has ended.

    `is_wanted` is asked when its turn has come: the file may say something else by then.
    """

    is_wanted: Callable[[], bool]
    waiting: Callable[[Holder], None]
    planned: Callable[[Plan], None]
    ended: Callable[[Outcome], None]


def run(each: Pass, manner: Manner, turn: Turn, hearing: Hearing) -> None:
    """Make the host as desired, or in a dry run find out how it differs; what came of it is noted on the pass."""
    try:
        if manner.dry_run:
            _around(each, manner, lambda resting: _compared(each, manner, hearing, resting))
        else:
            with turn.taken(each.desired.name, hearing.waiting):
                if not hearing.is_wanted():
                    return
                _around(each, manner, lambda resting: _applied(each, manner, hearing, resting))
    except BaseException as error:  # noqa: BLE001 - the thread that watches must hear of it
        each.error = error


def _around(each: Pass, manner: Manner, act: Callable[[frozenset[ResourceKey]], None]) -> None:
    """Do it once more without what something is in the way of."""
    blocked: frozenset[ResourceKey] = frozenset()
    while True:
        try:
            act(each.resting | blocked)
        except Conflict as error:
            named = _named(error, manner.kinds) - blocked
            if not named:
                raise
            blocked |= named
            each.in_the_way |= set(str(error).splitlines())
        else:
            return


def _applied(each: Pass, manner: Manner, hearing: Hearing, resting: frozenset[ResourceKey]) -> None:
    def planned(plan: Plan) -> None:
        manner.busy()
        hearing.planned(plan)

    options = replace(manner.options, resting=resting)
    progress = Progress(planned=planned, ended=hearing.ended)
    if each.part is None or not _applied_in_part(each, each.part, options, progress):
        each.part = None
        each.report = reconcile.apply(each.desired, each.host, kinds=manner.kinds, options=options, progress=progress)


def _applied_in_part(each: Pass, part: Part, options: Options, progress: Progress) -> bool:
    """Look at a part only; False, and nothing was done, where that does not do: whatever is the matter, look at all.

    What the part does not declare is not deleted: it may well belong to the rest.
    """
    plans: list[Plan] = []

    def planned(plan: Plan) -> None:
        plans.append(plan)
        progress.planned(plan)

    host, kept = each.host.near(part.nodes), replace(options, keep=frozenset(part.kinds))
    noted = replace(progress, planned=planned)
    try:
        each.report = reconcile.apply(part.topology, host, kinds=part.kinds, options=kept, progress=noted)
    except Exception:
        if plans:
            raise
        return False
    return True


def _compared(each: Pass, manner: Manner, hearing: Hearing, resting: frozenset[ResourceKey]) -> None:
    options = replace(manner.options, resting=resting)
    made = reconcile.prepare(each.desired, each.host, kinds=manner.kinds, options=options)
    for error in needed_and_unavailable(made.changes.observed, each.host, made.changes.desired).values():
        raise error
    hearing.planned(made)


def _named(conflict: Conflict, kinds: Mapping[str, Kind]) -> frozenset[ResourceKey]:
    """Return whom a conflict is about, be it something to be deleted: each of its lines begins with a key.

    As it is told a key may be masked.
    """
    heads = [line.partition(": ")[0].partition("/") for line in conflict.unmasked.splitlines()]
    return frozenset(ResourceKey(kind, name) for kind, _, name in heads if kind in kinds)
