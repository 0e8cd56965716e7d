"""What a plan would delete though it is not from the same file: two files of one name take each other's things away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from reconciler.model import Action, Changes

_FEW = 3


def taken_from_others(changes: Changes) -> Iterator[str]:
    """Say of each other file what is to be deleted that was made from it."""
    doomed: dict[str, list[str]] = defaultdict(list)
    mine = changes.desired.source
    for change in changes.pending:
        if change.action is Action.DELETE and mine:
            theirs = str(change.resource.live.get("source") or "")
            if theirs and not mine.endswith(theirs):  # an interface's mark has room for the end of a long path only
                doomed[theirs].append(str(change.key))
    for theirs, keys in sorted(doomed.items()):
        few = ", ".join(keys[:_FEW]) + (f" and {len(keys) - _FEW} more" if len(keys) > _FEW else "")
        yield f"{few}: made from {theirs}, a topology of the same name: --name keeps two apart"
