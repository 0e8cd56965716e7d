"""The program as a library: the stages with all kinds by default, and the nouns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from threading import Event

from reconciler.errors import (
    Conflict,
    EngineForbidden,
    EngineUnreachable,
    FileInvalid,
    HostRefuses,
    Locked,
    NoEngine,
    NotNow,
    NotPermitted,
    PlanStale,
    Position,
    Problem,
    ReconcilerError,
    StepFailed,
    Usage,
)
from reconciler.host import LOCK_TIMEOUT, Host
from reconciler.host.lock import Holder
from reconciler.kinds.base import Kind
from reconciler.model import (
    DEFAULT_FILE,
    Action,
    Change,
    Changes,
    Claim,
    FieldChange,
    FrozenMap,
    How,
    Need,
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
from reconciler.reconcile import Options, Progress

Kinds = Mapping[str, Kind]


def load(
    path: str | Path = DEFAULT_FILE,
    *,
    name: str | None = None,
    environment: Mapping[str, str] | None = None,
    kinds: Kinds | None = None,
) -> Topology:
    """Read a topology file ("-" is standard input); FileInvalid with every problem at once if it is wrong.

    `name` overrides the file's; `environment` stands for the process's own.
    """
    from reconciler.topology import load

    return load(path, kinds=_all(kinds), name=name, environment=environment)


def observe(host: Host, desired: Topology, *, kinds: Kinds | None = None) -> Topology:
    """Read what is live of a topology: what is ours, what it calls external, and what stands in its way."""
    from reconciler.observe import observe

    return observe(host, desired, kinds=_all(kinds))


def diff(
    desired: Topology,
    observed: Topology,
    *,
    keep: Collection[str] = (),
    force: Collection[ResourceKey] = (),
    kinds: Kinds | None = None,
) -> Changes:
    """Compare two topologies; kinds in `keep` are not deleted, keys in `force` are replaced in any case."""
    from reconciler.diff import diff

    return diff(desired, observed, kinds=_all(kinds), keep=keep, force=force)


def plan(changes: Changes, *, wait: bool = True, kinds: Kinds | None = None) -> Plan:
    """Order the steps that close the differences; with `wait`, also wait for what is to become ready."""
    from reconciler.plan import plan

    return plan(changes, kinds=_all(kinds), wait=wait)


def prepare(desired: Topology, host: Host, *, options: Options | None = None, kinds: Kinds | None = None) -> Plan:
    """Observe, compare and plan; writes nothing. Conflict if something that is not ours is in the way."""
    from reconciler.reconcile import prepare

    return prepare(desired, host, kinds=_all(kinds), options=options)


def execute(
    plan: Plan,
    host: Host,
    *,
    jobs: int = 8,
    on_start: Callable[[Step], None] = lambda _: None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    stop: Event | None = None,
    kinds: Kinds | None = None,
) -> Report:
    """Run a plan without a lock and without a look afterwards; `apply` does all that."""
    from reconciler.execute import execute

    return execute(
        plan, host, kinds=_all(kinds), jobs=jobs, on_start=on_start, on_outcome=on_outcome, stop=stop or host.stop
    )


def apply(
    desired: Topology,
    host: Host,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
    waiting: Callable[[Holder], None] = lambda _: None,
    kinds: Kinds | None = None,
) -> Report:
    """Make the host as desired under the topology's lock, and prove it by looking again.

    Locked after `lock_timeout` seconds of waiting for another run; `waiting` is told for whom.
    """
    from reconciler.host.lock import locked
    from reconciler.reconcile import apply

    with locked(desired.name, timeout=lock_timeout, waiting=waiting):
        return apply(desired, host, kinds=_all(kinds), options=options, progress=progress)


def destroy(
    topology: Topology,
    host: Host,
    *,
    volumes: bool = False,
    images: bool = False,
    progress: Progress | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
    waiting: Callable[[Holder], None] = lambda _: None,
    kinds: Kinds | None = None,
) -> Report:
    """Remove all that is ours under the topology's name; `Topology("notes")` will do where there is no file.

    What the topology declares must be in reach; named volumes and images stay unless asked for. A report is not
    `converged` where something of ours may be left that nobody could see: `unseen` says why.
    """
    from reconciler.host.lock import locked
    from reconciler.reconcile import destroy

    with locked(topology.name, timeout=lock_timeout, waiting=waiting):
        return destroy(topology, host, kinds=_all(kinds), volumes=volumes, images=images, progress=progress)


def _all(kinds: Kinds | None) -> Kinds:
    from reconciler import kinds as every

    return every.kinds() if kinds is None else kinds


__all__ = [
    "LOCK_TIMEOUT",
    "Action",
    "Change",
    "Changes",
    "Claim",
    "Conflict",
    "EngineForbidden",
    "EngineUnreachable",
    "FieldChange",
    "FileInvalid",
    "FrozenMap",
    "Holder",
    "Host",
    "HostRefuses",
    "How",
    "Kind",
    "Locked",
    "Need",
    "NoEngine",
    "NotNow",
    "NotPermitted",
    "Options",
    "Outcome",
    "Plan",
    "PlanStale",
    "Position",
    "Problem",
    "Progress",
    "ReconcilerError",
    "Report",
    "Resource",
    "ResourceKey",
    "Spec",
    "Status",
    "Step",
    "StepFailed",
    "StepKey",
    "Topology",
    "Usage",
    "Verb",
    "apply",
    "destroy",
    "diff",
    "execute",
    "load",
    "observe",
    "plan",
    "prepare",
]
