"""What a command costs that has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.measure import PYTHON, TESTS, command, reconciler
from bench.nouns import OURS, PROFILED, Bound, Row, Sample, Scale, Side
from bench.ours import profiled

INTERPRETER = "bare interpreter"
_QUICKSTART = str(TESTS.parent / "topologies" / "quickstart.yaml")
_TIMES = 4


def rows(scale: Scale, _: Path) -> list[Row]:
    """The start of the command, against the interpreter's own."""
    return [
        Row(
            "start",
            "start of the command",
            (Side(OURS, _ours), Side(PROFILED, _profiled, once=True), Side(INTERPRETER, _bare)),
            (
                Bound("--version", 6, INTERPRETER, "start"),
                Bound("validate the quickstart", 15, INTERPRETER, "start"),
            ),
            rounds=scale.rounds * _TIMES,
        )
    ]


def _ours() -> Iterator[tuple[str, Sample]]:
    yield "--version", reconciler("--version")
    yield "validate the quickstart", reconciler("validate", _QUICKSTART)


def _profiled() -> Iterator[tuple[str, Sample]]:
    yield "validate the quickstart", profiled("validate", _QUICKSTART)


def _bare() -> Iterator[tuple[str, Sample]]:
    yield "start", command(PYTHON, "-c", "pass")
