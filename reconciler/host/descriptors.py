"""How many descriptors this process may have: RLIMIT_NOFILE, getrlimit(2)."""

from __future__ import annotations

import resource

_WANTED = 65536
"""How many are wanted at most: often no more than 1024 are allowed at first, but more to who asks."""
_SPARED = 128
"""How many are left to all that does not come in batches: connections, waits, the program itself."""
_OF_A_STEP = 4
"""How many a step of a batch may take: a pair has two ends, and each takes the namespace and a socket in it."""


def allowed() -> int:
    """Raise the limit as far as this process may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, most = (_WANTED if each == resource.RLIM_INFINITY else each for each in (soft, hard))
    if soft < min(most, _WANTED):
        soft = min(most, _WANTED)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def steps_at_once(jobs: int) -> int:
    """Return how many steps each of so many batches may have that run beside each other, at least 1."""
    return max(1, (allowed() - _SPARED) // (_OF_A_STEP * jobs))
