"""The MAC addresses that a file declares: an interface without a declared one gives up one that is another's by now."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.kinds.bridge.spec import BridgeSpec
from reconciler.kinds.connect.spec import ConnectSpec
from reconciler.kinds.veth.spec import VethSpec

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

_BYTES = 6
Holder = tuple[bool, str]
"""Who has a MAC address: whether it is a bridge, and the key of the bridge that it is or is a port of, if any."""
Macs = Mapping[str, set[Holder]]


def declared_macs(scope: Scope) -> Macs:
    """Return the declared MAC addresses, each with those for which it is declared."""
    found: dict[str, set[Holder]] = defaultdict(set)
    for mac, holder in _declared(scope):
        if mac:
            found[mac].add(holder)
    return found


def _declared(scope: Scope) -> Iterator[tuple[str | None, Holder]]:
    for each in scope.desired.of_kind("veth"):
        yield from ((end.mac, (False, end.master)) for end in VethSpec.of(each).endpoints.values())
    for each in scope.desired.of_kind("bridge"):
        yield BridgeSpec.of(each).mac, (True, str(each.key))
    for each in scope.desired.of_kind("connect"):
        yield ConnectSpec.of(each).mac_address, (False, "")


def is_anothers(macs: Macs, mac: str, holder: Holder) -> bool:
    """Tell whether a MAC address is declared for another: a bridge has that of one of its ports as a matter of course.

    It is asked of what has none declared.
    """
    is_bridge, bridge = holder
    return mac in macs and bool(macs[mac] - {(not is_bridge, bridge)})


def any_mac() -> str:
    """Choose a MAC address as the kernel does: unicast, and locally administered (eth_random_addr)."""
    first, *rest = secrets.token_bytes(_BYTES)
    return bytes((first & 0xFC | 0x02, *rest)).hex(":")
