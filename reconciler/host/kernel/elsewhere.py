"""Where the engine lives: whether its containers' network namespaces are within our reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import HostRefuses, NotPermitted
from reconciler.host.kernel.listening import is_heard_here
from reconciler.host.privilege import SYS_PTRACE, remedy

if TYPE_CHECKING:
    from reconciler.host import Host


class Elsewhere(HostRefuses):
    """The engine is known to live where what we do to the kernel does not show."""


_HINT = "run the reconciler where the engine runs: enter its network namespace with nsenter --net"


def elsewhere(host: Host, inspected: Iterable[Mapping[str, Any]]) -> HostRefuses | None:
    """Say so where a container's process is none of this machine's: a local socket may lead to an engine elsewhere.

    A container's process is in a control group that has its id in the name (cgroups(7), /proc/PID/cgroup); where it is
    in the root, or where the engine itself is, it was given none, and there is nothing to compare.
    """
    own = _groups(host.engine.pid or 0)
    for each in inspected:
        groups = _groups(each["State"]["Pid"]) - own - {"/"}
        if groups and not any(each["Id"] in group for group in groups):
            name = each["Name"].removeprefix("/")
            return Elsewhere(
                f"the process {each['State']['Pid']} that the engine at {host.engine.url} tells of the container {name}"
                f" is another one here: the socket leads to another machine: run the reconciler there"
            )
    return None


def _groups(pid: int) -> frozenset[str]:
    """The control groups of a process; none where there is no such process."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.split(":", 2)[2] for line in lines)


def stranger(host: Host) -> HostRefuses | None:
    """Say why the engine's containers cannot be reached by the kernel; None if they can."""
    url, pid = host.engine.url, host.engine.pid
    if pid is None:
        return Elsewhere(
            f"the engine at {url} is reached over {host.engine.address.scheme}, which does not tell whether its kernel"
            f" is this one: run the reconciler on the engine's machine, and over the engine's socket"
        )
    try:
        theirs = Path(f"/proc/{pid}/ns/net").stat().st_ino
    except PermissionError:
        what = f"the network namespace of the engine at {url} may not be looked at"
        return NotPermitted(f"{what}: {remedy([SYS_PTRACE])}")
    except OSError:  # 0: it lives outside of our pid namespace
        if is_heard_here(host.engine.address.path) is False:
            return Elsewhere(f"the engine at {url} lives in another network namespace than we do: {_HINT}")
        return HostRefuses(f"the engine at {url} lives in another pid namespace, out of reach of this one: {_HINT}")
    if theirs != Path("/proc/thread-self/ns/net").stat().st_ino:
        return Elsewhere(f"the engine at {url} lives in another network namespace than we do: {_HINT}")
    return None
