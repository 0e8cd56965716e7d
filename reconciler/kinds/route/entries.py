"""The `routes` of nodes, and of the ends of veth pairs, as the file has them; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds import nodes
from reconciler.kinds.addresses import ip, written
from reconciler.kinds.networking import UP
from reconciler.kinds.route.spec import DEFAULTS, in_order, normal_metric
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.veth.ends import pairs
from reconciler.model import HOST, ResourceKey
from reconciler.value import dataclass


@dataclass(frozen=True)
class Entry:
    """A route as the file has it; `dev` is the interface by which it goes, if that is said."""

    pointer: Pointer
    node: ResourceKey
    raw: Mapping[str, Any]
    to: str
    via: tuple[str, ...]
    dev: str | None
    source: str

    @property
    def metric(self) -> int:
        """Its metric as the kernel shows it."""
        return normal_metric(self.to, self.raw.get("metric") or 0)


def entries(source: Source) -> list[Entry]:
    """Read the routes of all nodes of a file; one whose place another has is noted, and left out."""
    return list(_different(source, _entries(source)))


def _different(source: Source, found: Iterable[Entry]) -> Iterator[Entry]:
    """Leave out, and note, what has the destination and metric of another route of its node."""
    seen: set[tuple[ResourceKey, str, int]] = set()
    for each in found:
        if (each.node, each.to, each.metric) in seen:
            message = f"{nodes.label(each.node)} has a route to {DEFAULTS.get(each.to, each.to)} already"
            source.problem(each.pointer, message, "one route can have a list of next hops; or give it another metric")
        else:
            seen.add((each.node, each.to, each.metric))
            yield each


def _entries(source: Source) -> Iterator[Entry]:
    for pointer, node, raw, dev in _declared(source):
        if nodes.has_own_network(source, pointer, node, "the route") and _is_up(source, pointer, node):
            entry = _entry(source, pointer, node, raw, dev)
            if entry:
                yield entry


def _declared(source: Source) -> Iterator[tuple[Pointer, ResourceKey, Mapping[str, Any], str | None]]:
    for kind in ("container", "namespace"):
        section = nodes.SECTIONS[kind]
        for name, entry in source.section(section).items():
            for number, raw in enumerate((entry or {}).get("routes") or ()):
                yield (section, name, "routes", number), ResourceKey(kind, name), raw, raw.get("dev")
    for number, raw in enumerate(source.section("host").get("routes") or ()):
        yield ("host", "routes", number), HOST, raw, raw.get("dev")
    for pair in source.once(pairs):
        for end in pair.ends:
            for number, raw in enumerate(end.entry.get("routes") or ()):
                yield (*end.pointer, "routes", number), end.node, raw, end.interface


def _is_up(source: Source, pointer: Pointer, node: ResourceKey) -> bool:
    state = nodes.state(source, node)
    if state not in UP:
        message = f"container {node.name!r} is to be {state}: only a running or paused one has routes"
        source.problem(pointer, message, "take the route out, or change the state")
    return state in UP


def _entry(
    source: Source, pointer: Pointer, node: ResourceKey, raw: Mapping[str, Any], dev: str | None
) -> Entry | None:
    given = raw.get("via") or ()
    texts = [given] if isinstance(given, str) else list(given)
    at = [(*pointer, "via") if isinstance(given, str) else (*pointer, "via", number) for number in range(len(texts))]
    via = [ip(source, place, each) for place, each in zip(at, texts, strict=True)]
    to = _destination(source, pointer, raw["to"], via)
    if not to or not all(via):
        return None
    if any((":" in each) != (":" in to) for each in via):
        source.problem((*pointer, "via"), f"the next hops are not of the same family as {raw['to']}")
        return None
    for number, each in enumerate(via):
        if each in via[:number]:
            source.problem(at[number], f"the next hop {each} is listed twice")
    return Entry(pointer, node, raw, to, in_order(via), dev, _source(source, pointer, raw, to))


def _source(source: Source, pointer: Pointer, raw: Mapping[str, Any], to: str) -> str:
    if not raw.get("source"):
        return ""
    if (":" in raw["source"]) != (":" in to):
        source.problem((*pointer, "source"), f"{raw['source']} is not of the same family as {raw['to']}")
    return ip(source, (*pointer, "source"), raw["source"])


def _destination(source: Source, pointer: Pointer, text: str, via: list[str]) -> str:
    if text == "default":
        return "::/0" if via and ":" in via[0] else "0.0.0.0/0"
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        source.problem((*pointer, "to"), f"{text!r} is not a destination", "e.g. 10.0.0.0/16, or default")
        return ""
    if ipaddress.ip_address(text.partition("/")[0]) != found.network_address:
        source.problem((*pointer, "to"), f"{text} is an address in a prefix", f"the destination is {found}")
    return f"{written(found.network_address)}/{found.prefixlen}"
