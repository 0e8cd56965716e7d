"""What a person is told of a veth pair: each end below its node; pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.base import Row
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.model import Resource, ResourceKey

_LINK_LOCAL = "fe80:"


def rows(resource: Resource) -> Iterator[tuple[ResourceKey, Row]]:
    """Yield a row for each end, below the node that it is in, or the bridge that it is a port of."""
    endpoints = VethSpec.of(resource).endpoints
    for label, end in endpoints.items():
        live = resource.live.get("ends", {}).get(label, {})
        other = "".join(_label(each) for name, each in endpoints.items() if name != label)
        size = f"mtu {end.mtu}" + ("" if end.up else " down")
        addresses = [each for each in live.get("addresses") or () if not _is_its_own(each, end)]
        yield _node(end), (end.interface, f"↔ {other or 'nothing'}", size, live.get("mac") or "", ", ".join(addresses))


def _label(end: Endpoint) -> str:
    return f"{_node(end).name}:{end.interface}"


def _node(end: Endpoint) -> ResourceKey:
    """Return the bridge that an end is a port of; a stranger's is in no topology."""
    return ResourceKey.of(end.master) if end.master and not end.master.startswith("@") else end.node


def _is_its_own(address: str, end: Endpoint) -> bool:
    """Tell whether the kernel gave an address, and nobody else: such are in JSON only."""
    return address.lower().startswith(_LINK_LOCAL) and address not in end.addresses
