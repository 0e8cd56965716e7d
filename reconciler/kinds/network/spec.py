"""The attributes of a Docker network, and what it claims; pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from reconciler.kinds.addresses import claim_on_all
from reconciler.kinds.masters import BRIDGE_NAME
from reconciler.kinds.nodes import interface_claim, label
from reconciler.model import EMPTY, HOST, Claim, FrozenMap, Spec, chosen
from reconciler.value import dataclass

BRIDGE = "bridge"
_OF_THIS_MACHINE = ("macvlan", "ipvlan")
PARENT = "driver_opts.parent"
"""The attribute that names the interface of the host that a macvlan or ipvlan network is on."""
UP, DOWN, ABSENT = "up", "down", "absent"
"""What becomes of the Linux bridge of a network."""
SUBNET = "subnet"
"""What the scopes of claims on subnets begin with."""


@dataclass(frozen=True)
class Pool(Spec):
    """An address pool, known by its subnet; addresses in their shortest form."""

    gateway: str | None = chosen()
    ip_range: str = ""
    aux_addresses: FrozenMap[str] = EMPTY


@dataclass(frozen=True)
class Pools(Spec):
    """The pools of each family by subnet; a family that has none declared gets one that the engine chooses."""

    ipv4: FrozenMap[Pool] | None = chosen()
    ipv6: FrozenMap[Pool] | None = chosen()

    def pools(self) -> tuple[tuple[str, Pool], ...]:
        """Return all pools with their subnets, IPv4 first."""
        return tuple(each for family in (self.ipv4, self.ipv6) for each in (family or EMPTY).items())


@dataclass(frozen=True)
class Ipam(Spec):
    """How addresses are given."""

    driver: str = "default"
    options: FrozenMap[str] = EMPTY
    config: Pools = Pools()


@dataclass(frozen=True)
class NetworkSpec(Spec):
    """A Docker network; `interface` says whether its bridge is `up`, `down` or `absent` in the host."""

    name: str = ""
    driver: str = BRIDGE
    driver_opts: FrozenMap[str] = EMPTY
    ipam: Ipam = Ipam()
    enable_ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    labels: FrozenMap[str] = EMPTY
    marked: bool = True
    interface: str = UP


def claims(spec: NetworkSpec) -> Iterator[Claim]:
    """Yield what only one can have: its name, its subnets, their addresses in the host, and a bridge's interface."""
    yield Claim(f"network name {spec.name}", label=f"network name {spec.name!r}")
    for subnet, pool in spec.ipam.config.pools():
        if spec.driver == BRIDGE or (_is_the_engines(spec) and not pool.ip_range):
            yield subnet_claim(subnet)
        if spec.driver == BRIDGE:  # its bridge has one, and what has another one would be cut off, or cut it off
            yield claim_on_all(label(HOST), subnet)
    if spec.driver == BRIDGE and BRIDGE_NAME in spec.driver_opts:
        yield interface_claim(label(HOST), spec.driver_opts[BRIDGE_NAME])


def parents(spec: NetworkSpec) -> tuple[str, ...]:
    """Return the names of which one is that of the interface that a network is on: NAME.ID is a VLAN on NAME."""
    if spec.driver not in _OF_THIS_MACHINE:
        return ()
    parent = spec.driver_opts.get("parent", "")
    return tuple(filter(None, (parent, parent.rpartition(".")[0])))


def _is_the_engines(spec: NetworkSpec) -> bool:
    """Tell whether the engine gives the addresses, for this machine alone: then it keeps a whole subnet for one."""
    return spec.driver in _OF_THIS_MACHINE and spec.ipam.driver == Ipam.driver


def subnet_claim(text: str) -> Claim:
    """Return the claim on a subnet, or on that of an interface's address."""
    network = ip_network(text, strict=False)
    low, high = int(network.network_address), int(network.broadcast_address)
    return Claim(f"{SUBNET}{network.version}", low, high, f"subnet {network}")
