"""What became of a plan, as lines: the closing table, and what still differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from reconciler.model import Outcome, Report, Status
from reconciler.render.plan import change_lines
from reconciler.render.style import PLAIN, Style
from reconciler.render.values import named

_WORDS = {
    Status.DONE: "applied",
    Status.UNCHANGED: "unchanged",
    Status.NOT_NEEDED: "not needed",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
}
"""How the closing table calls each status, in the order of its rows: what matters most stands last."""
_FIRST = len("not needed") + 4


def report_lines(report: Report, *, style: Style = PLAIN, told: Collection[str] | None = None) -> list[str]:
    """Render the closing table where something went wrong, the sum, and what still differs.

    Why something is out of sight is not said again where it was `told` with the first plan.
    """
    if told is None:
        told = {str(each) for each in report.plan.changes.observed.unavailable.values()}
    lines = _table(report, style) if report.failed or _skipped(report) else []
    lines += [_sum(report)] if report.outcomes else []
    if report.remaining:
        lines += ["Still different:", *change_lines(report.remaining, style=style)]
    lines += [f"Not looked at again: {each}" for each in report.unseen if str(each) not in told]
    if report.reverted:
        lines += ["Going back:", *report_lines(report.reverted, style=style, told=told)]
    return lines


def outcome_line(outcome: Outcome, *, style: Style = PLAIN) -> str:
    """Render one outcome as it happens."""
    word = _word(outcome.status, style)
    return f"  {word}  {named(outcome.step.key)}  {style.dim(f'{outcome.seconds:.2f} s')}"


def _table(report: Report, style: Style) -> list[str]:
    rank = list(_WORDS)
    rows = sorted(report.outcomes, key=lambda each: rank.index(each.status))
    return [line for each in rows for line in _row(each, style)]


def _row(outcome: Outcome, style: Style) -> Iterator[str]:
    why, *more = _cause(outcome).splitlines() or [""]
    yield f"  {_word(outcome.status, style)}  {named(outcome.step.key)}" + (f"  {why}" if why else "")
    yield from (" " * _FIRST + line for line in more)


def _cause(outcome: Outcome) -> str:
    if outcome.error:
        return str(outcome.error)
    if outcome.status is not Status.SKIPPED:
        return ""
    return f"because {outcome.cause} failed" if outcome.cause else "interrupted before its turn"


def _word(status: Status, style: Style) -> str:
    word = f"{_WORDS[status]:<10}"
    if status is Status.FAILED:
        return style.bad(word)
    return style.good(word) if status is Status.DONE else style.dim(word)


def _skipped(report: Report) -> bool:
    return any(each.status is Status.SKIPPED for each in report.outcomes)


def _sum(report: Report) -> str:
    """Count the outcomes; the three that everybody asks for are counted in any case."""
    counts = Counter(each.status for each in report.outcomes)
    always = (Status.DONE, Status.FAILED, Status.SKIPPED)
    shown = [status for status in (*always, Status.UNCHANGED, Status.NOT_NEEDED) if counts[status] or status in always]
    return "Steps: " + ", ".join(f"{counts[status]} {_WORDS[status]}" for status in shown) + "."
