"""Two topologies that get mixed up: two files of one name, and one file that was renamed within."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from reconciler.host.marks import is_from
from reconciler.model import Action, Changes

_FEW = 3


def taken_from_others(changes: Changes) -> Iterator[str]:
    """Say of each other file what is to be deleted that was made from it."""
    doomed: dict[str, list[str]] = defaultdict(list)
    mine = changes.desired.source
    for change in changes.pending:
        if change.action is Action.DELETE and mine:
            theirs = str(change.resource.live.get("source") or "")
            if theirs and theirs != mine and not is_from(mine, theirs):
                doomed[theirs].append(str(change.key))
    for theirs, keys in sorted(doomed.items()):
        few = ", ".join(keys[:_FEW]) + (f" and {len(keys) - _FEW} more" if len(keys) > _FEW else "")
        yield f"{few}: made from {theirs}: unless that is this file before it was moved, --name keeps the two apart"


def made_twice(changes: Changes) -> Iterator[str]:
    """Say of which topology all that is to be made may be the double: the file had another name then."""
    for each in changes.observed.beside if changes.pending else ():
        yield f"topology {each} was made from this file too: if that was its name, `reconciler destroy --name {each}`"
