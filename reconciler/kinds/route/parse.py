"""From the `routes` of nodes, and of the ends of veth pairs, to resources; pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reconciler.kinds import nodes
from reconciler.kinds.addresses import IPV6_MTU, is_link_local, is_v6
from reconciler.kinds.route.entries import Entry, entries
from reconciler.kinds.route.interfaces import Interface, interfaces, reaches_more, unknown_networks
from reconciler.kinds.route.spec import DEFAULTS, RouteSpec, claim
from reconciler.kinds.source import Source
from reconciler.kinds.veth.ends import ends_by_node, mtu_of, pairs, smallest_ports
from reconciler.model import HOST, FrozenMap, How, Need, Resource, ResourceKey

_LO = "lo"
"""It is there in every node, and up."""


def routes(source: Source) -> tuple[Resource, ...]:
    """Read the routes of all nodes of a file."""
    return tuple(_routes(source))


def _routes(source: Source) -> Iterator[Resource]:
    found, ends = entries(source), source.once(ends_by_node)
    count = Counter((each.node, each.to) for each in found)
    for node in dict.fromkeys(each.node for each in found):
        here = [each for each in found if each.node == node]
        onlink = sorted((each for each in here if not each.via), key=_precedence)
        known = tuple(interfaces(source, node, ends))
        yield from (_resource(source, each, known, onlink, count) for each in here)


def _precedence(entry: Entry) -> tuple[int, int]:
    """The place of a route where the kernel looks for one: the longest prefix first, then the lowest metric."""
    return -ipaddress.ip_network(entry.to).prefixlen, entry.metric


def _resource(
    source: Source, entry: Entry, known: tuple[Interface, ...], onlink: list[Entry], count: Mapping[Any, int]
) -> Resource:
    hops = [_reaching(gateway, entry, known, onlink) for gateway in entry.via]
    networks = _networks(source, entry)
    ways = _ways(entry, known, hops, by_engine=bool(networks))
    by, over = _by(hops), tuple(_over(entry, onlink, count))
    _check(source, entry, known, onlink)
    _check_up(source, entry, hops or [ways])
    _check_size(source, entry, hops or [ways])
    return source.resource(
        entry.pointer,
        key_of(entry.node, entry.to, entry.metric if count[entry.node, entry.to] > 1 else None),
        RouteSpec(
            node=entry.node,
            to=entry.to,
            via=entry.via,
            dev=entry.dev or (by[0] if over and len(set(by)) == 1 else None),
            metric=entry.metric,
            source=entry.source,
            noted=entry.node == HOST and not _is_told(source, hops or [ways]),
            by=by,
            ours=_ours(source, ways),
            at=nodes.where(source, entry.node),
            networks=networks,
        ),
        needs=(*_grounds(source, entry, ways), *over, *_of_source(entry, known)),
        claims=[claim(entry.node, entry.to, entry.metric)],
        part_of=entry.node if entry.node != HOST else None,
    )


def key_of(node: ResourceKey, to: str, metric: int | None = None) -> ResourceKey:
    """Return the key of a route; the metric stands in it where a node has several routes to one destination."""
    suffix = "" if metric is None else f"@{metric}"
    return ResourceKey("route", f"{node.name}--{DEFAULTS.get(to, to)}{suffix}")


def _reaching(gateway: str, entry: Entry, known: tuple[Interface, ...], onlink: list[Entry]) -> list[Interface]:
    """The interfaces that reach a next hop, or else the one by which another route says that it is on the link."""
    found = [each for each in known if each.reaches(gateway, entry.dev)]
    devs = (each.dev for each in onlink if entry.dev in (None, each.dev) and _in_prefix(gateway, each.to))
    name = None if found else next(devs, None)
    return found or [each for each in known if each.name == name]


def _ways(
    entry: Entry, known: tuple[Interface, ...], hops: list[list[Interface]], *, by_engine: bool
) -> list[Interface]:
    """The interfaces that are declared in the node and by which the route goes; of the engine's, which has no name."""
    if entry.dev and not entry.via:
        return [each for each in known if each.name == ("" if by_engine else entry.dev)]
    return [each for each in known if any(each in hop for hop in hops)]


def _networks(source: Source, entry: Entry) -> tuple[tuple[str, str], ...]:
    """The networks of which one has the interface by which the route goes; none where its name is not the engine's."""
    found = nodes.docker_interfaces(source, entry.node).values()
    return next((tuple(each.items()) for each in found if entry.dev in each), ())


def _by(hops: list[list[Interface]]) -> tuple[str, ...]:
    """The interface of each next hop: one that is about to lose its addresses may reach it still, and is not meant."""
    found = [{each.name for each in hop} for hop in hops]
    names = tuple(each.pop() for each in found if len(each) == 1)
    return names if len(names) == len(found) and all(names) else ()


def _ours(source: Source, ways: list[Interface]) -> FrozenMap[str]:
    """The interfaces that are to carry our mark, each with the key that stands in it."""
    return FrozenMap({each.name: str(each.key) for each in ways if each.name and _is_marked(source, each)})


def _is_marked(source: Source, way: Interface) -> bool:
    """Tell whether an interface carries our mark; that of a Docker network has none, though the network is ours."""
    return way.key.kind == "veth" or (way.key.kind == "bridge" and not nodes.external(source, way.key))


