"""What only this machine knows: keyed with it, digests of secrets tell nothing to who has them from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reconciler.model import has_secret

_LASTING = Path("/etc/machine-id")
"""128 random bits, made when the system was (machine-id(5)); one that has none there makes do with the next."""
_PASSING = Path("/proc/sys/kernel/random/boot_id")
"""122 random bits, made when the kernel was started (random(4))."""
_DIGITS = 32


def passing() -> bytes:
    """Return what only this machine knows until it is started again."""
    return _PASSING.read_bytes().strip()


def salt(value: object) -> bytes:
    """Return what a digest of a value has to begin with: nothing, unless there is a secret in it.

    It is the same from run to run, so that a digest which is kept with an object can be compared.
    """
    return _lasting() if has_secret(value) else b""


@cache
def _lasting() -> bytes:
    try:
        found = _LASTING.read_bytes().strip()
    except OSError:
        found = b""
    return found if len(found) == _DIGITS else passing()
