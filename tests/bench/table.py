"""Lines and profiles as text: for the terminal, and as Markdown; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.judge import Line
from bench.nouns import PROFILED, Sample
from bench.run import Result

HEAD = ("work", "act", "against", "bound", "median", "least – most", "ours", "theirs", "")
_WORDS = {True: "met", False: "MISSED"}
_SMALL, _LARGE = 0.01, 100


def cells(line: Line) -> tuple[str, ...]:
    """Put a line into cells."""
    spread = f"{_number(min(line.values))} – {_number(max(line.values))}" if line.values else ""
    value = f"{_number(line.value)}{line.unit}" if line.value is not None else "–"
    bound = f"≤ {_number(line.most)}{line.unit}"
    word = _WORDS[line.met] if line.met is not None else f"not judged: {line.note.splitlines()[0]}"
    shown = (_seconds(each) if line.unit == "×" else "" for each in (line.ours, line.theirs))
    return (line.work, line.act, line.against, bound, value, spread, *shown, word)


def text(rows: Iterable[Sequence[str]], head: Sequence[str] = HEAD) -> str:
    """A table for the terminal."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(each[column]) for each in table) for column in range(len(head))]
    return "\n".join("  ".join(f"{cell:{width}}" for cell, width in zip(each, widths, strict=True)) for each in table)


def markdown(rows: Iterable[Sequence[str]], head: Sequence[str] = HEAD) -> str:
    """The same in Markdown."""
    table = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in table)


def all_sides(results: Iterable[Result]) -> Iterable[tuple[str, ...]]:
    """What each side took for each act: the cells of a table of everything."""
    for result in results:
        for (side, act), samples in result.samples.items():
            if side != PROFILED:
                seconds = sorted(each.seconds for each in samples)
                spread = f"{_seconds(seconds[0])} – {_seconds(seconds[-1])}"
                yield result.row.title, act, side, _seconds(_middle(seconds)), spread, *_costs(samples)


ALL_HEAD = ("work", "act", "who", "median", "least – most", "processor", "memory")
PROFILE_HEAD = ("work", "act", "clock", "processor", "the engine", "the kernel", "imports", "ours", "libraries", "rest")


def profiles(results: Iterable[Result]) -> Iterable[tuple[str, ...]]:
    """Where the time of each act of ours goes."""
    for result in results:
        for (side, act), samples in result.samples.items():
            if side == PROFILED:
                plain = result.samples.get(("reconciler", act), samples)
                yield (
                    result.row.title,
                    act,
                    _seconds(_middle(sorted(each.seconds for each in plain))),
                    _seconds(_middle(sorted(each.cpu for each in plain))),
                    *_shares(samples[-1]),
                )


def _shares(sample: Sample) -> Iterable[str]:
    sums: dict[str, float] = defaultdict(float)
    for part, seconds in sample.parts.items():
        sums[_group(part)] += seconds
    total = sum(sums.values()) or 1
    largest = _largest(sample, "ours")
    for group in ("the engine", "the kernel", "imports", "ours", "libraries", "rest"):
        share = f"{100 * sums[group] / total:.0f} %"
        yield f"{share} ({largest})" if group == "ours" and largest else share


def _group(part: str) -> str:
    head = part.partition(":")[0]
    return {"library": "libraries"}.get(
        head, head if head in ("the engine", "the kernel", "imports", "ours") else "rest"
    )


def _largest(sample: Sample, group: str) -> str:
    found = sorted(((seconds, part) for part, seconds in sample.parts.items() if _group(part) == group), reverse=True)
    return ", ".join(part.partition(": ")[2] for _, part in found[:2])


def _costs(samples: Sequence[Sample]) -> tuple[str, str]:
    cpu, memory = (max(getattr(each, of) for each in samples) for of in ("cpu", "memory"))
    return (_seconds(cpu) if cpu else "", f"{memory:.0f} MB" if memory else "")


def _middle(ordered: Sequence[float]) -> float:
    return ordered[len(ordered) // 2]


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms" if value >= _SMALL else f"{value * 1000:.1f} ms"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= _LARGE else f"{value:.3g}"