def _is_told(source: Source, hops: list[list[Interface]]) -> bool:
    """Tell whether each next hop is reached by what carries our mark, so that it tells whose the route is."""
    return all(hop and all(_is_marked(source, each) for each in hop) for hop in hops)


def _grounds(source: Source, entry: Entry, ways: list[Interface]) -> tuple[Need, ...]:
    owned = entry.node == HOST or not nodes.external(source, entry.node)
    hidden = unknown_networks(source, entry.node) if not ways else ()
    keys = [*(each.key for each in ways), *hidden]
    return (*nodes.ground(entry.node, "to", owned=owned), *(Need(key, "via") for key in keys))


def _of_source(entry: Entry, known: tuple[Interface, ...]) -> Iterator[Need]:
    """With the address that is its source the kernel takes a route away, whatever it goes by."""
    return (Need(each.key, "source") for each in known if each.has(entry.source))


def _over(entry: Entry, onlink: list[Entry], count: Mapping[Any, int]) -> Iterator[Need]:
    """A next hop may be reached by another route, which is on the link of an interface."""
    for other in onlink:
        if any(_in_prefix(each, other.to) for each in entry.via):
            metric = other.metric if count[other.node, other.to] > 1 else None
            yield Need(key_of(other.node, other.to, metric), "via", How.AFTER)


def _in_prefix(gateway: str, prefix: str) -> bool:
    network = ipaddress.ip_network(prefix)
    return network.prefixlen > 0 and ipaddress.ip_address(gateway) in network


def _check_up(source: Source, entry: Entry, hops: list[list[Interface]]) -> None:
    """Note a route by an interface that is to be down: the kernel takes none."""
    down = source.once(_down)
    for hop in hops:
        if hop and all((entry.node, each.name) in down for each in hop):
            message = f"the interface {hop[0].name!r} of {entry.node.name!r} is to be down: only what is up has routes"
            source.problem(entry.pointer, message, "take the route out, or `up: false`")


def _down(source: Source) -> Collection[tuple[ResourceKey, str]]:
    """The named ends of pairs that are to be down: each as its node and its name."""
    ends = (end for pair in source.once(pairs) for end in pair.ends)
    return {(end.node, end.interface) for end in ends if end.interface and end.entry.get("up") is False}


def _check_size(source: Source, entry: Entry, hops: list[list[Interface]]) -> None:
    """Note a route of IPv6 by an interface whose MTU leaves none."""
    small = source.once(_small) if is_v6(entry.to) else {}
    for hop in hops:
        found = [small.get((entry.node, each.name)) for each in hop]
        if found and all(found):
            what = f"the interface {hop[0].name!r} of {entry.node.name!r}"
            message = f"IPv6 needs an MTU of {IPV6_MTU} at least, and {what} has but {found[0]}"
            source.problem(entry.pointer, message, "give it a larger `mtu`, or the bridge's smallest port")


def _small(source: Source) -> Mapping[tuple[ResourceKey, str], int]:
    """Return the interfaces that are too small for IPv6, each as its node and its name, with their MTUs."""
    ends = ((pair, end) for pair in source.once(pairs) for end in pair.ends if end.interface)
    found = {(end.node, end.interface): mtu_of(pair, end) for pair, end in ends}
    ports = source.once(smallest_ports)
    for name, entry in source.section("bridges").items():
        if not (entry or {}).get("external"):
            mtu = (entry or {}).get("mtu") or ports.get(name, (IPV6_MTU, ""))[0]
            found[nodes.node_of_bridge(source, name), nodes.bridge_name(source, name)[0]] = mtu
    return {place: mtu for place, mtu in found.items() if mtu < IPV6_MTU}


def _check(source: Source, entry: Entry, known: tuple[Interface, ...], onlink: list[Entry]) -> None:
    for gateway in entry.via:
        local = is_link_local(gateway)
        links = [each for each in known if each.reaches(gateway, entry.dev)] if local else known
        if any(gateway in each.own for each in links):
            message = f"the next hop {gateway} is an address of {entry.node.name!r} itself"
            source.problem((*entry.pointer, "via"), message)
        elif any(each.shouts_at(gateway) for each in links):
            message = f"the next hop {gateway} is the broadcast address of a subnet of {entry.node.name!r}"
            source.problem((*entry.pointer, "via"), message)
        elif local and len(links) > 1:
            message = f"the next hop {gateway} is on more than one link of {entry.node.name!r}"
            source.problem((*entry.pointer, "via"), message, "name the interface with `dev`")
    if reaches_more(source, entry.node):
        return
    for gateway in entry.via:
        reached = any(each.reaches(gateway, entry.dev) for each in known) or (entry.dev and is_link_local(gateway))
        if not reached and not any(_in_prefix(gateway, each.to) for each in onlink):
            message = f"the next hop {gateway} is not reachable through any declared interface of {entry.node.name!r}"
            source.problem((*entry.pointer, "via"), message)
    names = {_LO, *(each.name for each in known)}
    if entry.dev and entry.dev not in names and not nodes.docker_interfaces(source, entry.node):
        message = f"{entry.node.name!r} has no interface {entry.dev!r} in this file"
        source.problem((*entry.pointer, "dev"), message)
