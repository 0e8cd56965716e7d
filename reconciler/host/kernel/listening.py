"""Whether it is in our network namespace that somebody listens at a socket in the file system: sock_diag(7)."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Protocol

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import MESSAGE, attributes, message

_PROTOCOL, _BY_FAMILY = 4, 20  # NETLINK_SOCK_DIAG and SOCK_DIAG_BY_FAMILY (linux/sock_diag.h)
_ASKED = struct.Struct("=BBHIIIII")  # struct unix_diag_req: family, protocol, pad, states, inode, show, cookie
_TOLD = struct.Struct("=BBBBIII")  # struct unix_diag_msg: family, type, state, pad, inode, cookie
_LISTENING, _SHOW_FILE, _FILE = 1 << 10, 0x2, 1  # 1 << TCP_LISTEN, UDIAG_SHOW_VFS, UNIX_DIAG_VFS: inode, device
_FILES = struct.Struct("=II")
_INODES = 0xFFFFFFFF
_RECEIVE = 64 * 1024


class Line(Protocol):
    """A socket that speaks sock_diag."""

    def send(self, data: bytes, /) -> int:
        """Send a request."""

    def recv(self, size: int, /) -> bytes:
        """Receive an answer."""


def is_heard_here(path: str) -> bool | None:
    """Tell whether a socket's listener is in our network namespace; None where the kernel does not tell."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _PROTOCOL) as line:
        return os.stat(path).st_ino & _INODES in set(files(line))  # noqa: PTH116 - a path of the engine's, as it is
    return None


def files(line: Line) -> Iterator[int]:
    """Yield the inodes of the files at which somebody listens; OSError where the kernel does not tell."""
    wanted = _ASKED.pack(socket.AF_UNIX, 0, 0, _LISTENING, 0, _SHOW_FILE, 0, 0)
    line.send(message(_BY_FAMILY, c.NLM_F_DUMP, wanted))
    while True:
        buffer, at = line.recv(_RECEIVE), 0
        while at + MESSAGE.size <= len(buffer):
            length, kind, *_ = MESSAGE.unpack_from(buffer, at)
            if kind == c.NLMSG_DONE:
                return
            if kind == c.NLMSG_ERROR:
                raise OSError("the kernel has no sock_diag")
            found = attributes(buffer, at + MESSAGE.size + _TOLD.size, at + length, frozenset((_FILE,)))
            yield from (_FILES.unpack(each)[0] for each in found.values())
            at += (max(length, MESSAGE.size) + 3) & ~3
