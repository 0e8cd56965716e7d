"""The report of a run: Markdown with the table, the plots, the profiles and what everybody took; and JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import table
from bench.judge import Line
from bench.plots import draw
from bench.run import Result

INTRODUCTION = """\
# How fast it is

`scripts/bench` has written this. Most figures are ratios of two things that were measured in the same run, in turn; the
others are memory, a share of a core, or the slope of time against size. Each is the median, with the least and the most.
A bound is what is aimed at: where one is missed, that is known, and not hidden. The floors are a bare HTTP client that sends the calls which cannot be left out, by
its best number of workers, and `ip -batch`; the peers are given the same work in their own words.
"""
QUICK = "\n**This was a quick run**: small sizes and a single round, for which the bounds are not meant.\n"


def write(results: Sequence[Result], lines: Sequence[Line], folder: Path, *, engine: str, quick: bool) -> Path:
    """Write all of it into a folder, and return where the report is."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = _machine(engine)
    _write_json(results, lines, folder / ("quick.json" if quick else "bench.json"), machine)
    pictures = "\n\n".join(f"![{each.stem}]({each.name})" for each in draw(results, folder))
    path = folder / "README.md"
    parts = [
        INTRODUCTION + (QUICK if quick else ""),
        "On " + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".",
        table.markdown(map(table.cells, lines)),
        f"## Size against time\n\n{pictures or 'No plots: they need the extra `bench` (matplotlib), and two sizes.'}",
        "## Where the time goes\n\nOf the clock, shared by the threads that do something at the time.",
        table.markdown(table.profiles(results), table.PROFILE_HEAD),
        "## All of it",
        table.markdown(table.all_sides(results), table.ALL_HEAD),
        _missing(results),
    ]
    path.write_text("\n\n".join(filter(None, parts)) + "\n")
    return path


def _write_json(results: Sequence[Result], lines: Sequence[Line], path: Path, machine: dict[str, str]) -> None:
    told: dict[str, Any] = {
        "machine": machine,
        "lines": [asdict(each) | {"value": each.value, "met": each.met} for each in lines],
        "rows": [
            {
                "name": each.row.name,
                "title": each.row.title,
                "missing": each.missing,
                "samples": [
                    {"side": side, "act": act, **asdict(sample)}
                    for (side, act), samples in each.samples.items()
                    for sample in samples
                ],
            }
            for each in results
        ],
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _missing(results: Sequence[Result]) -> str:
    found = [
        f"- {each.row.title}: {side}: {why.splitlines()[0]}" for each in results for side, why in each.missing.items()
    ]
    return "\n".join(["## Who did not take part", "", *found]) if found else ""


def _machine(engine: str) -> dict[str, str]:
    return {
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "processors": str(len(os.sched_getaffinity(0))),
        "engine": engine,
    }
