"""What a watch tells: what it did to which resource and why, and what became of the file and of the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum

from reconciler.errors import Interrupted
from reconciler.model import Action, Change, Outcome, Report, ResourceKey, Status, Verb
from reconciler.value import dataclass


class What(StrEnum):
    """What something that is told is about; the first six are about a resource; `blocked` and `warning` name some."""

    MENDED = "mended"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNSETTLED = "unsettled"
    DRIFT = "drift"
    OVER = "over"
    BLOCKED = "blocked"
    WATCHING = "watching"
    FILE = "file"
    INVALID = "invalid"
    ENGINE = "engine"
    WAITING = "waiting"
    WARNING = "warning"
    TROUBLE = "trouble"
    LOST = "lost"


@dataclass(frozen=True)
class Said:
    """One thing that is told; `retry` is in how many seconds it is tried again, `because` what was heard before it."""

    what: What
    text: str = ""
    change: Change | None = None
    seconds: float | None = None
    retry: float | None = None
    because: tuple[str, ...] = ()

    @property
    def key(self) -> ResourceKey | None:
        """The resource that it is about, if it is about one."""
        return self.change.key if self.change else None


def said_of(report: Report) -> Iterator[Said]:
    """Yield what became of each resource for which something was to be done."""
    outcomes: dict[ResourceKey, list[Outcome]] = defaultdict(list)
    for each in report.outcomes:
        outcomes[each.step.key.key].append(each)
    left = {each.key for each in report.remaining}
    for key, of_it in outcomes.items():
        found = said_of_one(of_it, unsettled=key in left)
        if found:
            yield found


def said_of_one(outcomes: Sequence[Outcome], *, unsettled: bool = False) -> Said | None:
    """Say what became of a resource by the outcomes of its steps; None where there is nothing to tell."""
    change, seconds = outcomes[0].step.change, sum(each.seconds for each in outcomes)
    for each in outcomes:
        if isinstance(each.error, Interrupted):
            return Said(What.SKIPPED, str(each.error), change, seconds)
        if each.status is Status.FAILED:
            return Said(What.FAILED, str(each.error), change, seconds)
    for each in outcomes:
        if each.status is Status.SKIPPED:
            why = f"because {each.cause} failed" if each.cause else "interrupted before its turn"
            return Said(What.SKIPPED, why, change)
    done = any(each.status is Status.DONE and each.step.verb is not Verb.WAIT for each in outcomes)
    if not done or change.action is Action.NOOP:
        return None
    if unsettled:
        return Said(What.UNSETTLED, "all was done, and it differs all the same", change, seconds)
    return Said(What.MENDED, "", change, seconds)
