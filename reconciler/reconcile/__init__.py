"""Compose the stages: observe, diff, plan, execute, look again, and go back if that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.diff import diff
from reconciler.errors import (
    Conflict,
    EngineForbidden,
    EngineUnreachable,
    NoEngine,
    ReconcilerError,
    Usage,
)
from reconciler.execute import execute
from reconciler.host import Host
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, Outcome, Plan, Report, Status, Step, Topology
from reconciler.observe import needed_and_unavailable, observe
from reconciler.plan import conflicts, plan
from reconciler.reconcile.adopt import adopted, not_adoptable, not_returnable, nothing_to_adopt
from reconciler.reconcile.choose import externals, rested, targeted, there
from reconciler.reconcile.options import Options
from reconciler.reconcile.refuse import (
    check_keys,
    check_within,
    hindered,
    irreplaceable,
    lacking,
    missing_externals,
    not_permitted,
    not_supported,
    perhaps_there,
)
from reconciler.value import dataclass

SECOND_LOOKS = (0.0, 0.05, 0.2, 0.75)
"""Seconds to wait before each look again: endpoints and links vanish a moment after the call that removes them."""
LATE_LOOKS = (1.0, 2.0, 4.0)
"""The same where only what was deleted is left: namespaces are taken down one after the other, by the whole machine."""


@dataclass(frozen=True)
class Progress:
    """Whom to tell about what happens."""

    planned: Callable[[Plan], None] = lambda _: None
    started: Callable[[Step], None] = lambda _: None
    ended: Callable[[Outcome], None] = lambda _: None


def prepare(
    desired: Topology,
    host: Host,
    *,
    kinds: Mapping[str, Kind],
    options: Options | None = None,
    declared: Topology | None = None,
) -> Plan:
    """Observe, compare and plan; writes nothing. `declared` is what the file says where less than that is desired.

    Conflict if something that is not ours is in the way, Usage if there is nothing to adopt.
    """
    options = options or Options()
    before = observe(host, desired, kinds=kinds, adopting=options.adopt, declared=declared)
    observed = adopted(before, desired, options.adopt, kinds=kinds)
    check_keys(desired, observed, target=options.target, replaced=options.replace)
    changes = _changes(desired, observed, kinds, options)
    made = plan(changes, kinds=kinds, wait=options.wait, within=lambda each: _chosen(each, kinds, options))
    check_within(changes, made.changes, options.replace)
    found = [
        *missing_externals(made.changes, kinds=kinds),
        *lacking(made.changes),
        *irreplaceable(made.changes, kinds=kinds, asked=options.replace),
        *not_adoptable(made.changes, kinds=kinds),
        *(not_returnable(before, observed) if options.revert else ()),
        *(each.unmasked for each in conflicts(made.changes, kinds=kinds)),
    ]
    if found:
        raise Conflict("\n".join(dict.fromkeys(found)))  # a port is held over IPv4 and IPv6 alike
    if absent := nothing_to_adopt(made.changes, options.adopt, kinds=kinds):
        raise Usage("\n".join(absent))
    return made


def apply(
    desired: Topology,
    host: Host,
    *,
    kinds: Mapping[str, Kind],
    options: Options | None = None,
    progress: Progress | None = None,
) -> Report:
    """Make the host as desired, and prove it by looking again. The caller holds the topology's lock."""
    return _applied(desired, host, kinds, options or Options(), progress or Progress(), declared=desired)


