"""Addresses of an interface are taken and given, and what goes along with them and is not ours is put back."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterable, Iterator, Sequence

from reconciler.host import netns
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Socket, add_address, address_again, delete_address, get_addresses, verbatim
from reconciler.kinds.addresses import by_subnet, interface, is_v6, written
from reconciler.kinds.effects import insist
from reconciler.kinds.ipv6 import TURN, leave_ipv6, switch_ipv6_on
from reconciler.kinds.keep_routes import all_routes_kept

_GONE = (errno.EADDRNOTAVAIL, errno.ENXIO)
"""What the kernel says of an address that is not there any more, or of any of IPv6 where a small MTU took that away."""


def readdress(place: tuple[int, Socket], index: int, name: str, *, old: Sequence[str], new: Sequence[str]) -> None:
    """Give and take the addresses of an interface of ours, which has IPv6 from the first of it to the last."""
    fd, socket = place
    with TURN:
        if any(map(is_v6, new)):
            netns.call(fd, switch_ipv6_on, [name])
        give_and_take(socket, index, old, new)
    if any(map(is_v6, old)) and not any(map(is_v6, new)):
        leave_ipv6(fd, socket, [index])


def give_and_take(socket: Socket, index: int, old: Sequence[str], new: Sequence[str]) -> None:
    """Give and take addresses; those that stay are given too, since a new MTU or state may have taken IPv6 ones."""
    errors = socket.send(addresses(index, new))
    insist(errors, errno.EEXIST)
    changed = [each for each, error in zip(new, errors, strict=True) if error and each not in old]
    leaving = [each for each in old if each not in new]
    gone = [*_edges(leaving, new), *_forms(socket, index, changed), *_misplaced(old, new), *leaving]
    if gone:
        with _others_kept(socket, index, {*old, *new}):
            insist(socket.send([delete_address(index, each) for each in dict.fromkeys(gone)]), *_GONE)
            insist(socket.send(addresses(index, new)), errno.EEXIST)  # what went along with the first of its subnet


def addresses(index: int, found: Iterable[str]) -> list[bytes]:
    """Return the messages that add addresses as ours."""
    return [add_address(index, each, protocol=PROTOCOL, nodad=is_v6(each)) for each in found]


def _forms(socket: Socket, index: int, changed: Collection[str]) -> Iterator[str]:
    """Yield what a hand made of addresses: with another prefix length the kernel has one of IPv6 no second time."""
    bare = {_bare(each) for each in changed}
    for each in socket.dump(get_addresses()) if changed else ():
        if each.index == index and (each.address in changed or (is_v6(each.address) and _bare(each.address) in bare)):
            yield each.address


def _edges(leaving: Collection[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the new addresses that are an edge of a subnet that leaves, its broadcast address say.

    The kernel takes the routes of such an address along with that subnet, and leaves the address.
    """
    subnets = [interface(each).network for each in leaving if not is_v6(each)]
    edges = {written(each) for subnet in subnets for each in (subnet.network_address, subnet.broadcast_address)}
    yield from (each for each in new if _bare(each) in edges)


def _misplaced(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the addresses of each subnet of which another is to be the first: that is the one that was given first."""
    before = by_subnet(old)
    for subnet, group in by_subnet(new).items():
        if not is_v6(group[0]) and before.get(subnet, group)[0] != group[0]:
            yield from (*before[subnet], *group)


def _bare(address: str) -> str:
    return address.partition("/")[0]


@contextlib.contextmanager
def _others_kept(socket: Socket, index: int, ours: Collection[str]) -> Iterator[None]:
    """Put foreign addresses back afterwards, as they were, then the routes that went with any address.

    With the first address of a subnet the kernel takes the others there, unless promote_secondaries is set: of IPv4
    only, so that none of these is the kernel's own.
    """
    found = [(each, body) for each, body in socket.dump(verbatim(get_addresses())) if each.index == index]
    with all_routes_kept(socket, index, {_bare(each.address) for each, _ in found}):
        try:
            yield
        finally:
            others = [body for each, body in found if each.address not in ours and not is_v6(each.address)]
            socket.send([address_again(body) for body in others])
