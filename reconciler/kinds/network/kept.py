"""The addresses of a Docker network that no container can have: the engine keeps them; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Any

from reconciler.kinds.addresses import IP, Network

_DRIVER = "default"
_WITHOUT = ("gateway_mode", "inhibit_ipv4")
"""Parts of the names of options by which a bridge may have no gateway."""
_POINT_TO_POINT = {4: 31, 6: 127}
"""From this length of prefix on a subnet has no address of its own and none for broadcasts."""


def kept(entry: Mapping[str, Any]) -> dict[IP, str]:
    """Return what is kept in a network, and what for; nothing that another IPAM driver would decide."""
    ipam = entry.get("ipam") or {}
    found: dict[IP, str] = {}
    for pool in (ipam.get("config") or ()) if decides(entry) else ():
        try:
            found |= _kept(entry, pool)
        except ValueError:  # noted as a problem where the network is read
            continue
    return found


def decides(entry: Mapping[str, Any]) -> bool:
    """Tell whether the engine itself gives the addresses of a network."""
    return bool((entry.get("ipam") or {}).get("driver", _DRIVER) == _DRIVER)


def edges(subnet: Network) -> dict[IP, str]:
    """Return the addresses at a subnet's ends, which nothing in it can have."""
    if subnet.prefixlen >= _POINT_TO_POINT[subnet.version]:
        return {}
    last: dict[IP, str] = {subnet.broadcast_address: "the broadcast address"} if subnet.version == 4 else {}  # noqa: PLR2004 - IPv4
    return {subnet.network_address: "the address of the subnet itself", **last}


def gateway(entry: Mapping[str, Any], pool: Mapping[str, Any]) -> IP | None:
    """Return the gateway of a pool: as declared, or the first address of those that the engine gives on a bridge."""
    if pool.get("gateway"):
        return ip_address(pool["gateway"])
    modes = any("gateway_mode" in each for each in entry.get("driver_opts") or ())
    if entry.get("driver", "bridge") != "bridge" or modes:
        return None
    subnet = ip_network(pool["subnet"])
    first = ip_network(pool.get("ip_range") or subnet).network_address
    return first + 1 if first in edges(subnet) else first


def on_bridge(entry: Mapping[str, Any]) -> Iterator[tuple[int, IP]]:
    """Yield the gateways that the bridge of a network has, each with its pool's number.

    Nothing where another IPAM driver would decide, or an option says whether it has one.
    """
    options = any(word in each for each in entry.get("driver_opts") or () for word in _WITHOUT)
    for at, pool in enumerate((entry.get("ipam") or {}).get("config") or ()):
        with suppress(ValueError):  # noted as a problem where the network is read
            found = gateway(entry, pool) if decides(entry) and not options else None
            if found:
                yield at, found


def _kept(entry: Mapping[str, Any], pool: Mapping[str, Any]) -> dict[IP, str]:
    own = gateway(entry, pool)
    found = {ip_address(text): f"kept for {name!r}" for name, text in (pool.get("aux_addresses") or {}).items()}
    return {**found, **({own: "the gateway"} if own else {}), **edges(ip_network(pool["subnet"]))}
