"""Namespaces and addressed pairs, and nothing of Docker; Mininet's star."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import peers
from bench.ip import Pairs, settle
from bench.measure import added, called, reconciler
from bench.nouns import FLOOR, OURS, PROFILED, STEPS, Bound, Growth, Row, Sample, Scale, Side
from bench.ours import profiled, sides, steps_alone
from bench.topologies import kernel, namespaces, star, written

GROWTHS = (Growth("pairs", ("fresh", "no-op", "destroy"), last=11),)
GONE = "destroy, until it is gone"
_ENDS = Bound("destroy", 1.2, FLOOR), Bound("destroy", 1.2, FLOOR, GONE)
THOUSAND = (
    Bound("fresh", 1.5, FLOOR),
    Bound("fresh", 1.0, FLOOR, by=STEPS),
    Bound("no-op", 1.4, FLOOR),
    Bound("no-op", 120, of="memory", unit=" MB"),
)
TEN_THOUSAND = (
    Bound("fresh", 500, of="memory", unit=" MB"),
    Bound("no-op", 500, of="memory", unit=" MB"),
    *_ENDS,
)
_FEWER = 3
"""Rounds of the largest size."""


def rows(scale: Scale, folder: Path) -> list[Row]:
    """Pairs at several sizes, and the star."""
    return [*(_pairs(folder, number, scale) for number in range(len(scale.pairs))), _star(folder, scale.star)]


def _pairs(folder: Path, number: int, scale: Scale) -> Row:
    pairs = scale.pairs[number]
    file = written(folder, f"kernel-{pairs}.yaml", kernel(pairs))
    acts = [("fresh", ["apply", file]), ("no-op", ["apply", file]), ("destroy", ["destroy", file])]
    bounds = {len(scale.pairs) - 1: TEN_THOUSAND, len(scale.pairs) - 2: THOUSAND}.get(number, ())
    return Row(
        f"pairs-{pairs}",
        f"{pairs:,} addressed veths over {len(namespaces(pairs)):,} namespaces",
        (*sides(acts, file, clear=settle), steps_alone(file), Side(FLOOR, partial(_floor, pairs))),
        bounds,
        "pairs",
        pairs,
        rounds=min(scale.rounds, _FEWER) if bounds is TEN_THOUSAND else None,
    )


def _floor(pairs: int) -> Iterator[tuple[str, Sample]]:
    floor = Pairs(pairs)
    try:
        yield "fresh", called(floor.make)
        yield "no-op", called(floor.look)
        deleted = called(floor.delete)
        yield "destroy", deleted
        yield GONE, added([deleted, called(settle)])
    finally:
        floor.delete()
        settle()


def _star(folder: Path, leaves: int) -> Row:
    file = written(folder, "star.yaml", star(leaves))

    def course() -> Iterator[tuple[str, Sample]]:
        yield "up and down", added([reconciler("apply", file), reconciler("destroy", file)])
        settle()

    def profile() -> Iterator[tuple[str, Sample]]:
        yield "up", profiled("apply", file)
        yield "down", profiled("destroy", file)
        settle()

    title = f"Mininet's star of {leaves} hosts"
    bounds = (Bound("up and down", 1 / 15, peers.MININET),)
    return Row("star", title, (Side(OURS, course), Side(PROFILED, profile, once=True), peers.mininet(leaves)), bounds)
