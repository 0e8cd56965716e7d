"""What the engine lets us label: declared labels, our marks among the live ones, and whose an object is; pure."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.host.marks import LABELS, kept_labels
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import labels, steps
from reconciler.model import FrozenMap, ResourceKey, Spec, secret_paths, with_secret

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Row = Mapping[str, Any]
S = TypeVar("S", bound=Spec)
_SHORTEST = 2
"""How many characters the name of a container or volume has at least; that of a network may have one."""
SECRET = "reconciler.secret"  # noqa: S105 - the name of a label
"""The label that names the attributes with a secret in them: no look at the live ones can tell."""


def live_name(source: Source, section: str, name: str) -> str:
    """Return the live name of a container or volume of ours; one too short for the engine is noted as a problem."""
    live = source.live(section, name)
    if len(live) < _SHORTEST:
        message = f"the engine takes no name as short as {live!r}"
        source.problem((section, name), message, "give it a longer one, or a prefix")
    return live


def declared_labels(source: Source, pointer: Pointer, value: Any) -> FrozenMap[str]:
    """Read declared labels; one that looks like a mark of ours is noted as a problem."""
    found = labels(value)
    for name in found:
        if name.startswith(LABELS):
            place = (*pointer, steps(value)[name])
            source.problem(place, f"the label {name!r} is kept for our own marks", f"not {LABELS}…")
    return FrozenMap(found)


def unmarked(live: Mapping[str, str] | None) -> FrozenMap[str]:
    """Return live labels without our marks."""
    return FrozenMap(kept_labels(live or {}, mark=False))


def secrets_label(spec: Spec) -> dict[str, str]:
    """Return the label that names what is secret in a spec, empty where nothing is."""
    return {SECRET: json.dumps(list(secret_paths(spec)), ensure_ascii=False)}


def veiled_as_noted(spec: S, live: Mapping[str, str] | None) -> S:
    """Return an observed spec in which all that its label names is secret."""
    with contextlib.suppress(ValueError, TypeError, RecursionError):  # of somebody else's making
        for path in json.loads((live or {}).get(SECRET, "[]")):
            spec = with_secret(spec, tuple(path))
    return spec


def whose(scope: Scope, kind: str, rows: Iterable[Row]) -> Iterator[tuple[ResourceKey, bool, Row]]:
    """Say of listed objects (`Name`, `Labels`) as which resource each is observed, and whether it is ours.

    An external has the key under which it is declared; what is foreign, and what is ours under a key that something
    else has already, is keyed by its live name.
    """
    taken = {each.key for each in scope.desired.of_kind(kind) if not each.owned}
    for row in sorted(rows, key=lambda each: ((kind, each["Name"]) not in scope.wanted, each["Name"])):
        place = (kind, row["Name"])
        mark = scope.mark(row["Labels"])
        mine = bool(mark and mark.key.kind == kind)
        key = mark.key if mark and mine else ResourceKey(kind, f"@{row['Name']}")
        if place in scope.externals:
            yield scope.wanted[place], False, row
        else:
            yield _free(key, row, taken), mine, row


def _free(key: ResourceKey, row: Row, taken: set[ResourceKey]) -> ResourceKey:
    names = (key.name, f"@{row['Name']}", f"@{row['Name']} {row.get('Id', '')[:12]}")
    found = next(each for name in names if (each := ResourceKey(key.kind, name)) not in taken)
    taken.add(found)
    return found