def destroy(
    topology: Topology,
    host: Host,
    *,
    kinds: Mapping[str, Kind],
    volumes: bool = False,
    images: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Remove all that is ours under the topology's name; volumes and images only where asked for.

    What the topology declares must be in reach; of what else is not, nothing is removed, and the report says what may
    be left there. What it declares external stays, though it was ours once, but for what is within something of ours.
    The caller holds the lock.
    """
    keep = kept_kinds(kinds, volumes=volumes, images=images)
    options = Options(keep=keep, reason="to be destroyed", unmake=True)
    report = _applied(externals(topology), host, kinds, options, progress or Progress(), declared=topology)
    return replace(report, unseen=_each_once((*report.unseen, *out_of_sight(report.plan.changes).values())))


def kept_kinds(kinds: Mapping[str, Kind], *, volumes: bool, images: bool) -> frozenset[str]:
    """Return the kinds of which nothing is destroyed: what cannot be made again, unless it is asked for by section."""
    asked = {"volumes": volumes, "images": images}
    return frozenset(name for name, kind in kinds.items() if kind.irrecoverable and not asked.get(kind.section))


def _applied(
    desired: Topology,
    host: Host,
    kinds: Mapping[str, Kind],
    options: Options,
    progress: Progress,
    *,
    declared: Topology,
) -> Report:
    made = prepare(desired, host, kinds=kinds, options=options, declared=declared)
    for error in _refusals(made.changes, host, kinds, declared):
        raise error
    progress.planned(made)
    report = _executed(made, host, kinds, options, progress)
    if options.revert and not report.converged and not host.stop.is_set():
        return replace(report, reverted=_reverted(made.changes, host, kinds, options, progress))
    return report


def _refusals(changes: Changes, host: Host, kinds: Mapping[str, Kind], declared: Topology) -> Iterator[ReconcilerError]:
    """Say before the first step why it cannot be taken."""
    yield from needed_and_unavailable(changes.observed, host, declared).values()
    yield from perhaps_there(changes, host, declared)
    yield from not_permitted(changes, kinds=kinds)
    yield from not_supported(changes, host, kinds=kinds)
    yield from hindered(changes, kinds=kinds)


def out_of_sight(changes: Changes) -> dict[str, ReconcilerError]:
    """The kinds of which something of ours may be there that could not be observed, with the reasons.

    Without a file that is any. With one, what that does not declare may well be out of reach: for want of a privilege,
    or on a host without an engine. But one that is meant to be there, and does not answer, may hold what is ours.
    """
    return {
        kind: error
        for kind, error in changes.observed.unavailable.items()
        if not changes.desired.source
        or (isinstance(error, EngineUnreachable) and not isinstance(error, EngineForbidden | NoEngine))
    }


def _each_once(errors: Iterable[ReconcilerError]) -> tuple[ReconcilerError, ...]:
    """Tell each reason once, whichever kinds have it."""
    return tuple({str(each): each for each in errors}.values())


def _reverted(changes: Changes, host: Host, kinds: Mapping[str, Kind], options: Options, progress: Progress) -> Report:
    """Go back to the former state; what is not in it was made just now, so that nothing is kept.

    But nobody knows what there was of a kind that could not be looked at: that is left alone. What cannot be looked at
    by now, and could before, is not proved to be as it was.
    """
    unknown = changes.observed.unavailable
    former = _as_it_was(changes, kinds)
    options = replace(options, adopt=(), target=(), replace=(), keep=frozenset(unknown))
    back = prepare(former, host, kinds=kinds, options=options)
    report = _executed(back, host, kinds, options, progress)
    blind = (error for kind, error in back.changes.observed.unavailable.items() if kind not in unknown)
    return replace(report, unseen=_each_once((*report.unseen, *blind)))


def _executed(made: Plan, host: Host, kinds: Mapping[str, Kind], options: Options, progress: Progress) -> Report:
    if not made.steps:
        return Report(made, ())
    report = execute(
        made,
        host,
        kinds=kinds,
        jobs=options.jobs,
        on_start=progress.started,
        on_outcome=progress.ended,
        stop=host.stop,
    )
    settled = report.converged and not host.stop.is_set()
    remaining, unseen = _remaining(made.changes, host, kinds, options, settled=settled)
    outcomes = report.outcomes if unseen else _proved(report.outcomes, remaining, host, kinds)
    return replace(report, outcomes=outcomes, remaining=remaining, unseen=unseen)


def _proved(
    outcomes: tuple[Outcome, ...], remaining: Iterable[Change], host: Host, kinds: Mapping[str, Kind]
) -> tuple[Outcome, ...]:
    """Return the outcomes; where all went well and is undone by now, for a reason that can be told, the last failed."""
    last = {each.step.key.key: number for number, each in enumerate(outcomes)}
    amiss = {each.step.key.key for each in outcomes if each.status in (Status.FAILED, Status.SKIPPED)}
    found = list(outcomes)
    for change in remaining:
        if change.key in last and change.key not in amiss and (error := kinds[change.key.kind].undone(host, change)):
            found[last[change.key]] = replace(found[last[change.key]], status=Status.FAILED, error=error)
    return tuple(found)


def _remaining(
    changes: Changes, host: Host, kinds: Mapping[str, Kind], options: Options, *, settled: bool
) -> tuple[tuple[Change, ...], tuple[ReconcilerError, ...]]:
    """Look again; where all went well, a few times until what vanishes late has vanished.

    What is out of sight now differs as before, as far as anyone can tell; the reasons are told as well.
    """
    again = replace(options, adopt=(), replace=())
    found: tuple[Change, ...] = ()
    reasons: tuple[ReconcilerError, ...] = ()
    for number, pause in enumerate(_looks(host.patience) if settled else SECOND_LOOKS[:1]):
        if number >= len(SECOND_LOOKS) and any(each.action is not Action.DELETE for each in found):
            break
        host.stop.wait(pause)
        observed = observe(host, changes.desired, kinds=kinds)
        unseen = tuple(each for each in changes.pending if each.key.kind in observed.unavailable)
        reasons = _each_once(observed.unavailable[each.key.kind] for each in unseen)
        left = _chosen(_changes(changes.desired, observed, kinds, again), kinds, again)
        found = (*left.pending, *unseen)
        if not found or unseen:  # the look itself has been patient already
            break
    return found, reasons


def _looks(patience: float) -> Iterator[float]:
    """Yield the pauses before the looks: the late ones go on as long as patience lasts."""
    yield from SECOND_LOOKS
    yield from LATE_LOOKS
    left = patience - sum((*SECOND_LOOKS, *LATE_LOOKS))
    for _ in range(int(left // LATE_LOOKS[-1])):
        yield LATE_LOOKS[-1]


def _changes(desired: Topology, observed: Topology, kinds: Mapping[str, Kind], options: Options) -> Changes:
    keep = frozenset(name for name, kind in kinds.items() if kind.kept) if options.keep is None else options.keep
    desired = there(desired, observed) if options.unmake else desired
    return diff(desired, observed, kinds=kinds, keep=keep, force=options.replace, reason=options.reason)


def _chosen(changes: Changes, kinds: Mapping[str, Kind], options: Options) -> Changes:
    changes = rested(changes, options.resting, kinds=kinds) if options.resting else changes
    return targeted(changes, options.target, kinds=kinds) if options.target else changes


def _as_it_was(changes: Changes, kinds: Mapping[str, Kind]) -> Topology:
    concerned = (each for key, each in changes.observed.resources.items() if each.owned or key in changes.by_key)
    ours = {each.key: again for each in concerned if (again := kinds[each.key.kind].former(each))}
    return replace(changes.observed, resources=MappingProxyType(ours), source=changes.desired.source)


__all__ = [
    "Options",
    "Progress",
    "apply",
    "destroy",
    "kept_kinds",
    "not_supported",
    "out_of_sight",
    "prepare",
]
