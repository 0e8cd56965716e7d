"""When to look, and why: news that comes together is looked at together, and what is news of nothing ever later."""

from __future__ import annotations

import math
from collections.abc import Collection

from reconciler.model import ResourceKey

SETTLE, GATHER = 0.02, 0.1
"""Seconds without news after which one looks, and from the first news on after which one looks in any case."""
ENDING = 0.25
"""Seconds that the engine gets to start again by itself what has ended: it takes a tenth for the first time."""
_LONGEST, _CALM = 5.0, 30.0
_DOUBLED_MAX = 10

Subject = ResourceKey | str


class Agenda:
    """News since the last look; all times are those of one monotonic clock, in seconds.

    What there is news of again and again, and nothing found, is looked at ever less eagerly; news of all else is not
    held up by that.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, None] = {}
        self._about: set[ResourceKey] = set()
        self._is_about_anything = False
        self._first = self._last = 0.0
        self._held: dict[str, float] = {}
        self._subjects: set[Subject] = set()
        self._looked_for: set[Subject] = set()
        self._in_vain: dict[Subject, tuple[int, float]] = {}

    def note(self, reason: str, now: float, about: Collection[ResourceKey] | None = None, *, of: str = "") -> None:
        """Take down why to look, and at what: None is anything.

        Where that is not known, `of` says what it is news of; the reason, if nothing else does.
        """
        self._first = self._first if self.reasons else now
        self._last = now
        self.reasons[reason] = None
        self._about.update(about or ())
        self._is_about_anything |= about is None
        self._subjects.update(about or (of or reason,))

    def ended(self, name: str, now: float) -> None:
        """Hold back for a moment: somebody else may start again what has ended."""
        self._held.setdefault(name, now + ENDING)

    def started(self, name: str) -> None:
        """Hold back no longer for this."""
        self._held.pop(name, None)

    @property
    def due(self) -> float:
        """When to look; infinity where there is no news."""
        if not self.reasons:
            return math.inf
        settled = min(self._last + SETTLE, self._first + GATHER)
        return max(settled, min(map(self._rested_until, self._subjects)), *self._held.values())

    def _rested_until(self, subject: Subject) -> float:
        times, looked = self._in_vain.get(subject, (0, -math.inf))
        return looked + min(SETTLE * 2**times, _LONGEST) if times > 1 else -math.inf

    def taken(self) -> tuple[tuple[str, ...], frozenset[ResourceKey] | None]:
        """Return the reasons, and what they are about, None being anything; and begin anew."""
        found = tuple(self.reasons), None if self._is_about_anything else frozenset(self._about)
        self.reasons.clear()
        self._about.clear()
        self._is_about_anything = False
        self._held.clear()
        self._looked_for |= self._subjects
        self._subjects.clear()
        return found

    def looked(self, now: float, *, found: bool) -> None:
        """Learn whether there was anything: the more often there is not, the longer until the next look."""
        self._in_vain = {each: vain for each, vain in self._in_vain.items() if now - vain[1] <= _CALM}
        for each in self._looked_for:
            times, _ = self._in_vain.pop(each, (0, now))
            if not found:
                self._in_vain[each] = min(times + 1, _DOUBLED_MAX), now
        self._looked_for.clear()
