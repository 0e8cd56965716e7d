"""What is live, as lines: each resource with what the host tells of it, each node with its interfaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconciler.kinds.base import Kind
from reconciler.model import Resource, ResourceKey
from reconciler.render.style import PLAIN, Style
from reconciler.render.table import Row, blocks

_INDENT = "  "
_ROUTE = "route"


def show_lines(
    name: str, resources: Iterable[Resource], *, kinds: Mapping[str, Kind], style: Style = PLAIN
) -> list[str]:
    """Render what is live of a topology, in as many columns as the width allows."""
    facts, rows = _told(resources, kinds)
    keys = sorted(facts.keys() | rows.keys())
    if not keys:
        return [f"{name}: nothing is live."]
    heads = blocks([(str(key), ", ".join(filter(None, facts[key]))) for key in keys], style.width)
    below = iter(blocks([row for key in keys for row in sorted(rows[key], key=_rank)], style.width, indent=_INDENT))
    return [
        line
        for key, head in zip(keys, heads, strict=True)
        for lines in ([_bold(str(key), head[0], style), *head[1:]], *(next(below) for _ in rows[key]))
        for line in lines
    ]


def _bold(key: str, line: str, style: Style) -> str:
    return style.bold(key) + line.removeprefix(key)


def _told(
    resources: Iterable[Resource], kinds: Mapping[str, Kind]
) -> tuple[dict[ResourceKey, tuple[str, ...]], dict[ResourceKey, list[Row]]]:
    """Gather facts and rows under what they are part of; the first fact of a part leads the line."""
    facts: dict[ResourceKey, tuple[str, ...]] = defaultdict(tuple)
    rows: dict[ResourceKey, list[Row]] = defaultdict(list)
    for each in sorted(resources, key=lambda each: each.key):
        told = kinds[each.key.kind].tell(each)
        if any(told.facts):
            head = each.part_of or each.key
            facts[head] = (*told.facts[:1], *facts[head], *told.facts[1:])
        for node, row in told.rows:
            rows[node].append(row)
    return facts, rows


def _rank(row: Row) -> tuple[bool, tuple[str, ...]]:
    """Interfaces come before routes."""
    return row[0] == _ROUTE, tuple(row)
