"""The attributes of a container's endpoint on a Docker network, and what it claims; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from reconciler.model import Claim, ResourceKey, Spec, chosen, uncompared
from reconciler.value import dataclass

MAC_AT_CREATE, MAC_AT_CONNECT = (1, 44), (1, 54)
"""From these API versions on an endpoint can be given a MAC address: one that is created with its container, and any.

Before the first the container has one, for the network that it is created on.
"""


@dataclass(frozen=True)
class ConnectSpec(Spec):
    """An endpoint: names and addresses on a network, known by its live name.

    `first` says that the creation of the container carries it, `container` is that one's live name; `ours` says that
    the network has to carry our mark, and `subnets` are what the file says of it. `spares` are the interfaces of the
    container's veths, whose names that of the endpoint may not have.
    """

    network: str = ""
    aliases: tuple[str, ...] = ()
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    link_local_ips: tuple[str, ...] = ()
    mac_address: str | None = chosen()
    links: tuple[str, ...] = ()
    first: bool = uncompared(False)  # noqa: FBT003 - a default
    container: str = uncompared("")
    ours: bool = uncompared(False)  # noqa: FBT003 - likewise
    subnets: tuple[str, ...] = uncompared(())
    spares: tuple[str, ...] = uncompared(())


def key_of(container: str, network: str) -> ResourceKey:
    """Return the key of an endpoint."""
    return ResourceKey("connect", f"{container}--{network}")


def endpoint(spec: ConnectSpec, version: tuple[int, int]) -> dict[str, Any]:
    """Write an EndpointConfig, whole."""
    addresses = {"IPv4Address": spec.ipv4_address, "IPv6Address": spec.ipv6_address}
    ipam: dict[str, Any] = {name: each for name, each in addresses.items() if each}
    if spec.link_local_ips:
        ipam["LinkLocalIPs"] = list(spec.link_local_ips)
    made: dict[str, Any] = {"Aliases": list(spec.aliases) or None, "Links": list(spec.links) or None}
    if ipam:
        made["IPAMConfig"] = ipam
    if spec.mac_address and version >= MAC_AT_CREATE:
        made["MacAddress"] = spec.mac_address
    return {name: each for name, each in made.items() if each}


def address_claims(network: str, addresses: Iterable[str | None], *, chosen: bool = False) -> Iterator[Claim]:
    """Yield the claims on addresses in a network, known by its key's name."""
    for each in filter(None, addresses):
        number = int(ip_address(each))
        yield Claim(f"address in network/{network}", number, number, f"address {each} in network {network!r}", chosen)
