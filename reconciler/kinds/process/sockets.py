"""The kernel's tables of sockets; pure."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

from reconciler.kinds.container.ports import claim
from reconciler.model import Claim

_INODE = 9
"""Which column holds the inode."""


def sockets(text: str, protocol: str, state: str) -> Iterator[tuple[Claim, str]]:
    """Read a table of sockets (proc_pid_net(5)): address and port in hexadecimal, words in the machine's order.

    With each claim comes the socket's inode, by which a process has it.
    """
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == state:
            address, _, port = fields[1].partition(":")
            yield claim(int(port, 16), protocol, _address(address)), fields[_INODE]


def _address(digits: str) -> str:
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(struct.pack(">I", *struct.unpack("=I", each)) for each in words)))
