"""Docker networks as the file declares them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from reconciler.kinds import networking, nodes
from reconciler.kinds.addresses import IP, Network
from reconciler.kinds.entry import entries
from reconciler.kinds.labelled import declared_labels
from reconciler.kinds.network import options
from reconciler.kinds.network.kept import decides, edges, gateway
from reconciler.kinds.network.spec import PARENT, Ipam, NetworkSpec, Pool, Pools, claims, parents
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import labels
from reconciler.kinds.veth.ends import ends_by_node
from reconciler.model import HOST, Claim, FrozenMap, Need, Resource, ResourceKey

_PREDEFINED = ("bridge", "host", "none", "default")
_SINGLE = {"host": "host", "null": "none", "none": "none"}
"""Drivers of which the engine makes no network beside its own, each with the network mode that means that one."""
_SAY = "say `network_mode: {}` in the container"


def networks(source: Source) -> Iterator[Resource]:
    """Read the entries of `networks`, and the one that containers without networks join."""
    section = source.section("networks")
    for name, entry in section.items():
        yield _network(source, ("networks", name), name, entry or {})
    if networking.DEFAULT not in section:
        for pointer in _joins_default(source):
            yield _network(source, pointer, networking.DEFAULT, {})
            return


def _joins_default(source: Source) -> Iterator[Pointer]:
    """Yield the places of the containers that are on the network `default`, which they need not name."""
    for entry in entries(source):
        if networking.DEFAULT in networking.networks(entry):
            yield entry.pointer()


def _network(source: Source, pointer: Pointer, name: str, entry: Mapping[str, Any]) -> Resource:
    key, live = ResourceKey("network", name), source.live("networks", name)
    if entry.get("external"):
        _check_external(source, pointer, entry, live)
        return source.resource(pointer, key, NetworkSpec(live), owned=False)
    if live in _PREDEFINED and not source.incomplete(("prefix",)):
        hint = "give it another `name:`, or a prefix" if name == networking.DEFAULT else "declare it external"
        source.problem(pointer, f"the engine keeps the network name {live!r} for itself", hint)
    if mode := _SINGLE.get(entry.get("driver", "")):
        message = f"the engine makes no network with the driver {entry['driver']!r} beside its own"
        source.problem((*pointer, "driver"), message, _SAY.format(mode))
    options.check(source, pointer, entry)
    spec = NetworkSpec(
        name=live,
        driver=entry.get("driver", "bridge"),
        driver_opts=FrozenMap(labels(entry.get("driver_opts"))),
        ipam=_ipam(source, pointer, entry),
        enable_ipv6=bool(entry.get("enable_ipv6")),
        internal=bool(entry.get("internal")),
        attachable=bool(entry.get("attachable")),
        labels=declared_labels(source, (*pointer, "labels"), entry.get("labels")),
    )
    places = _places(pointer, spec, entry)
    return source.resource(pointer, key, spec, needs=_needs(source, spec), claims=claims(spec), at=places.items())


def _needs(source: Source, spec: NetworkSpec) -> Iterator[Need]:
    """Yield the veth pair or the bridge of the file that a network is on: it takes the network with it."""
    found = parents(spec)
    for key, end in source.once(ends_by_node).get(HOST, ()) if found else ():
        if end.interface in found:
            yield Need(key, PARENT)
    for name in source.section("bridges") if found else ():
        if nodes.node_of_bridge(source, name) == HOST and nodes.bridge_name(source, name)[0] in found:
            yield Need(ResourceKey("bridge", name), PARENT)


def _check_external(source: Source, pointer: Pointer, entry: Mapping[str, Any], live: str) -> None:
    """Note a network of the engine that no container can be connected to: it is made with that, or never on it."""
    if live in _SINGLE.values():
        message = f"the engine connects nothing to its network {live!r}"
        source.problem((*pointer, *(["name"] if "name" in entry else [])), message, _SAY.format(live))


def _places(pointer: Pointer, spec: NetworkSpec, entry: Mapping[str, Any]) -> dict[Claim, Pointer]:
    """Return where the subnets that it claims stand."""
    config = (entry.get("ipam") or {}).get("config") or ()
    labels = {f"subnet {each['subnet']}": (*pointer, "ipam", "config", at, "subnet") for at, each in enumerate(config)}
    return {claim: labels[claim.label] for claim in claims(spec) if claim.label in labels}


def _ipam(source: Source, around: Pointer, entry: Mapping[str, Any]) -> Ipam:
    ipam = entry.get("ipam") or {}
    given = FrozenMap(labels(ipam.get("options")))
    pointer = (*around, "ipam", "config")
    found = list(_pools(source, pointer, entry, ipam.get("config") or ()))
    for first, second in _overlapping([subnet for subnet, _ in found]):
        source.problem(pointer, f"the subnets {first} and {second} overlap")
    silent = entry.get("enable_ipv6") or source.incomplete((*around, "enable_ipv6"))
    if any(subnet.version == 6 for subnet, _ in found) and not silent:  # noqa: PLR2004 - IPv6
        source.problem(pointer, "an IPv6 subnet has no effect here", "say `enable_ipv6: true`")
    return Ipam(ipam.get("driver", "default"), given, Pools(*(_family(found, version) for version in (4, 6))))


def _overlapping(subnets: Sequence[Network]) -> Iterator[tuple[Network, Network]]:
    """Yield each subnet that lies in one before it, or holds it; a subnet lies in another one or beside it."""
    held: Network | None = None
    for each in sorted(subnets, key=lambda each: (each.version, int(each.network_address), each.prefixlen)):
        if held and held.version == each.version and held.overlaps(each):
            yield held, each
        else:
            held = each


def _family(found: Iterable[tuple[Network, Pool]], version: int) -> FrozenMap[Pool] | None:
    pools = {str(subnet): pool for subnet, pool in found if subnet.version == version}
    return FrozenMap(pools) if pools else None


def _pools(
    source: Source, pointer: Pointer, network: Mapping[str, Any], config: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Network, Pool]]:
    for index, entry in enumerate(config):
        at = (*pointer, index)
        subnet = _subnet(source, (*at, "subnet"), entry["subnet"])
        if subnet:
            yield subnet, _pool(source, at, network, entry, subnet)


def _pool(source: Source, at: Pointer, network: Mapping[str, Any], entry: Mapping[str, Any], subnet: Network) -> Pool:
    ip_range = _subnet(source, (*at, "ip_range"), entry["ip_range"]) if entry.get("ip_range") else None
    if ip_range and not (ip_range.version == subnet.version and ip_range.subnet_of(subnet)):  # type: ignore[arg-type]
        source.problem((*at, "ip_range"), f"{ip_range} is not in the subnet {subnet}")
    taken = edges(subnet) if decides(network) else {}
    own = _address(source, (*at, "gateway"), entry.get("gateway"), subnet, taken)
    taken |= _default_gateway(network, entry) if own is None else {ip_address(own): "the gateway"}
    aux: dict[str, str] = {}
    for name, text in (entry.get("aux_addresses") or {}).items():
        found = _address(source, (*at, "aux_addresses", name), text, subnet, taken)
        if found:
            aux[name] = found
            taken[ip_address(found)] = f"kept for {name!r}"
    return Pool(own, str(ip_range or ""), FrozenMap(aux))


def _default_gateway(network: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[IP, str]:
    """Return the gateway that the engine would choose; nothing where what it chooses from is wrong."""
    try:
        found = gateway(network, entry) if decides(network) else None
    except ValueError:
        return {}
    return {found: "the gateway, unless another one is declared"} if found else {}


def _subnet(source: Source, pointer: Pointer, text: str) -> Network | None:
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        source.problem(pointer, f"{text!r} is not a subnet", "e.g. 172.30.0.0/24")
        return None
    if ip_address(text.partition("/")[0]) != found.network_address:
        source.problem(pointer, f"{text} is an address in a subnet", f"the subnet is {found}")
    return found


def _address(
    source: Source, pointer: Pointer, text: str | None, subnet: Network, taken: Mapping[IP, str]
) -> str | None:
    if text is None:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        source.problem(pointer, f"{text!r} is not an address")
        return None
    if found not in subnet:
        source.problem(pointer, f"{text} is not in the subnet {subnet}")
    elif found in taken:
        source.problem(pointer, f"{text} is {taken[found]}")
    return str(found)
