"""The kernel's floor: `ip -batch`, one process where one does."""

from __future__ import annotations

import resource
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.measure import Failed
from bench.topologies import FLOOR_NAME, address, kernel_pairs, namespaces, ring

_SETTLED, _MOMENT = 60.0, 0.005
_CANARY = "canary"
_SPARED = 24
"""Files that a process has open anyhow; `ip` opens one for each name of a namespace that it reads, and closes none."""


class Pairs:
    """Addressed pairs over namespaces."""

    def __init__(self, pairs: int) -> None:
        self.spaces = namespaces(pairs, prefix=FLOOR_NAME)
        ends = list(kernel_pairs(pairs, prefix=FLOOR_NAME))
        self.links = [f"link add l{n} netns {left} type veth peer name r{n} netns {right}" for left, right, n in ends]
        self.inside = _inside(ends)

    def make(self) -> None:
        """Make it all."""
        batch([f"netns add {name}" for name in self.spaces])
        at_once = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARED) // 2
        for first in range(0, len(self.links), at_once):
            batch(self.links[first : first + at_once])
        for name in self.spaces:
            batch(self.inside[name], "ip", "-n", name)

    def look(self) -> None:
        """Read it, by one process a namespace."""
        for name in self.spaces:
            done = subprocess.run(["ip", "-n", name, "-j", "address"], capture_output=True, check=False)
            if done.returncode:
                raise Failed(done.stderr.decode())

    def delete(self) -> None:
        """Delete the namespaces, and with them what is in them."""
        there = [name for name in self.spaces if Path("/run/netns", name).exists()]
        batch([f"netns delete {name}" for name in there])


def between_containers(pids: Mapping[str, int]) -> None:
    """Join containers as a topology of as many does, and set the addresses in each by one process."""
    ends = list(ring(len(pids), per=2))
    batch(f"link add l{n} netns {pids[left]} type veth peer name r{n} netns {pids[right]}" for left, right, n in ends)
    for name, lines in _inside(ends).items():
        batch(lines, "nsenter", "-t", str(pids[name]), "-n", "ip")


def settle() -> None:
    """Wait until the kernel has cleared away what was deleted: it does so in its own time, and one after the other."""
    batch([f"netns add {_CANARY}", f"link add {_CANARY} type veth peer name eth0 netns {_CANARY}"])
    batch([f"netns delete {_CANARY}"])
    deadline = time.monotonic() + _SETTLED
    while any(name == _CANARY for _, name in socket.if_nameindex()) and time.monotonic() < deadline:
        time.sleep(_MOMENT)


def batch(lines: Iterable[str], *program: str) -> None:
    """Give the lines to a single `ip`."""
    done = subprocess.run(
        [*(program or ("ip",)), "-batch", "-"], input="\n".join(lines), text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise Failed(done.stderr)


def _inside(ends: Sequence[tuple[str, str, int]]) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = defaultdict(list)
    for left, right, n in ends:
        for owner, end, last in ((left, f"l{n}", 1), (right, f"r{n}", 2)):
            lines[owner] += [f"address add {address(n, last)} dev {end}", f"link set {end} up"]
    return lines
