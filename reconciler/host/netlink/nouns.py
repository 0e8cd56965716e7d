"""What the kernel tells of links, addresses and routes, in the words of `ip`.

Those of which there are thousands are tuples, which are made in half the time.
"""

from typing import NamedTuple

from reconciler.host.netlink import constants as c
from reconciler.value import dataclass

_PLAIN = c.IFA_F_PERMANENT
_NOT_PLAIN = c.IFA_F_DEPRECATED | c.IFA_F_NOPREFIXROUTE


@dataclass(frozen=True, slots=True)
class BridgeParameters:
    """What `ip link … type bridge` sets; times in hundredths of a second (USER_HZ, IFLA_BR_*).

    During a `topology_change` of the spanning tree `ageing_time` reads as twice `forward_delay`, whatever was set.
    """

    stp: bool
    priority: int
    hello_time: int
    max_age: int
    forward_delay: int
    ageing_time: int
    topology_change: bool = False


@dataclass(frozen=True, slots=True)
class PortParameters:
    """What `ip link … type bridge_slave` sets (IFLA_BRPORT_*)."""

    path_cost: int
    priority: int
    hairpin: bool


class Link(NamedTuple):
    """An interface (RTM_NEWLINK); `peer_nsid` is None where the peer lives in the same namespace."""

    index: int  # type: ignore[assignment] # nobody looks for values in it
    name: str
    kind: str
    mac: str
    mtu: int
    up: bool
    operstate: str
    master: int | None
    alias: str
    altnames: tuple[str, ...]
    peer_index: int | None
    peer_nsid: int | None
    bridge: BridgeParameters | None
    port: PortParameters | None


class Address(NamedTuple):
    """An address with its prefix, such as `10.0.0.1/24` (RTM_NEWADDR); `peer` says that the prefix is another's."""

    index: int  # type: ignore[assignment] # nobody looks for values in it
    address: str
    scope: int
    protocol: int
    flags: int
    peer: bool = False

    @property
    def is_plain(self) -> bool:
        """Tell whether it is for good, in use, the link's own, and makes a route to its prefix."""
        return not self.peer and self.flags & (_PLAIN | _NOT_PLAIN) == _PLAIN

    @property
    def automatic(self) -> bool:
        """Tell whether the kernel gave it by itself, or after what a router said."""
        return c.IFAPROT_UNSPEC < self.protocol <= c.IFAPROT_KERNEL_LL

    @property
    def is_secondary(self) -> bool:
        """Tell whether another IPv4 address is the first of the subnet; to IPv6 the flag means something else."""
        return bool(self.flags & c.IFA_F_SECONDARY) and ":" not in self.address


Connected = tuple[int, int, int]
"""A subnet that is on the link of an interface: its network as a number, its prefix length, the interface's index."""


class Route(NamedTuple):
    """A route (RTM_NEWROUTE); a default is `0.0.0.0/0` or `::/0`, and several devices are its next hops in order.

    `gateways` is empty where no next hop has one, else as long as `devices` (with "" for a hop that has none). `dead`
    says that the interface of a next hop is down (RTNH_F_DEAD): the kernel keeps such a hop and does not use it. `tos`
    tells a route of IPv4 apart from others to the same destination, as the metric does.
    """

    destination: str
    gateways: tuple[str, ...]
    devices: tuple[int, ...]
    metric: int
    protocol: int
    table: int
    type: int
    source: str | None
    dead: bool
    tos: int = 0

    @property
    def automatic(self) -> bool:
        """Tell whether the kernel made it by itself, of an address or after a redirect."""
        return self.protocol <= c.RTPROT_KERNEL
