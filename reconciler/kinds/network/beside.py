"""What in the host is in a declared subnet already: the engine does not look, and makes the network all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_interface
from typing import TYPE_CHECKING

from reconciler.errors import NotNow
from reconciler.host.scope import in_reach
from reconciler.kinds.masters import BRIDGE_NAME, bridge_of
from reconciler.kinds.network.spec import SUBNET, NetworkSpec, subnet_claim
from reconciler.model import Claim, Resource, ResourceKey, Spec

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

_OF_AN_ENGINE = re.compile("br-[0-9a-f]{12}")
"""What an engine calls the bridge of a network, after the id of that."""
LISTED_WITHIN = (0.0, 0.2, 0.8)
"""Seconds to wait before each look for the network of such a bridge; what is in no list then is of no network here."""


def holders(scope: Scope, wanted: Sequence[Claim]) -> Iterator[Resource]:
    """Yield the interfaces of the host with an address in a wanted subnet that are neither ours nor a network's.

    NotNow where one is of a network that has come up since the networks were listed: another run may be at work.
    """
    subnets = [each for each in wanted if each.scope.startswith(SUBNET)]
    kernel = in_reach(scope) if subnets else None
    if kernel is None:
        return
    networks = {*map(bridge_of, scope.networks.values()), *_named(scope)}
    for link in kernel.host.links.values():
        if link.name not in networks and not kernel.mine(link):
            for address in kernel.host.addresses.get(link.index, ()):
                claim = subnet_claim(address.address)
                if not _is_everywhere(address.address) and any(map(claim.overlaps, subnets)):
                    _insist_on_a_stranger(scope, link.name)
                    key = ResourceKey("interface", f"@{link.name} ({address.address})")
                    yield Resource(key, Spec(), claims=(claim,), owned=False)


def _insist_on_a_stranger(scope: Scope, bridge: str) -> None:
    """Tell a network of ours that just came up from what is in the way: its bridge is there before it is listed."""
    for pause in LISTED_WITHIN if _OF_AN_ENGINE.fullmatch(bridge) else LISTED_WITHIN[:1]:
        scope.host.stop.wait(pause)
        now = {bridge_of(row): row for row in scope.host.engine.networks.list()}
        if bridge in now and scope.mark(now[bridge].get("Labels")):
            why = f"the bridge {bridge} has come up since the networks were listed, perhaps for another run of"
            raise NotNow(f"{why} {scope.name} in another network namespace: try again when that has ended")
        if bridge in now:
            return


def _named(scope: Scope) -> Iterator[str]:
    """Yield the bridges that the file names for its networks: one that is there already is used by the engine."""
    for each in scope.desired.of_kind("network"):
        if isinstance(each.spec, NetworkSpec) and BRIDGE_NAME in each.spec.driver_opts:
            yield each.spec.driver_opts[BRIDGE_NAME]


def _is_everywhere(address: str) -> bool:
    """Tell whether an address is of the subnet that every interface is in: fe80::/64."""
    return ":" in address and ip_interface(address).is_link_local
