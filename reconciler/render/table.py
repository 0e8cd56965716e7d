"""Rows in columns that fit a width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

Row = Sequence[str]
_GAP = "  "
_LEAST = 24


def table(rows: Sequence[Row], width: int) -> list[str]:
    """Align cells in columns; what does not fit into the width (0: as wide as need be) goes on below itself."""
    return [line for lines in blocks(rows, width) for line in lines]


def blocks(rows: Sequence[Row], width: int, *, indent: str = "") -> list[list[str]]:
    """Return the lines of a table row by row; a column that is empty in all rows is left out."""
    columns = max(map(len, rows), default=0)
    padded = [[*row, *[""] * (columns - len(row))] for row in rows]
    widths = [max(len(row[at]) for row in padded) for at in range(columns)]
    used = [at for at in range(columns) if widths[at]]
    return [list(_lines([row[at] for at in used], [widths[at] for at in used], width, indent)) for row in padded]


def _lines(row: Row, widths: Sequence[int], width: int, indent: str) -> Iterator[str]:
    *first, last = row or [""]
    head = indent + "".join(f"{cell:<{wide}}{_GAP}" for cell, wide in zip(first, widths, strict=False))
    start, *more = _wrapped(last, width - len(head)) if width else [last]
    yield (head + start).rstrip()
    yield from (" " * len(head) + each for each in more)


def _wrapped(cell: str, room: int) -> list[str]:
    return textwrap.wrap(cell, max(_LEAST, room), break_long_words=False, break_on_hyphens=False) or [""]
