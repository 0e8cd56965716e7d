"""The kernel's tables of sockets; pure."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import replace

from reconciler.kinds.container.ports import ANY_V6, EVERYWHERE, claim
from reconciler.model import Claim

_INODE = 9
"""Which column holds the inode."""


def sockets(text: str, protocol: str, state: str) -> Iterator[tuple[Claim, str]]:
    """Read a table of sockets (proc_pid_net(5)): address and port in hexadecimal, words in the machine's order.

    With each claim comes the socket's inode, by which a process has it. One at :: takes IPv4 too, as a rule: the table
    does not tell.
    """
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == state:
            address, _, port = fields[1].partition(":")
            at = _address(address)
            found = claim(int(port, 16), protocol, at)
            yield replace(found, low=EVERYWHERE[0]) if at == ANY_V6 else found, fields[_INODE]


def _address(digits: str) -> str:
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(struct.pack(">I", *struct.unpack("=I", each)) for each in words)))
