"""What happens meanwhile, on standard error: a live line on a terminal, a line a step elsewhere."""

from __future__ import annotations

import contextlib
import sys

from reconciler.cli.output import harmless, style
from reconciler.model import Outcome, Plan, Status, Step, StepKey
from reconciler.render import outcome_line

_CLEAR = "\r\x1b[K"


class Ticker:
    """Tells of the steps as they start and end."""

    def __init__(self) -> None:
        self._live, self._style = sys.stderr.isatty(), style(sys.stderr)
        self._running: dict[StepKey, None] = {}
        self._ended = self._all = 0

    def planned(self, plan: Plan) -> None:
        """Learn how many steps there are."""
        self._all += len(plan)

    def started(self, step: Step) -> None:
        """Tell that a step has begun."""
        self._running[step.key] = None
        self._draw()

    def ended(self, outcome: Outcome) -> None:
        """Tell what became of a step; one that another carried is not worth a line."""
        self._running.pop(outcome.step.key, None)
        self._ended += 1
        if outcome.status is Status.FAILED or not (self._live or outcome.step.carried_by):
            line = harmless(outcome_line(outcome, style=self._style), colour=self._style.colour)
            self._write(f"{self._cleared()}{line}\n")
        self._draw()

    def close(self) -> None:
        """Leave no half line behind."""
        self._write(self._cleared())

    def _cleared(self) -> str:
        return _CLEAR if self._live else ""

    def _draw(self) -> None:
        if self._live:
            line = f"  {self._ended}/{max(self._all, self._ended)}  {', '.join(map(str, self._running))}"
            self._write(_CLEAR + harmless(line)[: self._style.width - 1])

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens: no reason to stop working
            sys.stderr.write(text)
            sys.stderr.flush()
