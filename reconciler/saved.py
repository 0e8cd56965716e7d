"""Saved plans: a promise, not a script. What a file holds is compared with a new plan, and must be equal."""

from __future__ import annotations

import json
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import Any

from reconciler.errors import PlanStale, Usage
from reconciler.kinds.reading import is_stream, read_file
from reconciler.model import FORMAT_VERSION, Plan, ResourceKey, Verb
from reconciler.reconcile import Options
from reconciler.render.as_json import plan_json
from reconciler.render.values import discreet, plain, sealed
from reconciler.value import dataclass

_MACHINE = "machine"
_KEEP = "keep"
_CHOICE = ("target", "replace", "adopt", _KEEP)
"""The options that decide what is in a plan."""
_SALT = "salt"
"""What every saved plan has."""
_LARGEST = 1 << 30
"""How many bytes a saved plan may have: some thirty times as many as the file that it is of."""
_WHOLE = 64
"""Digits of a whole digest."""


@dataclass(frozen=True)
class Saved:
    """A plan as it was saved: `file`, `name` of the topology, and digests of the file and of all secrets.

    `chosen` is what of the options decides over the plan, each a list of texts.
    The key of the digests is made of the `salt` and of what the file does not hold, the machine's own; `machine` is the
    digest that tells whether it is the same.
    """

    file: str
    digest: str
    name: str
    salt: str
    machine: str
    plan: dict[str, Any]
    chosen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def options(self) -> Options:
        """The options under which it was made, and is to be made again."""
        given: dict[str, Any] = {name: frozenset(each) if name == _KEEP else each for name, each in self.chosen.items()}
        return Options(**given)


def save(path: Path, plan: Plan, *, machine: bytes, options: Options | None = None) -> None:
    """Write a plan; Usage if it is of standard input, if the file cannot be written, or if it holds something else.

    Only the owner may read the file; and whoever does cannot guess at secrets without the key of the `machine`.
    """
    import secrets

    desired = plan.changes.desired
    check_source(desired.source)
    salt = secrets.token_hex(32)
    key = key_of(salt, machine)
    saved = Saved(
        desired.source,
        _digest(key, desired.digest),
        desired.name,
        salt,
        _digest(key, _MACHINE),
        rendered(plan, key),
        _chosen(options or Options()),
    )
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(saved)}, indent=2, ensure_ascii=False) + "\n"
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise Usage(f"{path}: cannot be written: it is there, and no file of its own")
        if path.exists() and not _is_ours(path):
            raise Usage(f"{path}: is there, and is no saved plan: name another file, such as plan.json, or remove it")
        _write(path, text)
    except OSError as error:
        raise Usage(f"{path}: cannot be written: {error.strerror}") from error


def check_source(source: str | None) -> None:
    """Insist that a plan could be made again; Usage if it is of standard input, or of a pipe."""
    if source is not None and is_stream(source):
        raise Usage("a plan of standard input, or of a pipe, cannot be saved: it could not be made again")


def _chosen(options: Options) -> dict[str, list[str]]:
    found = {name: sorted(map(str, getattr(options, name) or ())) for name in _CHOICE}
    return {name: each for name, each in found.items() if each}


def _is_ours(path: Path) -> bool:
    """Tell whether a file is a saved plan of any format, or empty: nobody misses it."""
    content = read_file(path, _LARGEST)
    try:
        found = json.loads(content) if content else {_SALT: ""}
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and _SALT in found


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, at once as a whole, and through nobody's link."""
    import tempfile

    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def read(path: Path) -> Saved:
    """Read a saved plan; Usage if there is none, or if it is none."""
    try:
        found = json.loads(read_file(path, _LARGEST))
        version = found.pop("format_version")
        saved = _sound(Saved(**found)) if version == FORMAT_VERSION else None
    except OSError as error:
        raise Usage(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Usage(f"{path}: is not a saved plan: make one with `reconciler plan --out plan.json`") from error
    if saved is None:
        raise Usage(f"{path}: is of format {version}, and this program reads {FORMAT_VERSION}: save the plan again")
    return saved


def _sound(saved: Saved) -> Saved:
    """Insist that all is of its type, and texts of what texts have; TypeError or ValueError if it is not."""
    for each in fields(saved):
        wanted, value = dict if each.name in ("plan", "chosen") else str, getattr(saved, each.name)
        if not isinstance(value, wanted):
            raise TypeError(each.name)
        if isinstance(value, str) and b"\0" in value.encode():
            raise ValueError(each.name)
    for name, given in saved.chosen.items():
        if name not in _CHOICE or not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise TypeError(name)
        for key in given if name != _KEEP else ():
            ResourceKey.of(key)
    return saved


def check(saved: Saved, plan: Plan, *, machine: bytes) -> None:
    """Insist that a plan is what was saved; PlanStale, which says what differs, if it is not."""
    key = key_of(saved.salt, machine)
    if _digest(key, _MACHINE) != saved.machine:
        raise PlanStale("the plan was saved on another machine, or before this one was started again: plan again")
    if _digest(key, plan.changes.desired.digest) != saved.digest:
        raise PlanStale(f"{saved.file}: has changed since the plan was saved: plan again")
    now = rendered(plan, key)
    if now != saved.plan:
        raise PlanStale(f"the plan would be another one by now{_difference(saved.plan, now)}: plan again")


def rendered(plan: Plan, key: bytes) -> dict[str, Any]:
    """Render all that a plan promises, secrets as digests; waits, which change nothing, are left out."""
    hide = sealed(key, _WHOLE)
    found = plan_json(plan, hide=hide)
    found["steps"] = [each for each in found["steps"] if each["verb"] != Verb.WAIT]
    for step in found["steps"]:
        step["after"] = [each for each in step["after"] if not each.startswith(f"{Verb.WAIT} ")]
    desired = {str(each.key): plain(each.desired.spec, hide=hide) for each in plan.changes.pending if each.desired}
    found["desired"] = discreet(desired, hide=hide)
    as_read: dict[str, Any] = json.loads(json.dumps(found))
    return as_read


def key_of(salt: str, machine: bytes) -> bytes:
    """Return the key of a saved plan: neither its salt nor the machine alone makes it."""
    import hmac

    return hmac.digest(machine, salt.encode(), "sha256")


def _digest(key: bytes, text: str) -> str:
    import hmac

    return hmac.digest(key, text.encode(), "sha256").hex()


def _difference(saved: dict[str, Any], now: dict[str, Any]) -> str:
    """Name the resources whose changes differ; nothing where the saved plan is not what was saved."""
    try:
        before, after = ({each["key"]: each for each in plan["changes"]} for plan in (saved, now))
        wanted, wants = dict(saved["desired"]), now["desired"]
    except (KeyError, TypeError, ValueError):
        return ""
    keys = sorted(
        key for key in {*before, *after} if before.get(key) != after.get(key) or wanted.get(key) != wants.get(key)
    )
    return f" ({', '.join(keys)})" if keys else ""
