"""IPv6 is switched on where an interface is to have addresses or routes of it: Docker switches it off in containers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.marks import of_alias
from reconciler.host.netlink import Link, Socket, get_addresses, get_link, get_routes
from reconciler.kinds.addresses import IPV6_MTU, is_v6

_SETTINGS = Path("/proc/sys/net/ipv6/conf")
"""The kernel takes away what is in there of an interface whose MTU is too small for IPv6."""

TURN = threading.Lock()
"""One at a time looks whether IPv6 is still used at an interface and switches it off, or switches it on and uses it."""


def switch_ipv6_on(names: Sequence[str]) -> None:
    """Switch IPv6 on at interfaces, where the calling thread is."""
    for name in names:
        path = _SETTINGS / name / "disable_ipv6"
        try:
            if path.read_text().strip() != "0":
                path.write_text("0")
        except FileNotFoundError as error:
            small = f"its MTU is below {IPV6_MTU}, perhaps as that of a bridge's port is"
            reason = small if _SETTINGS.exists() else "this kernel has no IPv6"
            raise StepFailed(f"interface {name} cannot have IPv6: {reason}") from error


def leave_ipv6(fd: int, socket: Socket, indices: Collection[int]) -> None:
    """Let interfaces of ours have no more IPv6 than new ones there, once only what the kernel gave is left of it.

    It is switched on for what is declared, whatever the namespace has for new ones.
    """
    if not indices or netns.call(fd, _default) == "0":
        return
    with TURN:
        used = {each.index for each in socket.dump(get_addresses()) if is_v6(each.address) and not each.automatic}
        routes = (each for each in socket.dump(get_routes(table=None)) if is_v6(each.destination))
        used.update(device for each in routes if not each.automatic for device in each.devices)
        links = socket.ask([get_link(each) for each in indices if each not in used])
        names = [each.name for each in links if isinstance(each, Link) and of_alias(each.alias)]
        netns.call(fd, _take_default, names)


def _default() -> str:
    path = _SETTINGS / "default" / "disable_ipv6"
    return path.read_text().strip() if path.exists() else "0"


def _take_default(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # it has no IPv6 at all
            (_SETTINGS / name / "disable_ipv6").write_text(_default())
