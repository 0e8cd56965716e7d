"""From the entries of `veths` to resources; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from reconciler.kinds import nodes
from reconciler.kinds.addresses import IPV6_MTU, claims_of, is_link_local, is_v6, mac
from reconciler.kinds.nodes import where
from reconciler.kinds.source import Source
from reconciler.kinds.veth import one_link
from reconciler.kinds.veth.ends import End, Pair, mtu_of, pairs
from reconciler.kinds.veth.spec import PATH_COST, PRIORITY, Endpoint, VethSpec
from reconciler.model import HOST, Claim, FrozenMap, How, Need, Resource, ResourceKey


def parse(source: Source) -> Iterator[Resource]:
    """Read the veth pairs of a file."""
    one_link.check(source)
    for pair in source.once(pairs):
        first, second = pair.ends
        if not _differ(source, pair):
            continue
        endpoints = {
            first.label: _endpoint(source, pair, first, second),
            second.label: _endpoint(source, pair, second, first),
        }
        spec = VethSpec(FrozenMap(endpoints))
        held = claims(endpoints)
        yield source.resource(
            pair.pointer,
            pair.key,
            spec,
            needs=(need for each in endpoints.items() for need in needs_of(*each, owned=_owned(source, each[1]))),
            claims=(claim for each in held.values() for claim in each),
            at=[(claim, end.pointer) for end in pair.ends for claim in held[end.label]],
        )


def _differ(source: Source, pair: Pair) -> bool:
    """Note where both ends want the same, and tell whether they are two interfaces at all."""
    first, second = pair.ends
    if first.label == second.label or (first.node == second.node and first.interface == second.interface != ""):
        source.problem(second.pointer, f"both ends are {second.label}", "a veth pair is two interfaces")
        return False
    mine, theirs = (end.entry.get("mac", "").lower() for end in pair.ends)
    if mine == theirs != "":
        source.problem(second.pointer, f"both ends have the MAC address {mine}")
    for each in sorted(_bare(first) & _bare(second)) if first.node == second.node else ():
        source.problem(second.pointer, f"both ends have the address {each} in {nodes.label(first.node)}")
    return True


def _bare(end: End) -> set[str]:
    return {each.partition("/")[0] for each in end.addresses if not is_link_local(each)}


def _owned(source: Source, endpoint: Endpoint) -> bool:
    return endpoint.node == HOST or not nodes.external(source, endpoint.node)


def _endpoint(source: Source, pair: Pair, end: End, other: End) -> Endpoint:
    entry = end.entry
    mtu = mtu_of(pair, end)
    if mtu < IPV6_MTU and any(map(is_v6, end.addresses)):
        source.problem(end.pointer, f"IPv6 needs an MTU of {IPV6_MTU} at least, not {mtu}")
    return Endpoint(
        node=end.node,
        interface=end.interface or _generated(source, pair, end, other),
        addresses=end.addresses,
        mac=mac(source, (*end.pointer, "mac"), entry.get("mac")),
        mtu=mtu,
        up=entry.get("up", True),
        master=str(end.owner) if end.is_port else "",
        path_cost=entry.get("path_cost", PATH_COST),
        priority=entry.get("priority", PRIORITY),
        hairpin=entry.get("hairpin", False),
        at=where(source, end.node),
        into=where(source, end.owner) if end.is_port else None,
    )


def _generated(source: Source, pair: Pair, end: End, other: End) -> str:
    """Name the port of a bridge after what is at the other end; no other topology's has the same name."""
    return nodes.shortened(f"v{other.owner.name}", f"{source.name} {pair.key.name} {end.label}")


def needs_of(label: str, endpoint: Endpoint, *, owned: bool = True) -> tuple[Need, ...]:
    """Return what one end needs: it stands on its node, and refers to the bridge that it is a port of."""
    via = f"endpoints.{label}"
    if not endpoint.master or endpoint.master.startswith("@"):
        return nodes.ground(endpoint.node, via, owned=owned)
    bridge = Need(ResourceKey.of(endpoint.master), f"{via}.master", How.REFERS)
    return (bridge, *nodes.ground(endpoint.node, via, owned=owned))


def claims(endpoints: Mapping[str, Endpoint]) -> Mapping[str, tuple[Claim, ...]]:
    """Return the interface's name and its addresses, for each end of a pair.

    An end in the host is beside Docker networks, unless its other end is in one or in a bridge that may be one's.
    """
    beside = not any(map(_is_on_a_network, endpoints.values()))
    return {
        label: _claims(nodes.label(each.node), each.interface, each.addresses, beside and each.node == HOST)
        for label, each in endpoints.items()
    }


def _is_on_a_network(endpoint: Endpoint) -> bool:
    """Tell whether it is in a Docker network's bridge, or in one of the host that is not ours."""
    into = endpoint.into
    return into is not None and (into.key.kind == "network" or (endpoint.node == HOST and not into.topology))


_REMEMBERED = 65_536
"""Of how many interfaces the claims are kept: a watch sees many come and go."""


@lru_cache(_REMEMBERED)
def _claims(node: str, interface: str, addresses: tuple[str, ...], beside: bool) -> tuple[Claim, ...]:
    """Make the claims of an interface, those of the declared and of the live one once."""
    return (nodes.interface_claim(node, interface), *claims_of(node, interface, addresses, beside=beside))
