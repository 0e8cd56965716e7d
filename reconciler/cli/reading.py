"""What several commands do: read the file, and say what stands beside a plan."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.output import complain, note, settings
from reconciler.cli.privileged import Asked
from reconciler.errors import ReconcilerError, Usage
from reconciler.model import DEFAULT_FILE, Plan, ResourceKey, Topology

if TYPE_CHECKING:
    from reconciler.reconcile import Options


def loaded(file: str | None, name: str | None) -> Topology:
    """Read a topology file."""
    from reconciler.kinds import kinds
    from reconciler.topology import load

    check_name(name)
    settings.file = file or ""
    return load(DEFAULT_FILE if file is None else file, kinds=kinds(), name=name, environment=environment())


def environment() -> Asked:
    """Return the variables that a file may ask for: those that it does are kept in mind."""
    return Asked(os.environ, settings.asked)


def chosen(
    target: Sequence[ResourceKey] | None,
    replace: Sequence[ResourceKey] | None,
    adopt: Sequence[ResourceKey] | None,
    *,
    no_prune: bool,
) -> Options:
    """Return what decides over a plan, as options."""
    from reconciler.kinds import kinds
    from reconciler.reconcile import Options

    keep = frozenset(kinds()) if no_prune else None
    return Options(target=tuple(target or ()), replace=tuple(replace or ()), adopt=tuple(adopt or ()), keep=keep)


def loaded_or_named(file: str | None, name: str | None) -> Topology:
    """Read a topology file, or do with the name alone where no file is named."""
    if name is None or file is not None:
        return loaded(file, name)
    check_name(name)
    return Topology(name)


def check_name(name: str | None) -> None:
    """Refuse what the schema would refuse as the name of a topology."""
    if name is None:
        return
    from reconciler.topology.schema import schema

    wanted = schema()["properties"]["name"]
    if len(name) > wanted["maxLength"] or not re.search(wanted["pattern"], name):
        raise Usage(f"--name: {name!r} is not {wanted['title']}, of {wanted['maxLength']} characters at most")


def out_of_reach(missing: Mapping[str, ReconcilerError]) -> int:
    """Say which kinds could not be looked at, once for each reason, and return the exit code."""
    reasons = {str(error): error for error in missing.values()}
    codes = [complain(error, about=f" ({_not_looked_at(missing, text)})") for text, error in reasons.items()]
    return min(codes, default=0)


def _not_looked_at(missing: Mapping[str, ReconcilerError], text: str) -> str:
    kinds = (kind for kind, error in sorted(missing.items()) if str(error) == text)
    return f"not looked at: {', '.join(kinds)}"


def note_out_of_sight(made: Plan) -> None:
    """Say of which kinds that the file does not declare something of ours may be there that nobody saw."""
    from reconciler.reconcile import out_of_sight

    missing = out_of_sight(made.changes)
    for text in dict.fromkeys(map(str, missing.values())):
        note(f"{_not_looked_at(missing, text)} ({text})")


def warn_of_others(made: Plan, *, named: bool) -> None:
    """Say with which other topology a plan may mix up this one."""
    from reconciler.reconcile.others import mixed_up

    for line in mixed_up(made.changes, named=named):
        note(f"warning: {line}")
