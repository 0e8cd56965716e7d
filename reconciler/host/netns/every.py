"""Every network namespace of the machine, and a tour through them."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from reconciler.host.libc import aside, setns
from reconciler.host.netlink import Socket, get_nsid
from reconciler.host.netns.ways import DIRECTORY, open_at
from reconciler.value import dataclass

T = TypeVar("T")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace: the ways into it, the names it has in /run/netns, and the processes in it."""

    inode: int
    names: tuple[str, ...]
    pids: tuple[int, ...]
    paths: tuple[str, ...]

    def open(self) -> int | None:
        """Open it by the first way that still leads there; None where none does."""
        for path in self.paths:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                fd = open_at(path)
                if os.fstat(fd).st_ino == self.inode:
                    return fd
                os.close(fd)
        return None

    def knows(self, other: Namespace, number: int | None) -> bool:
        """Tell whether it knows another one by a number (ip-netns(8), list-id)."""
        with _opened(self) as here, _opened(other) as there:
            if here is None or there is None:
                return False
            with Socket(here) as socket:
                return socket.ask([get_nsid(there)])[0] == number


@contextlib.contextmanager
def _opened(namespace: Namespace) -> Iterator[int | None]:
    fd = namespace.open()
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def all_namespaces() -> list[Namespace]:
    """Every network namespace that is mounted or that a process is in, once each; nothing is held open."""
    paths: dict[int, list[str]] = defaultdict(list)
    named: dict[int, set[str]] = defaultdict(set)
    pids: dict[int, list[int]] = defaultdict(list)
    for path, name, inode in _mounts():
        paths[inode].append(path)
        if name:
            named[inode].add(name)
    for pid, inode in _processes():
        paths[inode].append(f"/proc/{pid}/ns/net")
        pids[inode].append(pid)
    return [
        Namespace(inode, tuple(sorted(named.get(inode, ()))), tuple(pids.get(inode, ())), tuple(ways))
        for inode, ways in paths.items()
    ]


def visit(look: Callable[[Namespace, Socket], T], among: Iterable[Namespace] | None = None) -> list[T]:
    """Look into namespaces in turn, by default into every one there is; what vanishes meanwhile is left out.

    One helper thread enters them all, and holds one of them open at a time.
    """
    namespaces = all_namespaces() if among is None else among
    return aside(lambda: [found for each in namespaces for found in _visited(each, look)])


def _visited(namespace: Namespace, look: Callable[[Namespace, Socket], T]) -> Iterator[T]:
    fd = namespace.open()
    if fd is not None:
        try:
            setns(fd)
        finally:
            os.close(fd)
        with Socket() as socket:
            yield look(namespace, socket)


def _mounts() -> Iterator[tuple[str, str, int]]:
    """Each network namespace mounted somewhere: where, by which name if it is one of /run/netns, and its inode.

    In proc_pid_mountinfo(5) its root is `net:[INODE]`.
    """
    directory = str(DIRECTORY.resolve())
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        root, path = line.split(" ", 5)[3:5]
        if root.startswith("net:["):
            whole = _OCTAL.sub(lambda found: chr(int(found[1], 8)), path)
            folder, _, name = whole.rpartition("/")
            yield whole, name if folder == directory else "", int(root[5:-1])


def _processes() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 - hundreds of entries, of which only the digits matter
        if entry.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile, or not ours to look at
                yield int(entry), os.stat(f"/proc/{entry}/ns/net").st_ino  # noqa: PTH116 - of each process


def named() -> dict[str, int]:
    """Which namespace each name of `ip netns` stands for, by its inode; files without a mount do not count."""
    return {name: inode for _, name, inode in _mounts() if name}
