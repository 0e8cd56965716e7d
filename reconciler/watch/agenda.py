"""When to look, and why: news that comes together is looked at together, and news of nothing ever less eagerly."""

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


class Agenda:
    """News since the last look; all times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.reasons: dict[str, None] = {}
        self._about: set[ResourceKey] = set()
        self._is_about_anything = False
        self._first = self._last = 0.0
        self._held: dict[str, float] = {}
        self._rested_until = self._looked = -math.inf
        self._in_vain = 0

    def note(self, reason: str, now: float, about: Collection[ResourceKey] | None = None) -> None:
        """Take down why to look, and at what: None is anything."""
        self._first = self._first if self.reasons else now
        self._last = now
        self.reasons[reason] = None
        self._about.update(about or ())
        self._is_about_anything |= about is None

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
        return max(settled, self._rested_until, *self._held.values())

    def taken(self, now: float) -> tuple[tuple[str, ...], frozenset[ResourceKey] | None]:
        """Return the reasons, and what they are about, None being anything; and begin anew."""
        found = tuple(self.reasons), None if self._is_about_anything else frozenset(self._about)
        self.reasons.clear()
        self._about.clear()
        self._is_about_anything = False
        self._held.clear()
        if now - self._looked > _CALM:
            self._in_vain = 0
        self._looked = now
        return found

    def looked(self, now: float, *, found: bool) -> None:
        """Learn whether there was anything: the more often there is not, the longer until the next look."""
        self._in_vain = 0 if found else min(self._in_vain + 1, _DOUBLED_MAX)
        self._rested_until = now + min(SETTLE * 2**self._in_vain, _LONGEST) if self._in_vain > 1 else -math.inf
