"""What the kernel lets this process do: the capabilities (capabilities(7)) that it has, and that a refusal is about."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

NET_ADMIN, SYS_ADMIN, SYS_PTRACE = "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"
NET_BROADCAST = "CAP_NET_BROADCAST"
DAC_OVERRIDE = "CAP_DAC_OVERRIDE"
KERNEL_WORK = frozenset((NET_ADMIN, SYS_ADMIN))
"""What changing interfaces, addresses and routes takes, and entering the network namespaces that they are in."""
_NUMBERS = {DAC_OVERRIDE: 1, NET_ADMIN: 12, SYS_PTRACE: 19, SYS_ADMIN: 21}
"""linux/capability.h."""
REFUSED = (errno.EPERM, errno.EACCES)
_STATUS = Path("/proc/thread-self/status")


def effective(status: str) -> frozenset[str]:
    """Return those of the capabilities that matter here which /proc/PID/status says are in effect."""
    mask = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)
    return frozenset(name for name, number in _NUMBERS.items() if mask >> number & 1)


def missing(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return those of some capabilities that this process does not have, sorted."""
    return tuple(sorted(set(wanted) - effective(_STATUS.read_text())))


def nearest(folder: Path) -> Path:
    """Return a folder, or the nearest around it that there is."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def unwritable(folder: Path) -> int:
    """Say why no entry can be made in a folder, or in the nearest around it: EROFS or EACCES; 0 where one can be."""
    there = nearest(folder)
    if os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        return 0
    return errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES


def remedy(wanted: Iterable[str]) -> str:
    """Say what to do where some capabilities are not there."""
    return f"run as root, or with {', '.join(sorted(wanted))}"


def privilege(error: OSError) -> str:
    """Name the capability without which the system refused: by the file, or by what could not be done."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if path:
        return SYS_PTRACE if path.startswith("/proc/") and not path.startswith("/proc/sys/") else DAC_OVERRIDE
    return SYS_ADMIN if str(error.strerror).startswith("cannot ") else NET_ADMIN
