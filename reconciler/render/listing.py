"""The topologies on a host as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.render.style import PLAIN, Style
from reconciler.render.table import table

if TYPE_CHECKING:
    from reconciler.topologies import Found

_HEAD = ("TOPOLOGY", "FROM", "RESOURCES")


def topology_lines(found: Sequence[Found], *, style: Style = PLAIN) -> list[str]:
    """Render each topology with the files it came from and how many resources of each kind it has."""
    if not found:
        return ["No topologies on this host."]
    rows = [(each.name, ", ".join(each.sources) or "?", _counted(each.counts)) for each in found]
    head, *rest = table([_HEAD, *rows], style.width)
    return [style.bold(head), *rest]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in counts.items())
