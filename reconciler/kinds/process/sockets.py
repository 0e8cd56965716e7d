"""The kernel's tables of sockets; pure."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import replace

from reconciler.kinds.container.ports import ANY_V6, EVERYWHERE, claim
from reconciler.model import Claim

_INODE, _SCTP_PORT, _SCTP_INODE, _SCTP_ADDRESSES = 9, 5, 7, 8
"""Which columns hold the inode, and SCTP's port, inode and addresses."""


def sockets(text: str, protocol: str, state: str) -> Iterator[tuple[Claim, str]]:
    """Read a table of sockets (proc_pid_net(5)): address and port in hexadecimal, words in the machine's order.

    With each claim comes the socket's inode, by which a process has it. One at :: takes IPv4 too, as a rule: the table
    does not tell.
    """
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == state:
            address, _, port = fields[1].partition(":")
            yield _listening(int(port, 16), protocol, _address(address)), fields[_INODE]


def endpoints(text: str) -> Iterator[tuple[Claim, str]]:
    """Read the table of SCTP (net/sctp/proc.c in the kernel): only who listens is in it, at one address or several."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        for each in fields[_SCTP_ADDRESSES:]:
            address = str(ipaddress.ip_address(each))
            yield _listening(int(fields[_SCTP_PORT]), "sctp", address), fields[_SCTP_INODE]


def _listening(port: int, protocol: str, address: str) -> Claim:
    found = claim(port, protocol, address)
    return replace(found, low=EVERYWHERE[0]) if address == ANY_V6 else found


def _address(digits: str) -> str:
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(struct.pack(">I", *struct.unpack("=I", each)) for each in words)))
