"""What the bench says of its samples: met or missed, by which factor, against whom, and what growth it sees."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import table
from bench.judge import lines, steepest
from bench.measure import Failed
from bench.nouns import FLOOR, OURS, Bound, Growth, Row, Sample, Side
from bench.run import Result, run

Samples = dict[tuple[str, str], list[float]]
GROWTH = Growth("pairs", ("fresh",), 1.1, last=11)


def result(samples: Samples, *bounds: Bound, missing: dict[str, str] | None = None, size: int = 0) -> Result:
    found = Result(Row(f"row-{size}", "a row", (), bounds, "pairs", size), missing=missing or {})
    for where, seconds in samples.items():
        found.samples[where] = [Sample(each, memory=100 * each, round=at) for at, each in enumerate(seconds)]
    return found


def judged(samples: Samples, bound: Bound, *, newer: bool = False, missing: dict[str, str] | None = None) -> Any:
    (line,) = lines([result(samples, bound, missing=missing)], (), newer=newer)
    return line


@pytest.mark.parametrize(
    ("ours", "bound", "newer", "value", "met"),
    [
        ([1.0, 2.2, 9.0], Bound("fresh", 1.1, FLOOR), False, 1.1, True),
        ([1.0, 2.3, 9.0], Bound("fresh", 1.1, FLOOR), False, 1.15, False),
        ([1.0, 2.3, 9.0], Bound("fresh", 1.1, FLOOR, newer=1.2), False, 1.15, False),
        ([1.0, 2.3, 9.0], Bound("fresh", 1.1, FLOOR, newer=1.2), True, 1.15, True),
        ([2.0, 2.0, 2.0], Bound("fresh", 0.5, FLOOR, "look"), False, 0.5, True),
        ([1.2, 1.2, 1.2], Bound("fresh", 120, of="memory", unit=" MB"), False, 120, True),
        ([1.3, 1.3, 1.3], Bound("fresh", 120, of="memory", unit=" MB"), False, 130, False),
    ],
    ids=["just met", "just missed", "old engine", "newer engine", "another act of theirs", "no rival", "too large"],
)
def test_a_bound_holds_the_median_of_the_ratios(
    ours: list[float], bound: Bound, newer: bool, value: float, met: bool
) -> None:
    line = judged({(OURS, "fresh"): ours, (FLOOR, "fresh"): [2.0] * 3, (FLOOR, "look"): [4.0] * 3}, bound, newer=newer)
    assert (round(line.value, 9), line.met) == (value, met)
    assert table.cells(line)[-1] == ("met" if met else "MISSED")


def test_ratios_are_of_the_same_round() -> None:
    """What slowed one round down slowed both sides of it: the ratio of the medians would be 1 here."""
    line = judged({(OURS, "fresh"): [1.0, 8.0, 6.0], (FLOOR, "fresh"): [2.0, 6.0, 8.0]}, Bound("fresh", 1, FLOOR))
    assert line.values == (0.5, 8 / 6, 0.75)
    assert line.met is True


def test_a_round_in_which_one_side_failed_is_compared_with_none() -> None:
    found = result({(FLOOR, "fresh"): [2.0, 2.0, 8.0]}, Bound("fresh", 1, FLOOR))
    found.samples[OURS, "fresh"] = [Sample(2.0, round=1), Sample(8.0, round=2)]
    (line,) = lines([found], (), newer=False)
    assert line.values == (1.0, 1.0)


def test_what_is_done_more_than_once_a_round_is_compared_turn_by_turn() -> None:
    found = result({}, Bound("change", 1, OURS, "no-op"))
    found.samples[OURS, "change"] = [Sample(2.0, round=0), Sample(4.0, round=1)]
    found.samples[OURS, "no-op"] = [Sample(each, round=at) for at in (0, 1) for each in (1.0 + at, 9.0)]
    (line,) = lines([found], (), newer=False)
    assert line.values == (2.0, 2.0)


def test_seconds_on_top_are_allowed_with_the_factor() -> None:
    bound = Bound("mended", 1.5, OURS, "step", plus=0.1)
    for ours, met in ((0.25, True), (0.26, False)):
        line = judged({(OURS, "mended"): [ours], (OURS, "step"): [0.1]}, bound)
        assert (line.met, line.most) == (met, 1.0)
        assert line.against == "1.5 × its step + 100 ms"


def test_a_side_that_is_missing_is_told_and_never_met() -> None:
    ours: Samples = {(OURS, "fresh"): [1.0]}
    absent = judged(ours, Bound("fresh", 1.1, "Other"), missing={"Other": "no `other` here\nmore of it"})
    assert (absent.met, table.cells(absent)[-1]) == (None, "not judged: no `other` here")
    assert judged(ours, Bound("fresh", 1.1, "Other")).note == "not measured"
    failed = judged({(FLOOR, "fresh"): [1.0]}, Bound("fresh", 9, FLOOR), missing={OURS: "failed: exit code 1"})
    assert (failed.met, failed.note) == (None, "failed: exit code 1")


def grown(*points: tuple[int, float]) -> list[Any]:
    found = [result({(OURS, "fresh"): [seconds]}, size=size) for size, seconds in points]
    return lines(found, [GROWTH], newer=False)


def test_growth_is_the_steepest_part_and_the_last_step() -> None:
    slope, last = grown((100, 1.0), (1000, 10.0), (10_000, 120.0))
    assert slope.value == pytest.approx(1.0792, abs=1e-4)
    assert (slope.met, last.value, last.met) == (True, 12, False)
    slope, last = grown((100, 1.0), (1000, 20.0), (10_000, 100.0))
    assert slope.value == pytest.approx(1.30103, abs=1e-4)
    assert (slope.met, last.value, last.met) == (False, 5, True)


def test_sizes_that_are_near_tell_no_growth() -> None:
    assert steepest([(10, 1.0), (20, 9.0)]) is None
    assert steepest([(10, 1.0), (20, 9.0), (40, 4.0)]) == pytest.approx(1.0)
    assert grown((100, 1.0)) == []


class Told(list[str]):
    """What sides were asked to do, in its order."""

    def side(self, name: str, **options: Any) -> Side:
        def course() -> Iterator[tuple[str, Sample]]:
            self.append(name)
            if self.count(name) in options.get("fails", ()):
                raise Failed("it fell over")
            yield "act", Sample(1.0)

        return Side(name, course, options.get("missing", str), once=options.get("once", False))


def test_sides_take_turns_in_beginning() -> None:
    told = Told()
    row = Row("r", "a row", (told.side("a"), told.side("b"), told.side("c", once=True)))
    found = run(row, 3)
    assert "".join(told) == "abc" + "ba" + "ab"
    assert {side: len(samples) for (side, _), samples in found.samples.items()} == {"a": 3, "b": 3, "c": 1}


def test_a_side_that_fails_once_does_better_the_next_time_and_one_that_is_away_is_not_asked() -> None:
    told = Told()
    sides = told.side("a", fails=[1]), told.side("b"), told.side("c", missing=lambda: "not here")
    found = run(Row("r", "a row", sides, rounds=2), 5)
    assert "".join(told) == "abba", "the row's own number of rounds"
    assert {side: len(samples) for (side, _), samples in found.samples.items()} == {"a": 1, "b": 2}
    assert found.missing == {"a": "failed: it fell over", "c": "not here"}


@pytest.mark.parametrize(
    ("most", "quick", "code"), [(1.0, False, 0), (0.9, False, 1), (0.9, True, 0)], ids=["met", "missed", "quick"]
)
def test_a_missed_bound_of_a_full_run_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: float, quick: bool, code: int
) -> None:
    told = Told()
    row = Row("r", "a row", (told.side(OURS), told.side(FLOOR)), (Bound("act", most, FLOOR),))
    monkeypatch.setattr(bench, "chosen", lambda *_: [row])
    monkeypatch.setattr(bench, "is_newer", lambda: False)
    monkeypatch.setattr(bench, "version", lambda: "none")
    monkeypatch.setattr(bench, "with_image", contextlib.nullcontext)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["bench", "--report", str(tmp_path), *(["--quick"] if quick else [])])
    assert bench.main() == code
    assert ("MISSED" if most < 1 else "met") in (tmp_path / "README.md").read_text()
