"""The commands that change the host: apply and destroy; each returns its exit code."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from reconciler.cli import options as o
from reconciler.cli.output import complain, hide, note, say, say_json, settings, show_traceback, style
from reconciler.cli.reading import chosen, loaded, loaded_or_named, note_out_of_sight, out_of_reach, warn_of_others
from reconciler.cli.signals import BETWEEN, interruption
from reconciler.errors import Conflict, ReconcilerError, Usage
from reconciler.host import ENGINE_TIMEOUT, LOCK_TIMEOUT, PATIENCE, WAIT_TIMEOUT
from reconciler.model import Plan, Report, Topology

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.reconcile import Options, Progress
    from reconciler.saved import Saved

Planned = Callable[[Plan], None]


def apply(
    file: o.File = None,
    *,
    plan: o.SavedPlan = None,
    jobs: o.Jobs = 8,
    target: o.Target = None,
    replace: o.Replace = None,
    on_failure: o.Failure = o.OnFailure.KEEP,
    adopt: o.Adopt = None,
    no_prune: o.NoPrune = False,
    no_wait: o.NoWait = False,
    wait_timeout: o.WaitTimeout = WAIT_TIMEOUT,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    lock_timeout: o.LockTimeout = LOCK_TIMEOUT,
    json: o.Json = False,
    name: o.Name = None,
    _secrets: o.ShowSecrets = False,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """Print the plan, do it, and look again."""
    if plan and (file or name or target or replace or adopt or no_prune):
        raise Usage(
            "--plan does what was saved: FILE, --name, --target, --replace, --adopt, --no-prune do not go with it"
        )
    from reconciler import saved
    from reconciler.host import Host

    promised = saved.read(plan) if plan else None
    desired = loaded(promised.file, promised.name) if promised else loaded(file, name)
    choice = promised.options if promised else chosen(target, replace, adopt, no_prune=no_prune)
    revert = on_failure is o.OnFailure.REVERT
    options = dataclasses.replace(choice, jobs=jobs, revert=revert, wait=not no_wait)
    host = Host(wait_timeout=wait_timeout, engine_timeout=engine_timeout, patience=patience)
    named = bool(promised or name)
    return _applied(desired, host, options, promised=promised, named=named, lock_timeout=lock_timeout, json=json)


def _applied(
    desired: Topology,
    host: Host,
    options: Options,
    *,
    promised: Saved | None,
    named: bool,
    lock_timeout: float,
    json: bool,
) -> int:
    from reconciler import reconcile, saved
    from reconciler.kinds import kinds

    def planned(made: Plan) -> None:
        if promised:
            saved.check(promised, made, machine=host.key)
        _announce(made, named=named, json=json)
        note_out_of_sight(made)

    with _working(desired, host, planned, lock_timeout) as progress:
        report = reconcile.apply(desired, host, kinds=kinds(), options=options, progress=progress)
    return _told(report, host, json=json)


def destroy(
    file: o.File = None,
    *,
    name: o.Name = None,
    everything: o.Everything = False,
    volumes: o.Volumes = False,
    images: o.Images = False,
    now: o.Now = False,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    lock_timeout: o.LockTimeout = LOCK_TIMEOUT,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """Remove all that is ours.

    Named volumes and images stay unless asked for. Without FILE, --name alone says what.
    """
    if everything and (file or name):
        raise Usage("--all means every topology: FILE and --name do not go with it")
    from reconciler.host import Host

    def host() -> Host:
        return Host(kill=now, engine_timeout=engine_timeout, patience=patience)

    def destroyed(topology: Topology) -> int:
        return _destroyed(topology, host(), volumes, images, lock_timeout, named=bool(name))

    return _each_destroyed(host(), destroyed) if everything else destroyed(loaded_or_named(file, name))


def _each_destroyed(host: Host, destroyed: Callable[[Topology], int]) -> int:
    """Destroy one topology after the other, last what another one stands on; an interruption is for all of them."""
    from reconciler.topologies import topologies

    found, errors = topologies(host)
    codes, told = [complain(error) for error in errors], {*map(str, errors)}
    left, refused = [each.name for each in found], dict[str, Conflict]()
    while left and not interruption.number:
        refused = {}
        for name in left:
            say([style(sys.stdout).bold(f"{name}:")])
            try:
                codes.append(destroyed(Topology(name)))
            except Conflict as error:
                refused[name] = error
            except ReconcilerError as error:
                codes.append(error.exit_code if str(error) in told else complain(error))
            interruption.stop, interruption.at_once = None, BETWEEN
            if interruption.number:
                break
        left = [*refused] if len(refused) < len(left) else []
    code = max([*codes, *map(complain, refused.values())], default=0)
    return interruption.exit_code or code


def _destroyed(topology: Topology, host: Host, volumes: bool, images: bool, lock_timeout: float, *, named: bool) -> int:
    from reconciler import reconcile
    from reconciler.kinds import kinds

    with _working(topology, host, partial(_announce, named=named), lock_timeout) as progress:
        report = reconcile.destroy(topology, host, kinds=kinds(), volumes=volumes, images=images, progress=progress)
    code = _told(report, host)
    seen = report.plan.changes.observed
    kinds_kept = reconcile.kept_kinds(kinds(), volumes=volumes, images=images)
    left = {each.key for each in seen if each.owned} - report.plan.changes.by_key.keys()
    if kept := sorted(each for each in left if each.kind in kinds_kept):
        ways = " and ".join(sorted({f"--{kinds()[each.kind].section}" for each in kept}))
        note(f"kept: {', '.join(map(str, kept))}: with {ways} {'it goes' if len(kept) == 1 else 'they go'} too")
    out_of_reach(reconcile.out_of_sight(report.plan.changes))
    return code


@contextmanager
def _working(topology: Topology, host: Host, planned: Planned, lock_timeout: float) -> Iterator[Progress]:
    """Hold the lock, tell of the steps, and from the first step on let a signal stop the host's work."""
    from reconciler.cli.progress import Ticker
    from reconciler.host.lock import locked
    from reconciler.reconcile import Progress

    ticker = Ticker()

    def start(made: Plan) -> None:
        planned(made)
        ticker.planned(made)
        interruption.stop = host.stop

    with locked(topology.name, timeout=lock_timeout, waiting=lambda holder: note(f"waiting for {holder}")):
        try:
            yield Progress(start, ticker.started, ticker.ended)
        finally:
            ticker.close()


def _announce(made: Plan, *, named: bool, json: bool = False) -> None:
    from reconciler.render import plan_lines

    if not json:
        say(plan_lines(made.changes, style=style(sys.stdout)))
    warn_of_others(made, named=named)


def _told(report: Report, host: Host, *, json: bool = False) -> int:
    """Print what became of the plan, and return the exit code."""
    from reconciler.render import report_json, report_lines

    report = dataclasses.replace(report, interrupted=interruption.number)
    if json:
        say_json(report_json(report, hide=hide(host)))
    else:
        say(report_lines(report, style=style(sys.stdout)))
    if settings.debug:
        show_traceback(each.error for each in report.failed if each.error)
    if report.interrupted:
        return interruption.exit_code
    if report.converged:
        return 0
    is_as_far_as_seen = dataclasses.replace(report, unseen=()).converged
    return min(each.exit_code for each in report.unseen) if is_as_far_as_seen else 1
