"""Where the engine lives: whether its containers' network namespaces are within our reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.host import Host

_HINT = "run the reconciler where the engine runs: enter its network namespace with nsenter --net"


def stranger(host: Host) -> str:
    """Say why the engine's containers cannot be reached by the kernel; empty if they can."""
    url, pid = host.engine.url, host.engine.pid
    if pid is None:
        return f"the engine at {url} is on another machine, whose kernel is out of reach: run the reconciler there"
    try:
        theirs = Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:  # 0: it lives outside of our pid namespace
        return f"the engine at {url} lives in another pid namespace, out of reach of this one: {_HINT}"
    if theirs != Path("/proc/thread-self/ns/net").stat().st_ino:
        return f"the engine at {url} lives in another network namespace than we do: {_HINT}"
    return ""
