"""What touches no machine: the loader, the diff and the plan, against the C parser on the same kind of file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.measure import inside
from bench.nouns import OURS, PROFILED, Bound, Growth, Row, Sample, Scale, Side
from bench.topologies import declared, written

PARSER = "yaml.CSafeLoader"
CASES = ("all new", "all equal", "1 % changed")
GROWTHS = (Growth("load", ("load",)), Growth("plan", CASES))
_PER_CONTAINER = 3
"""A container that is on a network is three resources: itself, its process, its connect."""
_PARSER_TAKES = 2.0
"""Seconds, for the file of 5,000, on the machine for which the bounds of a plan are given in seconds."""


def rows(scale: Scale, folder: Path) -> list[Row]:
    """Loading at several sizes, planning at several sizes."""
    largest = written(folder, "declared.yaml", declared(scale.declared))
    sizes = sorted({*(size // 10 for size in scale.resources[1:]), scale.declared})
    return [_load(folder, size, full=size == scale.declared) for size in sizes] + [
        _plan(folder, size, largest, full=size == scale.resources[-1]) for size in scale.resources
    ]


def _load(folder: Path, containers: int, *, full: bool) -> Row:
    file = written(folder, f"load-{containers}.yaml", declared(containers))
    sides = (*_ours("load", file), Side(PARSER, partial(_inside, "parse", file)))
    bounds = (Bound("load", 1.3, PARSER),) if full else ()
    return Row(f"load-{containers}", f"load and validate {containers:,} containers", sides, bounds, "load", containers)


def _plan(folder: Path, resources: int, largest: str, *, full: bool) -> Row:
    file = written(folder, f"plan-{resources}.yaml", declared(max(1, resources // _PER_CONTAINER)))
    sides = _ours("plan", file)
    bounds: tuple[Bound, ...] = ()
    if full:
        sides.append(Side(PARSER, partial(_inside, "parse", largest)))
        seconds = zip(CASES, (0.6, 0.15, 0.2), strict=True)
        bounds = tuple(Bound(case, most / _PARSER_TAKES, PARSER, "load") for case, most in seconds)
    return Row(f"plan-{resources}", f"diff and plan {resources:,} resources", tuple(sides), bounds, "plan", resources)


def _ours(what: str, file: str) -> list[Side]:
    return [
        Side(OURS, partial(_inside, what, file)),
        Side(PROFILED, partial(_inside, what, file, "profiled"), once=True),
    ]


def _inside(*arguments: str) -> Iterator[tuple[str, Sample]]:
    for act, cost in inside("pure", *arguments).items():
        yield act, Sample(cost["seconds"], cost["cpu"], parts=cost.get("parts", {}))
