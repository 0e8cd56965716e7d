"""Whether the names in /run/netns outlive us: which mounts others see (mount_namespaces(7), proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.host.netns.ways import DIRECTORY
from reconciler.host.privilege import nearest

_OPTIONAL = 6
"""Where in a line of mountinfo the fields begin that tell of peers; a hyphen ends them."""


def end_with_us() -> bool:
    """Tell whether what is mounted in the folder of names is seen in this mount namespace alone, and ends with it.

    The folder is that of the first process then, while the mounts in it are not. A folder of this mount namespace's own
    is meant to be so; and of what nobody may look at, nobody knows.
    """
    there = nearest(DIRECTORY)
    try:
        if Path("/proc/self/ns/mnt").samefile("/proc/1/ns/mnt"):
            return False
        if not there.samefile(Path("/proc/1/root", *there.parts[1:])):
            return False
        theirs = {peers for each in _peers("1").values() for peers in each}
        return theirs.isdisjoint(_peers("self").get(_mount_of(there), ()))
    except OSError:
        return False


def _mount_of(path: Path) -> str:
    """Return the number of the mount that a path is in."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        lines = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
    finally:
        os.close(fd)
    return next(line.split()[1] for line in lines if line.startswith("mnt_id:"))


def _peers(pid: str) -> dict[str, list[str]]:
    """Return the group of peers of each mount that a process sees, by the mount's number: what one has, all have."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    fields = (line.split(" ") for line in lines)
    found = ((each[0], each[_OPTIONAL : each.index("-", _OPTIONAL)]) for each in fields)
    return {number: [each for each in optional if each.startswith("shared:")] for number, optional in found}
