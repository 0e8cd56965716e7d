"""A file on paper: a validated document without a file behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.errors import Position, Problem
from reconciler.kinds.source import Source


class Paper:
    """Implements reconciler.kinds.source.File; each section has a line of its own, each entry a column."""

    def __init__(self, data: Mapping[str, Any], cut: Sequence[Sequence[str | int]] = ()) -> None:
        self.data, self.cut = data, cut

    def problem(self, pointer: Sequence[str | int], message: str, hint: str = "") -> Problem:
        line = 1 + [*self.data, pointer[0]].index(str(pointer[0]))
        entries = [*(self.data.get(str(pointer[0])) or {}), *pointer[1:]]
        return Problem(
            Position("paper", line, 1 + entries.index(pointer[1])), "/".join(map(str, pointer)), message, hint
        )

    def incomplete(self, pointer: Sequence[str | int]) -> bool:
        return pointer in self.cut

    def variable(self, pointer: Sequence[str | int], name: str) -> str | None:
        return f"{name} at {pointer[0]}"

    def directory(self, pointer: Sequence[str | int]) -> Path:
        return Path("/paper", *map(str, pointer[:1]))


def source(data: Mapping[str, Any] | None = None, *, cut: Sequence[Sequence[str | int]] = (), **options: Any) -> Source:
    return Source(Paper(data or {}, cut), name="t", **options)
