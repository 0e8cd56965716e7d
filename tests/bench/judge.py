"""What the samples say of each bound; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.nouns import OURS, Bound, Growth, Sample
from bench.run import Result

DECADE = 3.0
"""Sizes that are nearer to each other than by this factor tell no slope: what is constant or noise is too much of it."""


@dataclass(frozen=True)
class Line:
    """A bound, what came of it (the median, the least, the most), and whether it is met; `note` says why nothing came.

    `ours` and `theirs` are the medians that stand behind a ratio.
    """

    work: str
    act: str
    against: str
    most: float
    unit: str = "×"
    values: tuple[float, ...] = ()
    ours: float | None = None
    theirs: float | None = None
    note: str = ""

    @property
    def value(self) -> float | None:
        """The median."""
        return median(self.values) if self.values else None

    @property
    def met(self) -> bool | None:
        """Whether the bound is met, if that is known."""
        return None if self.value is None else self.value <= self.most


def lines(results: Sequence[Result], growths: Iterable[Growth], *, newer: bool) -> list[Line]:
    """Judge every bound of the rows that were run."""
    found = [_line(result, bound, newer) for result in results for bound in result.row.bounds]
    return found + [line for growth in growths for line in _growth(growth, results)]


def _line(result: Result, bound: Bound, newer: bool) -> Line:
    most = bound.newer if newer and bound.newer else bound.most
    who = bound.rival if bound.rival != OURS else f"its {bound.their_act}"
    if bound.rival != OURS and bound.their_act:
        who += f": {bound.their_act}"
    if bound.plus:
        who = f"{most:g} × {who} + {bound.plus * 1000:g} ms"
    act = bound.act if bound.by == OURS else f"{bound.act}, {bound.by}"
    mine = _by_round(result.samples.get((bound.by, bound.act), []), bound.of)
    ours = list(mine.values())
    note = "" if ours else result.missing.get(bound.by, "not measured")
    if not bound.rival:
        return Line(result.row.title, act, "", most, bound.unit, tuple(ours), ours=_middle(ours), note=note)
    their_act = bound.their_act or bound.act
    theirs = _by_round(result.samples.get((bound.rival, their_act), []), bound.of)
    note = note or ("" if theirs else result.missing.get(bound.rival, "not measured"))
    rivals = {when: most * each + bound.plus if bound.plus else each for when, each in theirs.items()}
    allowed = list(rivals.values())
    ratios = tuple(our / rivals[when] for when, our in mine.items() if rivals.get(when))
    most = 1.0 if bound.plus else most
    return Line(result.row.title, act, who, most, "×", ratios, ours=_middle(ours), theirs=_middle(allowed), note=note)


def _by_round(samples: Sequence[Sample], of: str) -> dict[tuple[int, int], float]:
    """What is counted of each sample, by its round and by its turn there: these are what can be compared."""
    found: dict[tuple[int, int], float] = {}
    for each in samples:
        turn = sum(number == each.round for number, _ in found)
        found[each.round, turn] = getattr(each, of)
    return found


def _growth(growth: Growth, results: Sequence[Result]) -> Iterator[Line]:
    for act in growth.acts:
        found = points(results, growth.family, OURS, act)
        work = f"growth: {growth.family}"
        steep = steepest(found)
        if steep is not None:
            sizes = f"{found[0][0]:,} to {found[-1][0]:,}"
            yield Line(work, act, f"size, {sizes}", growth.most, " slope", (steep,))
        if growth.last and len(found) > 1 and found[-1][0] >= DECADE * found[-2][0]:
            times = found[-1][1] / found[-2][1]
            yield Line(work, f"{act} of {found[-1][0]:,}", f"that of {found[-2][0]:,}", growth.last, "×", (times,))


def points(results: Iterable[Result], family: str, side: str, act: str) -> list[tuple[int, float]]:
    """The median seconds of an act by a side, by size."""
    found = {}
    for result in results:
        if result.row.family == family and (samples := result.samples.get((side, act))):
            found[result.row.size] = median(each.seconds for each in samples)
    return sorted(found.items())


def steepest(found: Sequence[tuple[int, float]]) -> float | None:
    """The largest slope between sizes that are next to each other, as far apart as tells anything."""
    slopes = []
    for number, (size, seconds) in enumerate(found):
        further = next(((a, b) for a, b in found[number + 1 :] if a >= DECADE * size), None)
        if further:
            slopes.append(math.log(further[1] / seconds) / math.log(further[0] / size))
    return max(slopes, default=None)


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None
