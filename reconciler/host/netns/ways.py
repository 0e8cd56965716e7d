"""Ways into a network namespace: the file of its name, or that of a process in it."""

import os
from pathlib import Path

DIRECTORY = Path("/run/netns")
OWN = "/proc/thread-self/ns/net"
"""The namespace that the calling thread is in."""


def open_named(name: str) -> int:
    """Open a namespace of `ip netns`; FileNotFoundError where the file is missing or no namespace is mounted on it."""
    return open_at(str(DIRECTORY / name))


def open_process(pid: int) -> int:
    """Open the namespace that a process is in; FileNotFoundError when it is gone."""
    return open_at(f"/proc/{pid}/ns/net")


def open_at(path: str) -> int:
    """Open the namespace that a path leads to; FileNotFoundError where there is none."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if os.fstat(fd).st_dev == os.stat(OWN).st_dev:  # noqa: PTH116 - for each of thousands
        return fd
    os.close(fd)
    raise FileNotFoundError(f"{path} is a plain file, not a network namespace")
