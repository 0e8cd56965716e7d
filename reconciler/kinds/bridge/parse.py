"""From the entries of `bridges` to resources; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds import nodes
from reconciler.kinds.addresses import IPV6_MTU, claims_of, interface_addresses, is_v6, mac
from reconciler.kinds.bridge.spec import TIMES, BridgeSpec, hundredths, written
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.veth.ends import ends_by_node, smallest_ports
from reconciler.model import HOST, Claim, Resource, ResourceKey

_RANGES = {
    "hello_time": (100, 1000),
    "max_age": (600, 4000),
    "forward_delay": (200, 3000),
    "ageing_time": (0, 2**32 - 1),
}
"""What the kernel takes (BR_MIN_… and BR_MAX_…, and 32 bits)."""
_WITHOUT_STP = {"forward_delay": (0, 2**32 - 1)}
"""What it takes instead while STP is off."""


def parse(source: Source) -> Iterator[Resource]:
    """Read the bridges of a file."""
    for name, raw in source.section("bridges").items():
        entry: Mapping[str, Any] = raw or {}
        pointer = ("bridges", name)
        node = _node(source, pointer, entry)
        if node is not None:
            spec = _spec(source, pointer, node, entry)
            yield source.resource(
                pointer,
                ResourceKey("bridge", name),
                spec,
                needs=nodes.ground(node, "node"),
                claims=claims(spec) if not entry.get("external") else (),
                at=_places(spec, pointer, entry).items(),
                owned=not entry.get("external"),
            )


def _node(source: Source, pointer: Pointer, entry: Mapping[str, Any]) -> ResourceKey | None:
    if not entry.get("namespace"):
        return HOST
    return source.reference((*pointer, "namespace"), "namespaces", entry["namespace"], "namespace")


def _spec(source: Source, pointer: Pointer, node: ResourceKey, entry: Mapping[str, Any]) -> BridgeSpec:
    live, altname = nodes.bridge_name(source, str(pointer[1]))
    if wrong := nodes.interface_problem(live):
        source.problem(pointer, wrong, "give it another `name`")
    spec = BridgeSpec(
        name=live,
        node=node,
        altname=altname,
        mtu=entry.get("mtu"),
        mac=mac(source, (*pointer, "mac"), entry.get("mac")),
        addresses=interface_addresses(source, (*pointer, "addresses"), entry.get("addresses") or ()),
        ports=_ports(source, pointer, node, entry),
        forward=entry.get("forward", True) or node != HOST,
        at=nodes.where(source, node),
        **_parameters(entry),
    )
    _check_times(source, pointer, spec)
    if any(map(is_v6, spec.addresses)):
        _check_mtu(source, pointer, spec)
    return spec


def _check_mtu(source: Source, pointer: Pointer, spec: BridgeSpec) -> None:
    """Note an MTU that leaves no IPv6: the declared one, or else that of the smallest port."""
    if spec.mtu is not None and spec.mtu < IPV6_MTU:
        source.problem((*pointer, "mtu"), f"IPv6 needs an MTU of {IPV6_MTU} at least, not {spec.mtu}")
    mtu, port = source.once(smallest_ports).get(str(pointer[1]), (IPV6_MTU, ""))
    if spec.mtu is None and mtu < IPV6_MTU:
        message = f"IPv6 needs an MTU of {IPV6_MTU} at least, and the port of {port} has but {mtu}"
        source.problem((*pointer, "addresses"), message, "give the bridge an `mtu`, or the port a larger one")


def _parameters(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is declared of the bridge's own, times as the kernel keeps them."""
    times = {name: written(hundredths(entry[name])) for name in TIMES if name in entry}
    return {name: entry[name] for name in ("stp", "priority") if name in entry} | times


def _check_times(source: Source, pointer: Pointer, spec: BridgeSpec) -> None:
    for name, (low, high) in (_RANGES if spec.stp else _RANGES | _WITHOUT_STP).items():
        if not low <= hundredths(getattr(spec, name)) <= high:
            message = f"{name} is to be from {written(low)} to {written(high)}"
            only = name in _WITHOUT_STP and spec.stp
            source.problem((*pointer, name), message + (" while stp is on" if only else ""))


def _ports(source: Source, pointer: Pointer, node: ResourceKey, entry: Mapping[str, Any]) -> tuple[str, ...]:
    ports = tuple(sorted(entry.get("ports") or ()))
    ours = {end.interface: key for key, end in source.once(ends_by_node).get(node, ())} if ports else {}
    for number, port in enumerate(entry.get("ports") or ()):
        if port in ours:
            hint = f"let that end be in it: {{bridge: {pointer[1]}, interface: {port}}}"
            source.problem((*pointer, "ports", number), f"{port!r} is an end of {ours[port]}", hint)
        elif wrong := nodes.interface_problem(port, nodes.ALTNAME_MAX):
            source.problem((*pointer, "ports", number), wrong)
    return ports


def _places(spec: BridgeSpec, pointer: Pointer, entry: Mapping[str, Any]) -> dict[Claim, Pointer]:
    """Return where the addresses and ports stand."""
    node = nodes.label(spec.node)
    found: dict[Claim, Pointer] = dict.fromkeys(_addresses(spec), (*pointer, "addresses"))
    return found | {borrowed(node, each): (*pointer, "ports", at) for at, each in enumerate(entry.get("ports") or ())}


def claims(spec: BridgeSpec) -> tuple[Claim, ...]:
    """Return the interface's name, its addresses, and the ports that it borrows."""
    node = nodes.label(spec.node)
    name = nodes.interface_claim(node, spec.name)
    return (name, *_addresses(spec), *(borrowed(node, each) for each in spec.ports))


def _addresses(spec: BridgeSpec) -> tuple[Claim, ...]:
    return claims_of(nodes.label(spec.node), spec.name, spec.addresses, beside=spec.node == HOST)


def borrowed(node: str, port: str) -> Claim:
    """Return the claim on a port that a bridge borrows in a node, known by its label."""
    return Claim(f"port {node}:{port}", label=f"port {port} in {node}")
