"""In which order containers start beyond what the file says, as far as that closes no circle; pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from ipaddress import ip_address, ip_network

from reconciler.kinds.container import ports
from reconciler.kinds.entry import Entry, entries
from reconciler.kinds.image.containers import made_here
from reconciler.kinds.networking import bridge_links, dependencies, links, networks, runs, shared_with, state
from reconciler.kinds.room import Room
from reconciler.kinds.source import Source
from reconciler.model import reached
from reconciler.value import dataclass

Graph = dict[str, set[str]]
"""Container → those that come before it."""
Fixed = tuple[int, tuple[int, int], str]
"""A port of the host that is declared, at which of its addresses, and the container that publishes it."""
_PAIRS = 50_000
"""How often a container may have to wait for another one so that no range gives that one's port away."""


@dataclass(frozen=True)
class Order:
    """Which containers start after which, by the links, by the static addresses of a network, by ports of the host.

    A container whose address or port the engine chooses might get one that another declares: the latter starts first.
    """

    links: Mapping[str, tuple[str, ...]]
    static: Mapping[tuple[str, str], tuple[str, ...]]
    ports: Mapping[str, tuple[str, ...]]


def order(source: Source) -> Order:
    """Compute the order."""
    found = list(entries(source))
    graph = {entry.name: set(_before(entry)) for entry in found}
    linked = {each.name: tuple(_without_circle(graph, each.name, _link_targets(each))) for each in found}
    static = dict(_static_first(source, found, graph))
    return Order(linked, static, dict(_fixed_ports_first(found, graph)))


def _before(entry: Entry) -> Iterator[str]:
    yield from dependencies(entry)
    yield from (each.target for each in bridge_links(entry))
    shared = shared_with(entry)
    if shared:
        yield shared.name
    image = made_here(entry.source, entry.get("image") or "")
    commit = (entry.source.section("images").get(image) or {}).get("commit")
    if commit:
        yield commit if isinstance(commit, str) else commit["container"]


def _link_targets(entry: Entry) -> list[str]:
    return sorted({each.target for each in links(entry) if each.networks})


def _without_circle(graph: Graph, name: str, targets: Iterable[str]) -> Iterator[str]:
    """Add and yield the targets that may come before a container without closing a circle."""
    for target in targets:
        if name not in _with_all_before(graph, [target]):
            graph[name].add(target)
            yield target


def _with_all_before(graph: Graph, names: Iterable[str]) -> set[str]:
    return reached(names, lambda each: graph.get(each, ()))


def _static_first(
    source: Source, found: list[Entry], graph: Graph
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    static: dict[str, list[str]] = defaultdict(list)
    chosen: dict[str, list[str]] = defaultdict(list)
    for entry in found:
        for network, endpoint in networks(entry).items():
            addresses = [endpoint[each] for each in ("ipv4_address", "ipv6_address") if each in endpoint]
            if not addresses:
                chosen[network].append(entry.name)
            elif runs(entry) and any(_may_be_chosen(source, network, each) for each in addresses):
                static[network].append(entry.name)
    for network in sorted(static):
        tied = _with_all_before(graph, static[network]) & set(chosen[network])
        for name in chosen[network]:
            if tied:
                yield (name, network), tuple(_without_circle(graph, name, static[network]))
            else:
                graph[name].update(static[network])
                yield (name, network), tuple(static[network])


def _fixed_ports_first(found: list[Entry], graph: Graph) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each container with a port from a range, and those that go on running and declare one of these."""
    if not any("-" in str(entry.get("ports")) for entry in found):
        return
    published = {entry.name: list(ports.spans(entry)) for entry in found if runs(entry)}
    stay = [entry.name for entry in found if state(entry) != "completed"]
    fixed: dict[str, list[Fixed]] = defaultdict(list)
    for name in stay:
        for protocol, span, address in published.get(name, ()):
            if len(span) == 1:
                fixed[protocol].append((span.start, ports.interval(address), name))
    for those in fixed.values():
        those.sort()

    @cache
    def holders(protocol: str, span: range, address: str) -> frozenset[str]:
        low, high = ports.interval(address)
        held = fixed[protocol]
        within = held[bisect_left(held, (span.start,)) : bisect_left(held, (span.stop,))]
        return frozenset(name for _, (first, last), name in within if first <= high and low <= last)

    room = Room(_PAIRS, f"with this ranges that ports are chosen from hold more than {_PAIRS} that others declare")
    for entry in found:
        spans = [each for each in published.get(entry.name, ()) if len(each[1]) > 1]
        before = frozenset[str]().union(*(holders(*each) for each in spans)) - {entry.name}
        fits: bool = entry.read(("ports",), room.takes, len(before), instead=False)
        if before and fits:
            yield entry.name, tuple(_without_circle(graph, entry.name, sorted(before)))


def _may_be_chosen(source: Source, network: str, address: str) -> bool:
    """Tell whether the engine might give an address away: not one outside of the ranges it gives from."""
    pools = ((source.section("networks").get(network) or {}).get("ipam") or {}).get("config") or ()
    ranges = [each.get("ip_range") or each["subnet"] for each in pools]
    try:
        return not ranges or any(ip_address(address) in ip_network(each, strict=False) for each in ranges)
    except ValueError:
        return False
