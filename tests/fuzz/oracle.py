"""What holds of every input: a topology or lines that say what is wrong, and the same whichever way it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from hostile_table import ENVIRONMENT, MAIN

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.model import Topology
from reconciler.topology import document, load
from reconciler.topology.quick import quick

_BETWEEN = b"\n== "
_OTHERS = frozenset((".env", "one.yaml", "two.yaml", "a.env"))


def files(data: bytes) -> Mapping[str, bytes]:
    """Cut an input into files as the tables of hostile topologies are cut: `== NAME` stands before a further one."""
    main, *others = data.split(_BETWEEN)
    named = (each.partition(b"\n") for each in others)
    return {MAIN: main} | {name: text for raw, _, text in named if (name := raw.decode(errors="replace")) in _OTHERS}


def check(content: Mapping[str, bytes]) -> Topology | tuple[str, ...]:
    """Load files in the present folder, and insist on all that holds of any; return what came of it."""
    for name, text in content.items():
        Path(name).write_bytes(text)
    try:
        found = _loaded()
        if quick(content[MAIN], name=None) is not None:
            with patch.object(document, "quick", lambda _, *, name: None):
                slowly = _loaded()
            assert found == slowly, f"the quick way says {found}, the slow one {slowly}"
    finally:
        for name in content:
            Path(name).unlink()
    return found


def _loaded() -> Topology | tuple[str, ...]:
    try:
        return load(MAIN, kinds=kinds(), environment=ENVIRONMENT)
    except FileInvalid as error:
        lines = tuple(map(str, error.problems))
    assert lines, "refused without a reason"
    assert all(each.isprintable() for each in lines), f"what is told is not a line each: {lines}"
    return lines


__all__ = ["MAIN", "check", "files"]
