"""The entries of `veths` as the file has them: short and long forms, labels and keys; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.kinds import nodes
from reconciler.kinds.addresses import interface_addresses
from reconciler.kinds.networking import UP
from reconciler.kinds.source import Pointer, Source
from reconciler.model import HOST, ResourceKey

_KINDS = ("container", "namespace", "bridge", "network", "host")


class End(NamedTuple):
    """One end as the file has it: `owner` is the node that is named, `node` the one in whose namespace it is."""

    pointer: Pointer
    owner: ResourceKey
    node: ResourceKey
    interface: str
    addresses: tuple[str, ...]
    entry: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How the end stands in a key: `red:eth0`, `br0`, `network.lan`."""
        name = f"network.{self.owner.name}" if self.owner.kind == "network" else self.owner.name
        return f"{name}:{self.interface}" if self.interface else name

    @property
    def is_port(self) -> bool:
        """Tell whether it is in a bridge."""
        return self.owner.kind in ("bridge", "network")


class Pair(NamedTuple):
    """A veth pair as the file has it."""

    pointer: Pointer
    key: ResourceKey
    ends: tuple[End, End]
    entry: Mapping[str, Any]


MTU = 1500
"""What an interface has unless it is declared."""
EndsByNode = Mapping[ResourceKey, Sequence[tuple[ResourceKey, End]]]
Read = tuple[Pointer, ResourceKey, Mapping[str, Any], Sequence[End | None]]
"""An entry of which perhaps not every end can be read: its place, the key of its pair, itself, its ends."""


def mtu_of(pair: Pair, end: End) -> int:
    """Return the MTU of one end of a pair: its own, or that of both."""
    return int(end.entry.get("mtu") or pair.entry.get("mtu") or MTU)


def pairs(source: Source) -> Sequence[Pair]:
    """Return the veth pairs whose ends can be read; problems are noted on the source."""
    return [
        Pair(pointer, key, (first, second), entry)
        for pointer, key, entry, (first, second) in source.once(_read)
        if first and second
    ]


def smallest_ports(source: Source) -> Mapping[str, tuple[int, str]]:
    """Return the MTU of the smallest port of each bridge, and the pair that it is of."""
    found: dict[str, tuple[int, str]] = {}
    for pair in source.once(pairs):
        for end in pair.ends:
            if end.owner.kind == "bridge":
                port = mtu_of(pair, end), str(pair.key)
                found[end.owner.name] = min(port, found.get(end.owner.name, port))
    return found


def _name(entry: Mapping[str, Any], ends: Iterable[End | None]) -> str:
    return entry.get("name") or "--".join(sorted(end.label for end in ends if end))


def _read(source: Source) -> Sequence[Read]:
    return list(_each(source))


def _each(source: Source) -> Iterator[Read]:
    for number, raw in enumerate(source.section("veths") or ()):
        entry: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {"endpoints": raw}
        pointer: Pointer = ("veths", number)
        below: Pointer = (*pointer, "endpoints") if isinstance(raw, Mapping) else pointer
        ends = [_end(source, (*below, at), each) for at, each in enumerate(entry["endpoints"])]
        yield pointer, ResourceKey("veth", _name(entry, ends)), entry, ends


def _end(source: Source, pointer: Pointer, raw: str | Mapping[str, Any]) -> End | None:
    if isinstance(raw, str):
        name, interface, addresses = _words(raw)
        entry: Mapping[str, Any] = {"interface": interface, "addresses": addresses}
        hint = f"it is a network: write {{endpoints: [..., {{network: {name}}}]}}"
        owner = source.node(pointer, name, hint if name in source.section("networks") else "")
    else:
        entry, owner = raw, _owner(source, pointer, raw)
    found = interface_addresses(source, (*pointer, "addresses"), entry.get("addresses") or ())
    if owner is None or not nodes.has_own_network(source, pointer, owner, "the interface"):
        return None
    interface = entry.get("interface") or ""
    node = nodes.node_of_bridge(source, owner.name) if owner.kind == "bridge" else owner
    node = HOST if owner.kind == "network" else node
    end = End(pointer, owner, node, interface, found, entry)
    return end if _is_right(source, end) else None


def _words(text: str) -> tuple[str, str, list[str]]:
    first, *addresses = text.split()
    name, _, interface = first.partition(":")
    return name, interface, addresses


def _owner(source: Source, pointer: Pointer, entry: Mapping[str, Any]) -> ResourceKey | None:
    kind = next(each for each in _KINDS if each in entry)
    if kind == "host":
        return HOST
    return source.reference((*pointer, kind), nodes.SECTIONS[kind], entry[kind], kind)


def _is_right(source: Source, end: End) -> bool:
    """Note what is wrong with an end, and tell whether it can be used at all."""
    if not end.interface and not end.is_port:
        example = f"{end.owner.name}:eth{len(nodes.docker_interfaces(source, end.owner).get('eth', ()))}"
        source.problem(end.pointer, f"{end.owner.name!r} needs the name of the interface in it", f"e.g. {example}")
        return False
    if end.interface and (wrong := nodes.interface_problem(end.interface)):
        source.problem(end.pointer, wrong)
    if end.is_port and end.addresses:
        source.problem(end.pointer, f"{end.label!r} is the port of a bridge", "give the addresses to the bridge")
    if end.owner.kind == "container":
        _container(source, end)
    if end.owner.kind == "network":
        _network(source, end)
    return True


def _container(source: Source, end: End) -> None:
    state = nodes.state(source, end.owner)
    if state not in UP:
        message = f"container {end.owner.name!r} is to be {state}: only a running or paused one has interfaces"
        source.problem(end.pointer, message, "take the veth out, or change the state")
    for prefix, names in nodes.docker_interfaces(source, end.owner).items():
        if end.interface in names:
            message = f"the name {end.interface!r} is Docker's in {end.owner.name!r}, for its network's interface"
            declared = nodes.entry(source, end.owner).get("networks")
            without = "" if declared else ", or network_mode: none if it needs no Docker network"
            source.problem(end.pointer, message, f"use {prefix}{len(names)}{without}")


def _network(source: Source, end: End) -> None:
    driver = nodes.entry(source, end.owner).get("driver", "bridge")
    if driver != "bridge":
        source.problem(end.pointer, f"network {end.owner.name!r} has no bridge: its driver is {driver}")


def ends_by_node(source: Source) -> EndsByNode:
    """Return the ends in each node, each with the key of its pair, or a stand-in where the other end is wrong."""
    found: dict[ResourceKey, list[tuple[ResourceKey, End]]] = defaultdict(list)
    for _, key, _, ends in source.once(_read):
        for end in filter(None, ends):
            found[end.node].append((key, end))
    return found
