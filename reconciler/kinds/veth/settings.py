"""Where the ends of pairs are put: the bridges, and interfaces that may have IPv6 addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.kernel import Reach, Where
from reconciler.kinds.addresses import IPV6_MTU, is_v6
from reconciler.kinds.masters import bridge_now
from reconciler.kinds.veth.spec import Endpoint

if TYPE_CHECKING:
    from reconciler.host import Host

_SETTINGS = Path("/proc/sys/net/ipv6/conf")
"""The kernel takes away what is in there of an interface whose MTU is too small for IPv6."""


class Masters:
    """The indices of the bridges that ends are put into; each is looked up once."""

    def __init__(self, host: Host, reach: Reach) -> None:
        self.host, self.reach = host, reach
        self._found: dict[tuple[Where, Where], int] = {}

    def index(self, end: Endpoint) -> int | None:
        """Return the index of the end's bridge; None where it has none."""
        if end.into is None:
            return None
        place = (end.at, end.into)
        if place not in self._found:
            self._found[place] = bridge_now(self.host, end.at, end.into, self.reach.socket(end.at))
        return self._found[place]


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
