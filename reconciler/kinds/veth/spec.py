"""The attributes of a veth pair."""

from __future__ import annotations

from reconciler.host.kernel import NOWHERE, Where
from reconciler.kinds.veth.ends import MTU
from reconciler.model import EMPTY, HOST, FrozenMap, ResourceKey, Spec, chosen, uncompared
from reconciler.value import dataclass

PATH_COST, PRIORITY = 2, 32
"""What a veth has as a port of a bridge unless it is declared."""


@dataclass(frozen=True)
class Endpoint(Spec):
    """One end: an interface in a node; `master` is the key of the bridge or Docker network that it is a port of.

    A live one has no `own_mac` if its MAC address is declared for another interface of the file, and none for this one:
    going back there asks for none either. `at` and `into` say how its node and its bridge are found at the host.
    """

    node: ResourceKey = HOST
    interface: str = ""
    addresses: tuple[str, ...] = ()
    mac: str | None = chosen()
    mtu: int = MTU
    up: bool = True
    master: str = ""
    path_cost: int = PATH_COST
    priority: int = PRIORITY
    hairpin: bool = False
    marked: bool = True
    own_mac: bool | None = chosen(default=True)
    at: Where = uncompared(NOWHERE)
    into: Where | None = uncompared()


@dataclass(frozen=True)
class VethSpec(Spec):
    """A veth pair: its two endpoints by their labels, as they stand in its key."""

    endpoints: FrozenMap[Endpoint] = EMPTY
