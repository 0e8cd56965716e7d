"""All rows, by the module that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.nouns import Growth, Row, Scale
from bench.rows import changes, containers, kernel, pure, start, watch

Rows = Callable[[Scale, Path], list[Row]]
MODULES: tuple[Rows, ...] = (
    start.rows,
    pure.rows,
    containers.rows,
    changes.rows,
    kernel.rows,
    watch.rows,
)
GROWTHS: tuple[Growth, ...] = (*pure.GROWTHS, *kernel.GROWTHS, *containers.GROWTHS)


def chosen(scale: Scale, folder: Path, names: list[str]) -> list[Row]:
    """Those of a name, or of a group, which is what stands before the dash; all without any."""
    found = [row for rows in MODULES for row in rows(scale, folder)]
    return [row for row in found if not names or {row.name, row.name.partition("-")[0]} & set(names)]
