"""The endpoints that the file declares inside of containers; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from reconciler.kinds import networking
from reconciler.kinds.addresses import mac, parsed
from reconciler.kinds.connect.spec import ConnectSpec, address_claims, key_of
from reconciler.kinds.container.order import Order, order
from reconciler.kinds.entry import Entry, entries
from reconciler.kinds.network.kept import kept
from reconciler.kinds.source import Source
from reconciler.kinds.veth.ends import ends_by_node
from reconciler.model import How, Need, Resource, ResourceKey


def connects(source: Source) -> Iterator[Resource]:
    """Read the endpoints of all containers."""
    found = source.once(order)
    holders: dict[tuple[str, str], str] = {}
    for entry in entries(source):
        for network, endpoint in networking.networks(entry).items():
            _check_mac(entry, network, endpoint.get("mac_address", "").lower(), holders)
            yield _connect(entry, network, endpoint, found)


def _connect(entry: Entry, network: str, endpoint: Mapping[str, Any], found: Order) -> Resource:
    container = ResourceKey("container", entry.name)
    on_bridge = networking.is_default_bridge(entry.source, network)
    spec = ConnectSpec(
        network=entry.source.live("networks", network),
        aliases=() if on_bridge else tuple(sorted({entry.name, *endpoint.get("aliases", ())})),
        ipv4_address=_address(entry, network, endpoint, "ipv4_address", 4),
        ipv6_address=_address(entry, network, endpoint, "ipv6_address", 6),
        link_local_ips=tuple(sorted(_link_local(entry, network, endpoint))),
        mac_address=mac(entry.source, entry.pointer("networks", network, "mac_address"), endpoint.get("mac_address")),
        links=tuple(sorted(_links(entry, network))),
        first=network == networking.first(entry),
        container=entry.source.live("containers", entry.name),
        ours=not on_bridge and not (entry.source.section("networks").get(network) or {}).get("external"),
        subnets=tuple(each["subnet"] for each in _pools(_declared(entry, network) or {})),
        spares=tuple(sorted(end.interface for _, end in entry.source.once(ends_by_node).get(container, ()))),
    )
    if on_bridge:
        _check_bridge(entry, network, endpoint)
    claims = {
        claim: entry.pointer("networks", network, field)
        for field in ("ipv4_address", "ipv6_address")
        for claim in address_claims(network, [getattr(spec, field)])
    }
    return entry.source.resource(
        entry.pointer(*networking.place(entry, "networks", network)),
        key_of(entry.name, network),
        spec,
        needs=[
            Need(container, "container"),
            Need(ResourceKey("network", network), "network"),
            *_first_those_with_addresses(entry, network, found),
        ],
        claims=claims.keys(),
        at=claims.items(),
        part_of=container,
    )


def _first_those_with_addresses(entry: Entry, network: str, found: Order) -> Iterator[Need]:
    for other in found.static.get((entry.name, network), ()):
        yield Need(ResourceKey("process", other), f"networks.{network}", How.AFTER)


def _address(entry: Entry, network: str, endpoint: Mapping[str, Any], field: str, version: int) -> str | None:
    text = endpoint.get(field)
    if text is None:
        return None
    path = ("networks", network, field)
    try:
        found = ip_address(text)
    except ValueError:
        found = None
    if found is None or found.version != version:
        entry.problem(path, f"{text!r} is not an IPv{version} address")
        return None
    _check_subnets(entry, network, found, path)
    return str(found)


def _check_subnets(entry: Entry, network: str, address: Any, path: tuple[str | int, ...]) -> None:
    declared = _declared(entry, network)
    if declared is None:
        return
    subnets = list(_subnets(declared, address.version))
    if not subnets:
        entry.problem(path, f"network {network!r} declares no IPv{address.version} subnet", "declare one in its ipam")
    elif not any(address in each for each in subnets):
        entry.problem(path, f"{address} is not in network {network!r}, {', '.join(map(str, subnets))}")
    elif what := kept(declared).get(address):
        entry.problem(path, f"{address} cannot be given: in network {network!r} it is {what}")


def _declared(entry: Entry, network: str) -> Mapping[str, Any] | None:
    """Return all that the file declares of a network; None where there is none, or more of it than the file says."""
    networks = entry.source.section("networks")
    declared = networks.get(network) or {}
    there = network in networks or network == networking.DEFAULT
    sure = there and not (declared.get("external") or entry.source.incomplete(("networks", network)))
    return declared if sure else None


def _pools(declared: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (declared.get("ipam") or {}).get("config") or ()


def _subnets(declared: Mapping[str, Any], version: int) -> Iterator[Any]:
    for each in _pools(declared):
        try:
            found = ip_network(each["subnet"], strict=False)
        except ValueError:
            continue
        if found.version == version:
            yield found


def _check_mac(entry: Entry, network: str, address: str, holders: dict[tuple[str, str], str]) -> None:
    holder = holders.setdefault((network, address), entry.name) if address else entry.name
    if holder != entry.name:
        message = f"container {holder!r} has the MAC address {address} in network {network!r} already"
        entry.problem(("networks", network, "mac_address"), message)


def _link_local(entry: Entry, network: str, endpoint: Mapping[str, Any]) -> Iterator[str]:
    for number, text in enumerate(endpoint.get("link_local_ips", ())):
        path = ("networks", network, "link_local_ips", number)
        found = entry.read(path, parsed, text, instead=None)
        if found and found.version == 6 and _lacks_ipv6(entry, network):  # noqa: PLR2004 - IPv6
            entry.problem(path, f"network {network!r} has no IPv6", "say `enable_ipv6: true` there, with a subnet")
        if found:
            yield str(found)


def _lacks_ipv6(entry: Entry, network: str) -> bool:
    declared = _declared(entry, network)
    return declared is not None and not declared.get("enable_ipv6")


def _links(entry: Entry, network: str) -> Iterator[str]:
    for each in networking.links(entry):
        if network in each.networks:
            yield f"{entry.source.live('containers', each.target)}:{each.alias}"


def _check_bridge(entry: Entry, network: str, endpoint: Mapping[str, Any]) -> None:
    for field in ("aliases", "ipv4_address", "ipv6_address", "link_local_ips"):
        if endpoint.get(field):
            entry.problem(
                ("networks", network, field), f"Docker's own bridge knows no {field}", "use a network of your own"
            )
