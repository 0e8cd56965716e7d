"""What several commands do: read the file, and say what stands beside a plan."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from reconciler.cli.output import complain, note
from reconciler.errors import ReconcilerError, Usage
from reconciler.model import DEFAULT_FILE, Action, Plan, Topology

_FEW = 3


def loaded(file: str | None, name: str | None) -> Topology:
    """Read a topology file."""
    from reconciler.kinds import kinds
    from reconciler.topology import load

    check_name(name)
    return load(DEFAULT_FILE if file is None else file, kinds=kinds(), name=name)


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
    return min(complain(error, about=_about(missing, text)) for text, error in reasons.items())


def _about(missing: Mapping[str, ReconcilerError], text: str) -> str:
    kinds = (kind for kind, error in sorted(missing.items()) if str(error) == text)
    return f" (not looked at: {', '.join(kinds)})"


def warn_of_others(made: Plan) -> None:
    """Say so when a plan would delete what another file of the same name made."""
    doomed: dict[str, list[str]] = defaultdict(list)
    mine = made.changes.desired.source
    for change in made.changes.pending:
        if change.action is Action.DELETE and mine:
            theirs = str(change.resource.live.get("source") or "")
            if theirs and not mine.endswith(theirs):  # an interface's mark has room for the end of a long path only
                doomed[theirs].append(str(change.key))
    for theirs, keys in sorted(doomed.items()):
        few = ", ".join(keys[:_FEW]) + (f" and {len(keys) - _FEW} more" if len(keys) > _FEW else "")
        note(f"warning: {few}: made from {theirs}, a topology of the same name: --name keeps two apart")
