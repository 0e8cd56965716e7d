"""The bridges that are live, as resources."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.host import firewall
from reconciler.host.kernel import Space
from reconciler.host.kernel.packed import noted, without_room, written
from reconciler.host.marks import Mark, of_alias, topology_of_alias
from reconciler.host.netlink import Link
from reconciler.kinds import foreign, nodes
from reconciler.kinds.bridge import size
from reconciler.kinds.bridge.notes import PORT, of_mtu, of_port
from reconciler.kinds.bridge.parse import borrowed, claims
from reconciler.kinds.bridge.size import Seen
from reconciler.kinds.bridge.spec import BridgeSpec, times
from reconciler.kinds.held import held
from reconciler.kinds.macs import Macs, declared_macs, is_anothers
from reconciler.kinds.masters import is_dockers
from reconciler.model import EMPTY, HOST, Resource, ResourceKey, Spec

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

_INDEX_MAX = 2**31 - 1
_OF_DOCKER = "declare it `external: true`, or name the network at the ends of veth pairs (`network: NAME`)"


def observe(scope: Scope) -> Iterator[Resource]:
    """Yield ours by their marks, declared externals, and what holds a declared name or port."""
    marked = scope.kernel.marked("bridge")
    found = {scope.key_of_ours(mark.key, link.name): (space, link) for mark, space, link in marked}
    rules = _rules(scope, found.values())
    macs = declared_macs(scope) if found else EMPTY
    for key, (space, link) in found.items():
        yield _resource(scope, Seen(key, space, link), rules, macs)
    yield from _externals(scope)
    yield from _foreign(scope, rules)
    handed_over = set(_handed_over(scope))
    for short, bridge in rules.of(scope.name).items():
        key = scope.kernel.whole(short)
        gone = key not in found and bridge not in handed_over  # its bridge was deleted by hand
        if gone and key not in scope.desired.resources:
            spec = BridgeSpec(name=bridge)
            yield Resource(key, spec, handle=MappingProxyType({"rule": True}))


def _in_place(scope: Scope) -> Iterator[tuple[Resource, BridgeSpec, Space | None, Link | None]]:
    """Yield what is declared with the namespace that it is in and what has its name there, as far as there are such."""
    for each in scope.desired.of_kind("bridge"):
        spec = BridgeSpec.of(each)
        space = scope.kernel.nodes.get(spec.node)
        yield each, spec, space, space.link(spec.name) if space else None


def _handed_over(scope: Scope) -> Iterator[str]:
    """Yield the names of what is declared external, as they are declared and as they are live."""
    for each, spec, _, link in _in_place(scope):
        if not each.owned:
            yield from (spec.name, link.name if link else spec.name)


def _rules(scope: Scope, found: object) -> firewall.Rules:
    """Read the firewall where it can matter: for a bridge in the host, or when all is to go."""
    in_host = [each for each in scope.desired.of_kind("bridge") if BridgeSpec.of(each).node == HOST]
    nothing = not any(each.owned for each in scope.desired)
    if not (in_host or found or nothing):
        return firewall.Rules()
    to_pass = any(each.owned and BridgeSpec.of(each).forward for each in in_host)
    return firewall.look(scope.host.patience, to_pass=to_pass)


def _resource(scope: Scope, seen: Seen, rules: firewall.Rules, macs: Macs = EMPTY, *, owned: bool = True) -> Resource:
    key, space, link = seen
    declared, mark = _declared(scope, seen), scope.kernel.mine(link)
    borrowed, are_noted = _borrowed(seen, declared.ports if declared else ())
    due = size.to_be_set(scope, seen, declared, borrowed) if declared else None
    leaves = declared is not None and declared.mac is None and _has_anothers(macs, seen)
    spec = replace(
        _spec(scope, seen, rules, declared),
        ports=borrowed,
        noted=are_noted,
        due_mtu=due,
        own_mac=not leaves,
    )
    ports = [each.name for each in seen.ports]
    addresses = [each.address for each in space.addresses.get(link.index, ())]
    whose = {"source": mark.source} if mark else topology_of_alias(link.alias)
    rule = rules.holds(scope.name, Mark("", mark.key if mark else key).short.key)
    handle = {"place": space.place, "index": link.index, "rule": rule, "sized": size.is_set(link)}
    return Resource(
        key,
        spec,
        needs=nodes.ground(spec.node, "node"),
        claims=claims(replace(spec, ports=tuple(_names(seen, borrowed)))),
        owned=owned,
        live=MappingProxyType({"mac": link.mac, "ports": ports, "addresses": addresses, **whose}),
        handle=MappingProxyType(handle),
    )


def _has_anothers(macs: Macs, seen: Seen) -> bool:
    """Tell whether a bridge has a MAC address that is another's; with that of a port it follows the port."""
    mac = seen.link.mac
    return is_anothers(macs, mac, (True, str(seen.key))) and all(each.mac != mac for each in seen.ports)


def _spec(scope: Scope, seen: Seen, rules: firewall.Rules, declared: BridgeSpec | None) -> BridgeSpec:
    key, space, link = seen
    node = scope.kernel.node_of(space, declared.node if declared else None)
    assert link.bridge is not None  # noqa: S101 - only links of kind bridge are asked for
    return BridgeSpec(
        name=link.name,
        node=node or scope.kernel.lost(space),
        altname=_altname(link, key, declared),
        stp=link.bridge.stp,
        priority=link.bridge.priority,
        **times(link.bridge, declared),
        mtu=link.mtu,
        mac=link.mac,
        addresses=held(space, link.index, declared.addresses if declared else ()),
        up=link.up,
        forward=_forward(scope, key, node, link, rules),
        marked=bool(scope.kernel.mine(link)),
        at=scope.kernel.where(node),
    )


