"""Which network namespace a socket is in, for who reads the calls."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_SIOCGSKNS = 0x894C  # linux/sockios.h: a descriptor of the socket's namespace
_NAMED = Path("/run/netns")


def namespace_of(opened: socket.socket) -> str:
    """Name the namespace of a socket: the host's, one of `ip netns`, or that of a process; else by its inode."""
    try:
        fd = fcntl.ioctl(opened.fileno(), _SIOCGSKNS)
    except OSError:  # the kernel tells only those who may administer the namespace
        return "netns ?"
    try:
        inode = os.fstat(fd).st_ino
    finally:
        os.close(fd)
    return next((name for name, path in _places() if _inode(path) == inode), f"netns {inode}")


def _places() -> Iterator[tuple[str, Path]]:
    yield "host", Path("/proc/self/ns/net")
    with contextlib.suppress(OSError):
        yield from ((f"netns {each.name}", each) for each in sorted(_NAMED.iterdir()))
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            yield f"netns of pid {each.name}", each / "ns/net"


def _inode(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_ino
    return None
