"""The MTU of a bridge: where none is declared it is that of the smallest port, as the kernel chooses it.

Once anybody has set it the kernel chooses no more, for as long as the bridge lives (BROPT_MTU_SET_BY_USER), and nothing
tells of that: where we did, it is noted on the bridge. Where a hand has set what the smallest port has anyway, nobody
can tell until that port changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from reconciler.host.kernel import Space
from reconciler.host.netlink import Link
from reconciler.kinds.bridge.notes import of_mtu
from reconciler.kinds.bridge.spec import BridgeSpec
from reconciler.kinds.veth.ends import MTU
from reconciler.kinds.veth.spec import VethSpec
from reconciler.model import ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope


def is_set(link: Link) -> bool:
    """Tell whether we set the MTU of a bridge."""
    return of_mtu(link.index) in link.altnames


class Seen(NamedTuple):
    """A live bridge: its key, the namespace that it is in, itself."""

    key: ResourceKey
    space: Space
    link: Link

    @property
    def ports(self) -> tuple[Link, ...]:
        """What is in it."""
        return self.space.ports(self.link.index)


def to_be_set(scope: Scope, seen: Seen, declared: BridgeSpec, borrowed: Collection[str]) -> int | None:
    """Return the MTU that a bridge does not have of itself, or would not keep; None where there is nothing to set.

    One that nobody set follows the ports, also those that are about to change.
    """
    live, follows = seen.link.mtu, not is_set(seen.link)
    if declared.mtu is not None:
        return live if follows and live == declared.mtu else None
    if follows and live == _smallest(each.mtu for each in seen.ports):
        return None
    mtu = _smallest(_sizes(scope, seen, declared, borrowed))
    return mtu if mtu != live else None


def _smallest(sizes: Iterable[int]) -> int:
    return min(sizes, default=MTU)


def _sizes(scope: Scope, seen: Seen, declared: BridgeSpec, borrowed: Collection[str]) -> Iterator[int]:
    """Yield the MTUs of the ports that a bridge is to have: of ours, and of borrowed ones, those that are declared."""
    for pair in scope.desired.of_kind("veth"):
        yield from (end.mtu for end in VethSpec.of(pair).endpoints.values() if end.master == str(seen.key))
    yield from (each.mtu for each in map(seen.space.link, declared.ports) if each)
    for each in seen.ports:
        if not _is_ours(scope, each) and {each.name, *each.altnames}.isdisjoint((*borrowed, *declared.ports)):
            yield each.mtu


def _is_ours(scope: Scope, port: Link) -> bool:
    """Tell whether a port is as it is declared, or goes; where a part of the topology is looked at others stay."""
    mark = scope.kernel.mine(port)
    return mark is not None and (scope.host.nodes is None or mark.key in scope.desired.resources)
