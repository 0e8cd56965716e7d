"""Plans, reports and observed topologies as JSON: stable, deterministic, without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.model import (
    FORMAT_VERSION,
    Change,
    Changes,
    FieldChange,
    Outcome,
    Plan,
    Report,
    Resource,
    Step,
)
from reconciler.render.values import Hide, discreet, hidden, plain

Json = dict[str, Any]


def plan_json(plan: Plan, *, hide: Hide = hidden) -> Json:
    """Render a plan; no-ops are counted, not listed; each step names those that come right before it."""
    return _whole({**_head(plan.changes.desired.name), **_plan(plan, hide)}, hide)


def report_json(report: Report, *, hide: Hide = hidden) -> Json:
    """Render what became of a plan, and what still differs."""
    return _whole({**_head(report.plan.changes.desired.name), **_report(report, hide)}, hide)


def show_json(name: str, resources: Iterable[Resource], *, hide: Hide = hidden) -> Json:
    """Render what is live."""
    found = [
        {"key": str(each.key), "spec": plain(each.spec, hide=hide), "live": plain(each.live, hide=hide)}
        for each in resources
    ]
    return _whole({**_head(name), "resources": found}, hide)


def change_json(change: Change, *, hide: Hide = hidden) -> Json:
    """Render one change."""
    found: Json = {
        "key": str(change.key),
        "action": change.action.value,
        "reason": change.reason,
        "fields": {each.path: _field(each, hide) for each in change.fields},
    }
    if change.contents:
        found["contents"] = change.contents
    if change.if_changed:
        found["if_changed"] = [str(each) for each in change.if_changed]
    return found


def _whole(found: Json, hide: Hide) -> Json:
    told: Json = discreet(found, hide=hide)
    return told


def _head(name: str) -> Json:
    return {"format_version": FORMAT_VERSION, "topology": name}


def _plan(plan: Plan, hide: Hide) -> Json:
    changes = plan.changes
    return {
        "changes": [change_json(each, hide=hide) for each in changes.pending],
        "unchanged": len(changes.by_key) - len(changes.pending),
        "steps": [_step(plan, each) for each in plan.ordered],
        **_unavailable(changes),
    }


def _unavailable(changes: Changes) -> Json:
    """The kinds that could not be looked at; nothing where there are none."""
    found = {kind: str(error) for kind, error in sorted(changes.observed.unavailable.items())}
    return {"unavailable": found} if found else {}


def _step(plan: Plan, step: Step) -> Json:
    found: Json = {"step": str(step.key), "key": str(step.key.key), "verb": step.verb.value}
    if step.key.condition:
        found["condition"] = step.key.condition
    found["after"] = sorted(map(str, plan.predecessors[step.key]))
    if step.carried_by:
        found["carried_by"] = str(step.carried_by)
    return found


def _report(report: Report, hide: Hide) -> Json:
    found: Json = {
        **_plan(report.plan, hide),
        "outcomes": [_outcome(each) for each in report.outcomes],
        "remaining": [change_json(each, hide=hide) for each in report.remaining],
        "converged": report.converged,
    }
    if report.unseen:
        found["unseen"] = [str(each) for each in report.unseen]
    if report.interrupted:
        found["interrupted"] = report.interrupted
    if report.reverted:
        found["reverted"] = _report(report.reverted, hide)
    return found


def _outcome(outcome: Outcome) -> Json:
    found: Json = {
        "key": str(outcome.step.key.key),
        "verb": outcome.step.verb.value,
        "status": outcome.status.value,
        "error": str(outcome.error) if outcome.error else None,
        "seconds": round(outcome.seconds, 3),
    }
    if outcome.cause:
        found["cause"] = str(outcome.cause)
    return found


def _field(change: FieldChange, hide: Hide) -> Json:
    sides = {"observed": change.observed, "desired": change.desired}
    found = {side: _side(value, change, hide) for side, value in sides.items()}
    return {**found, "forces_replacement": True} if change.forces else found


def _side(value: Any, change: FieldChange, hide: Hide) -> Any:
    return hide(value) if change.secret and value is not None else plain(value, hide=hide)
