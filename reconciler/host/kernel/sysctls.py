"""The sysctls of a network namespace, where the calling thread is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = "/proc/sys"
EVERYWHERE = ("all", "default", "lo")
"""What each namespace has settings of, of those that are for interfaces."""
_NO_SYSCTL = "(absent)"
"""What is read of a sysctl that there is not: not empty, which one may be declared to be."""


def read_sysctl(key: str) -> str:
    """Read a `net.` sysctl; empty if it cannot be read, as one that was never set."""
    try:
        return " ".join(Path(_ROOT, key.replace(".", "/")).read_text().split())
    except FileNotFoundError:
        return _NO_SYSCTL
    except OSError:
        return ""


def every_sysctl() -> Iterator[str]:
    """Yield the names of all that there are under `net.`, but for those of interfaces that come and go."""
    for folder, folders, files in os.walk(f"{_ROOT}/net"):
        if folder.endswith(("/conf", "/neigh")):
            folders[:] = [each for each in folders if each in EVERYWHERE]
        yield from (f"{folder.removeprefix(f'{_ROOT}/')}/{each}".replace("/", ".") for each in files)
