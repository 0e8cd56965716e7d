"""The kernel's own routes of addresses: one of ours that took the place of one leaves none when it goes."""

from __future__ import annotations

from reconciler.host.netlink import (
    Address,
    Connected,
    Link,
    Socket,
    append_route,
    get_addresses,
    get_connected,
    get_link,
)
from reconciler.host.netlink.constants import RTPROT_KERNEL
from reconciler.kinds.addresses import connected_of, is_v6, prefix_of

_METRIC = 256
"""What the kernel gives to the route of an IPv6 address (IP6_RT_PRIO_ADDRCONF)."""


def reconnect(socket: Socket, destination: str) -> None:
    """Put the kernel's routes of the addresses in a subnet back, on each link that has lost it."""
    lost: dict[Connected, Address] = {}
    for each in socket.dump(get_addresses()):
        subnet = connected_of(each.address, each.index) if each.is_plain and not each.is_secondary else None
        if subnet and subnet[:2] == prefix_of(destination):
            lost.setdefault(subnet, each)
    if lost:
        for subnet in socket.dump(get_connected(6 if is_v6(destination) else 4)):
            lost.pop(subnet, None)
        links = socket.ask([get_link(each.index) for each in lost.values()])
        up = {each.index for each in links if isinstance(each, Link) and each.up and not each.master}
        socket.send([_route(destination, each) for each in lost.values() if each.index in up])


def _route(destination: str, address: Address) -> bytes:
    """Say what the kernel says to itself, so that it takes the route for its own (fib_add_ifaddr, addrconf)."""
    own = address.address.partition("/")[0]
    if is_v6(own):
        return append_route(destination, devices=[address.index], metric=_METRIC, protocol=RTPROT_KERNEL)
    return append_route(destination, devices=[address.index], protocol=RTPROT_KERNEL, source=own)