def _altname(link: Link, key: ResourceKey, declared: BridgeSpec | None) -> str:
    """Return the full name of which the live one was made, or the declared one; others are a hand's."""
    full = next((each for each in link.altnames if nodes.shortened(key.name, each) == link.name), "")
    return full or (declared.altname if declared and declared.altname in link.altnames else "")


def _declared(scope: Scope, seen: Seen) -> BridgeSpec | None:
    """Find what is declared of a bridge; of a foreign one, what is declared in its place."""
    key, space, link = seen
    desired = scope.desired.resources.get(key)
    if desired or not key.name.startswith("@"):
        return desired.spec if desired and isinstance(desired.spec, BridgeSpec) else None
    return next((spec for _, spec, at, _ in _in_place(scope) if at is space and spec.name == link.name), None)


def _borrowed(seen: Seen, declared: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return the names of the borrowed ports, declared or live ones, and whether just these are noted.

    Former versions noted names.
    """
    index, notes = seen.link.index, {each.item for each in written(seen.link, PORT)}
    found, due = set[str](), set[str]()
    for each in seen.ports if declared or notes else ():
        names, item = (each.name, *each.altnames), of_port(index, each.index).item
        said = [name for name in names if name in declared]
        if said or not notes.isdisjoint((item, *(noted("", name).item for name in names))):
            found.update(said or [each.name])
            due.add(item)
    known = {of_port(index, each.index).item for each in map(seen.space.link, declared) if each}
    return tuple(sorted(found)), due <= notes <= due | known


def _names(seen: Seen, borrowed: Collection[str]) -> Iterator[str]:
    """Yield all the names of the borrowed ports: by any of them another bridge may be about to take one."""
    for each in seen.ports if borrowed else ():
        names = (each.name, *each.altnames)
        if not set(borrowed).isdisjoint(names):
            yield from names


def _forward(scope: Scope, key: ResourceKey, node: ResourceKey | None, link: Link, rules: firewall.Rules) -> bool:
    """Tell whether frames pass; where nothing stops them there is nothing to do, whatever is declared."""
    desired = scope.desired.resources.get(key)
    wanted = bool(getattr(desired.spec, "forward", True)) if desired else True
    passes = rules.passes(scope.name, key, link.name, wanted=wanted) if node == HOST else None
    return wanted if passes is None else passes


def _externals(scope: Scope) -> Iterator[Resource]:
    for each, spec, _, link in _in_place(scope):
        if not each.owned and link and link.kind == "bridge":
            live = MappingProxyType({"mac": link.mac})
            yield Resource(each.key, spec, needs=each.needs, owned=False, live=live)


def _foreign(scope: Scope, rules: firewall.Rules) -> Iterator[Resource]:
    for node, name, space, link in foreign.holders(scope, "bridge"):
        if is_dockers(scope, space, link):
            yield foreign.interface(node, name, link, who=f"{link.name}, a Docker network's bridge", hint=_OF_DOCKER)
        elif link.kind == "bridge" and link.name == name:
            key = ResourceKey("bridge", f"@{name}")
            yield _resource(scope, Seen(key, space, link), rules, owned=False)
        else:
            yield foreign.interface(node, name, link)
    yield from _ports_elsewhere(scope)


def ports_missing(scope: Scope) -> Iterator[tuple[ResourceKey, str]]:
    """Yield the declared ports that are not there to be borrowed, and bridges with more than can be noted on them.

    What one bridge is to borrow is not there for another, by whichever of its names.
    """
    lent: dict[tuple[int, int], tuple[ResourceKey, str]] = {}
    for each, spec, space, link in _in_place(scope):
        ports = [each.index for each in map(space.link, spec.ports) if each] if space else []
        notes = [of_port(link.index if link else "", each) for each in ports]
        left = without_room(_other_notes(spec, link), PORT, notes)
        if left:
            message = f"{len(notes)} ports are more than can be noted of it"
            yield each.key, f"{message}: there is no room for more than {len(notes) - len(left)}"
        for port in spec.ports:
            where, there = nodes.label(spec.node), space.link(port) if space else None
            if space is None or there is None:
                yield each.key, f"there is no interface {port} in {where} to borrow: make it first, or take it out"
                continue
            other, name = lent.setdefault((space.place.cookie, there.index), (each.key, port))
            if other != each.key:
                yield each.key, f"the port {port} in {where} is {name}, which {other} is to borrow: take it out of one"


def _other_notes(spec: BridgeSpec, link: Link | None) -> tuple[str, ...]:
    """Return the altnames that a bridge has, or is to have, beside those of its ports."""
    size = (of_mtu(link.index if link else _INDEX_MAX),) if spec.mtu is not None else ()
    return tuple(dict.fromkeys((*(link.altnames if link else (spec.altname,)), *size)))


def _ports_elsewhere(scope: Scope) -> Iterator[Resource]:
    """Yield the declared ports that are in a bridge of somebody else's, or are another topology's themselves."""
    for _, spec, space, _ in _in_place(scope):
        for port in spec.ports if space else ():
            link = space.link(port) if space else None
            master = space.links.get(link.master) if space and link and link.master else None
            holder = master or link
            if holder and (master or of_alias(holder.alias)) and not scope.kernel.mine(holder):
                node, mark = nodes.label(spec.node), of_alias(holder.alias)
                whose = {"who": str(mark.key), "topology": mark.topology, "source": mark.source} if mark else {}
                key = ResourceKey("interface", f"@{node}:{holder.name}")
                yield Resource(key, Spec(), claims=(borrowed(node, port),), owned=False, live=MappingProxyType(whose))
