"""Docker networks as the engine lists them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from types import MappingProxyType
from typing import Any

from reconciler.host.marks import SOURCE, Mark
from reconciler.host.netlink import Link
from reconciler.kinds.labelled import unmarked, veiled_as_noted
from reconciler.kinds.masters import bridge_of
from reconciler.kinds.network.spec import ABSENT, BRIDGE, DOWN, UP, Ipam, NetworkSpec, Pool, Pools
from reconciler.model import FrozenMap


def observed_spec(row: Mapping[str, Any], mark: Mark | None) -> NetworkSpec:
    """Read a network as GET /networks lists it, from either generation of the engine; the mark is ours on it."""
    ipam = row.get("IPAM") or {}
    spec = NetworkSpec(
        name=row["Name"],
        driver=row["Driver"],
        driver_opts=FrozenMap(row.get("Options")),
        ipam=Ipam(
            driver=ipam.get("Driver") or "default",
            options=FrozenMap(ipam.get("Options")),
            config=_pools(ipam.get("Config") or (), row["Driver"]),
        ),
        enable_ipv6=bool(row.get("EnableIPv6")),
        internal=bool(row.get("Internal")),
        attachable=bool(row.get("Attachable")),
        labels=unmarked(row.get("Labels")),
        marked=mark is not None,
    )
    return veiled_as_noted(spec, row.get("Labels"))


def facts(row: Mapping[str, Any], spec: NetworkSpec) -> Mapping[str, Any]:
    """Return what is never compared: the id, the Linux bridge's name, the subnets."""
    subnets = tuple(subnet for subnet, _ in spec.ipam.config.pools())
    return MappingProxyType(
        {
            "id": row["Id"],
            "bridge": bridge_of(row) if spec.driver == BRIDGE else "",
            "subnets": subnets,
            "source": (row.get("Labels") or {}).get(SOURCE, ""),
        }
    )


def interface(link: Link | None) -> str:
    """Say what became of the Linux bridge of a network."""
    if link is None:
        return ABSENT
    return UP if link.up else DOWN


def _pools(config: Iterable[Mapping[str, Any]], driver: str) -> Pools:
    found = [(ip_network(each["Subnet"], strict=False), each) for each in config if each.get("Subnet")]
    return Pools(*(FrozenMap(dict(_family(found, version, driver))) for version in (4, 6)))


def _family(
    found: Iterable[tuple[IPv4Network | IPv6Network, Mapping[str, Any]]], version: int, driver: str
) -> Iterator[tuple[str, Pool]]:
    for subnet, each in found:
        if subnet.version == version:
            aux = {name: plain(text) for name, text in (each.get("AuxiliaryAddresses") or {}).items()}
            ip_range = str(ip_network(each["IPRange"], strict=False)) if each.get("IPRange") else ""
            gateway = plain(each["Gateway"]) if each.get("Gateway") else _implied(subnet, ip_range, driver)
            yield str(subnet), Pool(gateway, ip_range, FrozenMap(aux))


def plain(address: str) -> str:
    """Write an address in its shortest form, without the prefix length that some engines put behind it."""
    return str(ip_interface(address).ip)


def _implied(subnet: IPv4Network | IPv6Network, ip_range: str, driver: str) -> str | None:
    """Return the gateway that an engine which does not tell it has chosen: the first address of the range."""
    if driver != BRIDGE:
        return None
    first = ip_network(ip_range).network_address if ip_range else subnet.network_address
    return str(first + 1 if first == subnet.network_address else first)
