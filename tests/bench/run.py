"""Run rows: side after side, round after round, so that what slows the machine down slows all of them."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace

from bench.measure import Failed
from bench.nouns import Row, Sample, Side

Samples = dict[tuple[str, str], list[Sample]]


@dataclass
class Result:
    """What came of a row: the samples by side and act, and why a side did not take part, or failed at last."""

    row: Row
    samples: Samples = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)


def run(row: Row, rounds: int) -> Result:
    """Run one row; a side that fails in one round may do better in the next."""
    away = {each.name: why for each in row.sides if (why := each.missing())}
    result = Result(row, missing=dict(away))
    for number in range(row.rounds or rounds):
        turn = number % len(row.sides)
        for side in (*row.sides[turn:], *row.sides[:turn]):
            if side.name not in away and not (side.once and number):
                _run(side, result, number)
    return result


def _run(side: Side, result: Result, number: int) -> None:
    print(f"{result.row.name}: {side.name} …", file=sys.stderr, flush=True)
    course = side.course()
    try:
        for act, sample in course:
            result.samples[side.name, act].append(replace(sample, round=number))
    except (Failed, OSError) as error:
        result.missing[side.name] = f"failed: {error}"
        print(f"{result.row.name}: {side.name}: {error}", file=sys.stderr)
