"""Telling systemd that one is ready (man 3 sd_notify): one datagram, where it asks for that."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(words: str) -> None:
    """Send words such as `READY=1` to whoever started this as a service; nothing where nobody asks."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller, contextlib.suppress(OSError):
        teller.sendto(words.encode(), "\0" + address[1:] if address.startswith("@") else address)
