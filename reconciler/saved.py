"""Saved plans: a promise, not a script. What a file holds is compared with a new plan, and must be equal."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import PlanStale, Usage
from reconciler.model import FORMAT_VERSION, Plan, Verb
from reconciler.render.as_json import plan_json
from reconciler.render.values import Hide, plain

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Saved:
    """A plan as it was saved: `file` and its `digest`, `name` of the topology, `key` of the digests of secrets."""

    file: str
    digest: str
    name: str
    key: str
    plan: dict[str, Any]


def save(path: Path, plan: Plan) -> None:
    """Write a plan; Usage if it is of standard input, or if the file cannot be written.

    Only the owner may read the file: whoever has the key can guess at short secrets.
    """
    desired = plan.changes.desired
    if desired.source == STANDARD_INPUT:
        raise Usage("a plan of standard input cannot be saved: it could not be made again")
    key = secrets.token_hex(32)
    saved = Saved(desired.source, desired.digest, desired.name, key, rendered(plan, key))
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(saved)}, indent=2, ensure_ascii=False) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.touch(0o600)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Usage(f"{path}: cannot be written: {error.strerror}") from error


def read(path: Path) -> Saved:
    """Read a saved plan; Usage if there is none, or if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version = found.pop("format_version")
        saved = Saved(**found) if version == FORMAT_VERSION else None
    except OSError as error:
        raise Usage(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Usage(f"{path}: is not a saved plan: make one with `reconciler plan --out {path}`") from error
    if saved is None:
        raise Usage(f"{path}: is of format {version}, and this program reads {FORMAT_VERSION}: save the plan again")
    return saved


def check(saved: Saved, plan: Plan) -> None:
    """Insist that a plan is what was saved; PlanStale, which says what differs, if it is not."""
    if plan.changes.desired.digest != saved.digest:
        raise PlanStale(f"{saved.file}: has changed since the plan was saved: plan again")
    now = rendered(plan, saved.key)
    if now != saved.plan:
        raise PlanStale(f"the plan would be another one by now{_difference(saved.plan, now)}: plan again")


def rendered(plan: Plan, key: str) -> dict[str, Any]:
    """Render all that a plan promises, secrets as digests; waits, which change nothing, are left out."""
    hide = _digester(key)
    found = plan_json(plan, hide=hide)
    found["steps"] = [each for each in found["steps"] if each["verb"] != Verb.WAIT]
    for step in found["steps"]:
        step["after"] = [each for each in step["after"] if not each.startswith(f"{Verb.WAIT} ")]
    found["desired"] = {
        str(each.key): plain(each.desired.spec, hide=hide) for each in plan.changes.pending if each.desired
    }
    as_read: dict[str, Any] = json.loads(json.dumps(found))
    return as_read


def _digester(key: str) -> Hide:
    def digest(value: Any) -> str:
        text = json.dumps(plain(value), sort_keys=True)
        return "hmac-sha256:" + hmac.digest(bytes.fromhex(key), text.encode(), "sha256").hex()

    return digest


def _difference(saved: dict[str, Any], now: dict[str, Any]) -> str:
    """Name the resources whose changes differ."""
    before, after = ({each["key"]: each for each in plan["changes"]} for plan in (saved, now))
    wanted, wants = saved["desired"], now["desired"]
    keys = sorted(
        key for key in {*before, *after} if before.get(key) != after.get(key) or wanted.get(key) != wants.get(key)
    )
    return f" ({', '.join(keys)})" if keys else ""
