"""Whose a route of our protocol is, and how that is noted; pure.

It is of the topology that noted it; without a note of that whose its interfaces are; and in a container or namespace,
where they are nobody's or of several, of that whose the node is.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.host.kernel import packed
from reconciler.host.kernel.notes import fitted
from reconciler.host.kernel.packed import Noted
from reconciler.host.marks import of_alias
from reconciler.host.netlink import Link

_SAFE = str.maketrans("/:", ",;")
"""An altname holds neither `/` nor `:`."""


def noted(topology: str, to: str, metric: int) -> Noted:
    """Return the note on a route, the same as former versions wrote in full."""
    return packed.noted(topology, f"{fitted(to.translate(_SAFE))}={metric}")


def owners(notes: Collection[Noted], place: Noted) -> frozenset[str]:
    """Return who noted a place."""
    return frozenset(each.owner for each in notes if each.item == place.item)


def is_mine(link: Link | None, topology: str, host: str) -> bool | None:
    """Tell whether a link carries the mark of a topology at a host; None where it carries none."""
    mark = of_alias(link.alias) if link else None
    return None if mark is None else (mark.topology, mark.host) == (topology, host)


def is_ours(
    ours: Noted, notes: Collection[Noted], links: Collection[bool | None], *, in_host: bool, in_ours: bool
) -> bool:
    """Tell whose a route is by what is noted of its place, whose its `links` are, and whether the node is ours.

    There are notes in the host only: in a container or namespace they are those of a host that it is by itself.
    """
    if found := owners(notes, ours):
        return in_host and ours.owner in found
    if True in links and False not in links:
        return True
    return in_ours and {*links} != {False}
