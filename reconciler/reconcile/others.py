"""Two topologies that get mixed up: two files of one name, and one file that was renamed within."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from reconciler.host.marks import is_from
from reconciler.model import Action, Changes

_FEW = 3


def mixed_up(changes: Changes, *, named: bool) -> Iterator[str]:
    """Say so when a plan would delete what another file of the same name made, or this one had another name before.

    Who has `named` the topology on the command line wants several of one file.
    """
    yield from taken_from_others(changes)
    if not named:
        yield from made_before(changes)


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


def made_before(changes: Changes) -> Iterator[str]:
    """Say which topology stays as it is, whether all is to be made again or to be gone: the file had its name then."""
    for each in changes.observed.beside:
        yield f"topology {each} was made from this file too: if that was its name, `reconciler destroy --name {each}`"
