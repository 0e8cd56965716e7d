"""The sysctls of a network namespace, where the calling thread is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = "/proc/sys"
EVERYWHERE = ("all", "default", "lo")
"""What each namespace has settings of, of those that are for interfaces."""
_NO_SYSCTL = "(absent)"
"""What is read of a sysctl that there is not: not empty, which one may be declared to be."""


_MASKS = ("_mask", "_bitmap")
"""How the names end of those whose values are masks of processors."""
_WORD = 8
"""How many hexadecimal digits stand between two commas of a mask."""
_COARSE = 6
"""The number of a clock that moves with the kernel's (CLOCK_MONOTONIC_COARSE)."""


def read_sysctl(key: str) -> str:
    """Read a `net.` sysctl; empty if it cannot be read, as one that was never set."""
    try:
        text = " ".join(Path(_ROOT, key.replace(".", "/")).read_text().split())
    except FileNotFoundError:
        return _NO_SYSCTL
    except OSError:
        return ""
    return without_zeros(text) if is_mask(key) else text


def is_mask(key: str) -> bool:
    """Tell whether the value of a sysctl is a mask of processors: hexadecimal, whatever it begins with."""
    return key.endswith(_MASKS)


def without_zeros(mask: str) -> str:
    """Return a mask without the zeros before it, of which the kernel shows as many as it has room for processors."""
    try:
        digits = f"{int(''.join(each.zfill(_WORD) for each in mask.split(',')), 16):x}"
    except ValueError:
        return mask
    first = len(digits) % _WORD or _WORD
    return ",".join((digits[:first], *(digits[at : at + _WORD] for at in range(first, len(digits), _WORD))))


def hertz() -> int:
    """How often a second the kernel's clock ticks (HZ)."""
    return round(1 / time.clock_getres(_COARSE))


def every_sysctl() -> Iterator[str]:
    """Yield the names of all that there are under `net.`, but for those of interfaces that come and go."""
    for folder, folders, files in os.walk(f"{_ROOT}/net"):
        if folder.endswith(("/conf", "/neigh")):
            folders[:] = [each for each in folders if each in EVERYWHERE]
        yield from (f"{folder.removeprefix(f'{_ROOT}/')}/{each}".replace("/", ".") for each in files)
