"""Where the engine lives: whether its containers' network namespaces are within our reach."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.host import Host

_UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)
_HINT = "run the reconciler where the engine runs: enter its network namespace with nsenter --net"


def stranger(host: Host) -> str:
    """Say why the engine's containers cannot be reached by the kernel; empty if they can."""
    path = host.engine.url.removeprefix("unix://")
    if path == host.engine.url:
        return f"the engine at {path} is on another machine, whose kernel is out of reach: run the reconciler there"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(path)
        pid, _, _ = _UCRED.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    try:
        theirs = Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:  # 0: it lives outside of our pid namespace
        return f"the engine at {path} lives in another pid namespace, out of reach of this one: {_HINT}"
    if theirs != Path("/proc/thread-self/ns/net").stat().st_ino:
        return f"the engine at {path} lives in another network namespace than we do: {_HINT}"
    return ""
