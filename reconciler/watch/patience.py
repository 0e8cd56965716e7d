"""Whom to leave alone, and until when: what keeps failing is tried ever less often, and so is what never lasts."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.model import ResourceKey
from reconciler.value import dataclass

SHORTEST, LONGEST = 1.0, 300.0
"""Seconds before the second attempt, and at most between any two; each pause is twice the one before."""
FREE = 8
"""How often a thing may be mended in short order before that counts as if it had failed."""
_FORGOTTEN = 60.0
_DOUBLED_MAX = 10


def pause_after(failures: int) -> float:
    """Return how many seconds to wait after so many failures in a row."""
    return min(SHORTEST * 2.0 ** (min(failures, _DOUBLED_MAX) - 1), LONGEST) if failures > 0 else 0.0


@dataclass(frozen=True)
class Record:
    """What has become of a resource: how often it failed in a row, how often it was mended lately, when last."""

    failures: int = 0
    mends: int = 0
    at: float = -math.inf

    @property
    def pause(self) -> float:
        """How many seconds to wait from the last attempt on; none while all goes well."""
        return pause_after(max(self.failures, self.mends - FREE))

    @property
    def until(self) -> float:
        """When the next attempt may come."""
        return self.at + self.pause

    def is_old(self, now: float) -> bool:
        """Tell whether so much time has gone by that nothing is held against it."""
        return now > self.until + max(_FORGOTTEN, self.pause)


class Patience:
    """The records of all that was tried; all times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._records: dict[ResourceKey, Record] = {}

    def failed(self, key: ResourceKey, now: float) -> Record:
        """Note an attempt in vain."""
        was = self._record(key, now)
        self._records[key] = replace(was, failures=was.failures + 1, at=now)
        return self._records[key]

    def mended(self, key: ResourceKey, now: float) -> Record:
        """Note an attempt that succeeded."""
        was = self._record(key, now)
        self._records[key] = Record(0, was.mends + 1, now)
        return self._records[key]

    def _record(self, key: ResourceKey, now: float) -> Record:
        found = self._records.get(key, Record())
        return Record() if found.is_old(now) else found

    def resting(self, now: float) -> frozenset[ResourceKey]:
        """Return what is to be left alone for now."""
        return frozenset(key for key, each in self._records.items() if each.until > now)

    def next(self, *, besides: Collection[ResourceKey] = ()) -> float:
        """When the next attempt is due at something that is or was left alone; infinity where there is nothing."""
        left = (each for key, each in self._records.items() if each.pause and key not in besides)
        return min((each.until for each in left), default=math.inf)

    def due(self, now: float) -> frozenset[ResourceKey]:
        """Return what was left alone, and may be tried again."""
        return frozenset(key for key, each in self._records.items() if each.pause and each.until <= now)

    def forgive(self, keys: Iterable[ResourceKey] | None = None) -> None:
        """Hold nothing more against these, or against any."""
        for key in [*(self._records if keys is None else keys)]:
            self._records.pop(key, None)
