"""The addresses that an interface has of us, as a spec holds them."""

from __future__ import annotations

from reconciler.host.kernel import Space
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Address, Connected
from reconciler.kinds.addresses import connected_of, in_order, is_link_local, prefix_of


def held(space: Space, index: int, declared: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses of a link that are ours or declared.

    A declared one that a hand changed is not there, nor one whose subnet a hand took off the link.
    The first of an IPv4 subnet is the one from which the link speaks there; where that is none of these, they count as
    in order, since who was there before them stays.
    """
    found = [
        each
        for each in space.addresses.get(index, ())
        if (_is_whole(space, each) if each.address in declared else each.protocol == PROTOCOL)
    ]
    if len(found) <= 1:
        return tuple([each.address for each in found])
    places = {each: place for place, each in enumerate(declared)}
    found.sort(key=lambda each: (each.is_secondary, places.get(each.address, len(places))))
    return in_order([each.address for each in found])


def _is_whole(space: Space, address: Address) -> bool:
    """Tell whether an address is in use with its subnet; that of a link-local one each link has by itself as well."""
    link = space.links[address.index]
    if not address.is_plain or not link.up or link.master or is_link_local(address.address):
        return address.is_plain
    subnet = connected_of(address.address, address.index)
    return subnet is None or subnet in space.connected or _has_ours(space, subnet)


def _has_ours(space: Space, subnet: Connected) -> bool:
    """Tell whether a declared route has taken the place of the kernel's."""
    return any(each.protocol == PROTOCOL and prefix_of(each.destination) == subnet[:2] for each in space.routes)
