"""Addresses of an interface are taken and given, and what goes along with them and is not ours is put back."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterator

from reconciler.host.netlink import Socket, address_again, delete_address, get_addresses, verbatim
from reconciler.kinds.addresses import is_v6
from reconciler.kinds.effects import insist
from reconciler.kinds.route.keep import all_routes_kept
from reconciler.kinds.veth.messages import addresses


def readdress(socket: Socket, index: int, old: Collection[str], new: Collection[str]) -> None:
    """Give and take addresses; those that stay are given too, since a new MTU or state may have taken IPv6 ones."""
    insist(socket.send(addresses(index, new)), errno.EEXIST)
    if gone := [each for each in old if each not in new]:
        with _others_kept(socket, index, {*old, *new}):
            insist(socket.send([delete_address(index, each) for each in gone]), errno.EADDRNOTAVAIL)
            insist(socket.send(addresses(index, new)), errno.EEXIST)  # what went along with the first of its subnet


@contextlib.contextmanager
def _others_kept(socket: Socket, index: int, ours: Collection[str]) -> Iterator[None]:
    """Put foreign addresses back afterwards, as they were, then the routes that went with any address.

    With the first address of a subnet the kernel takes the others there, unless promote_secondaries is set: of IPv4
    only, so that none of these is the kernel's own.
    """
    found = [(each, body) for each, body in socket.dump(verbatim(get_addresses())) if each.index == index]
    with all_routes_kept(socket, index, {each.address.partition("/")[0] for each, _ in found}):
        try:
            yield
        finally:
            others = [body for each, body in found if each.address not in ours and not is_v6(each.address)]
            socket.send([address_again(body) for body in others])
