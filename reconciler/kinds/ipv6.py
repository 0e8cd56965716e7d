"""IPv6 is switched on where an interface is to have addresses of it: Docker switches it off in containers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.kinds.addresses import IPV6_MTU, is_v6
from reconciler.kinds.veth.spec import Endpoint

_SETTINGS = Path("/proc/sys/net/ipv6/conf")
"""The kernel takes away what is in there of an interface whose MTU is too small for IPv6."""


def allow_ipv6(fd: int, ends: Iterable[Endpoint]) -> None:
    """Switch IPv6 on, which Docker switches off in containers, at the ends that have an IPv6 address."""
    names = [end.interface for end in ends if any(map(is_v6, end.addresses))]
    if names:
        netns.call(fd, switch_ipv6_on, names)


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
            raise StepFailed(f"interface {name} cannot have IPv6 addresses: {reason}") from error
