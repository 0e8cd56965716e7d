"""The veth pairs that are live, as resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host.kernel import Kernel, Space
from reconciler.host.marks import topology_of_alias
from reconciler.host.netlink import Link
from reconciler.kinds import foreign
from reconciler.kinds.held import held
from reconciler.kinds.macs import Macs, declared_macs, is_anothers
from reconciler.kinds.masters import master_of
from reconciler.kinds.veth.parse import claims, needs_of
from reconciler.kinds.veth.spec import PATH_COST, PRIORITY, Endpoint, VethSpec
from reconciler.model import EMPTY, Claim, FrozenMap, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Seen = tuple[Space, Link]


def observe(scope: Scope) -> Iterator[Resource]:
    """Yield our pairs, and what holds the declared name of an interface and is not ours."""
    kernel, macs = scope.kernel, declared_macs(scope)
    for key, found in sorted(_pairs(kernel).items()):
        wanted = scope.desired.resources.get(key)
        endpoints = VethSpec.of(wanted).endpoints if wanted else FrozenMap[Endpoint]()
        if len(found) > 1:  # some are left over by a namespace that somebody keeps alive
            found.sort(key=lambda pair: -_matches(kernel, pair, endpoints))
        best, *others = found
        yield _resource(scope, key, best, endpoints, macs)
        for other in others:
            index = other[0][1].index
            yield _resource(scope, ResourceKey("veth", f"{key.name}@{index}"), other, FrozenMap())
    yield from _foreign(scope)


def _pairs(kernel: Kernel) -> dict[ResourceKey, list[tuple[Seen, ...]]]:
    """Group the marked ends, each with its peer, by key."""
    found: dict[ResourceKey, list[tuple[Seen, ...]]] = defaultdict(list)
    done: set[tuple[int, int]] = set()
    for mark, space, link in kernel.marked("veth"):
        if (space.place.cookie, link.index) not in done:
            peer = kernel.peer(space, link)
            pair = ((space, link), peer) if peer else ((space, link),)
            done |= {(each.place.cookie, end.index) for each, end in pair}
            found[mark.key].append(pair)
    return found


def _matches(kernel: Kernel, pair: tuple[Seen, ...], endpoints: Mapping[str, Endpoint]) -> int:
    return sum(_fits(kernel, seen, each) for seen in pair for each in endpoints.values())


def _fits(kernel: Kernel, seen: Seen, endpoint: Endpoint) -> bool:
    return _is_called(kernel, seen, endpoint) and _is_in(kernel, seen, endpoint)


def _is_called(_: Kernel, seen: Seen, endpoint: Endpoint) -> bool:
    return seen[1].name == endpoint.interface


def _is_in(kernel: Kernel, seen: Seen, endpoint: Endpoint) -> bool:
    return kernel.node_of(seen[0], endpoint.node) == endpoint.node


def _labelled(kernel: Kernel, pair: tuple[Seen, ...], endpoints: Mapping[str, Endpoint]) -> dict[str, Seen]:
    """Tell which end is which: by node and name, else by one of them, else the one that is left."""
    left, found = [*pair], dict[str, Seen]()
    for alike in (_fits, _is_called, _is_in):
        for label, endpoint in endpoints.items() if left else ():
            if label in found:
                continue
            for at, seen in enumerate(left):
                if alike(kernel, seen, endpoint):
                    found[label] = left.pop(at)
                    break
    missing = [label for label in endpoints if label not in found]
    for seen in left:
        found[missing.pop(0) if missing else _label(kernel, seen, found)] = seen
    return found


def _label(kernel: Kernel, seen: Seen, taken: Mapping[str, Any]) -> str:
    space, link = seen
    node = kernel.node_of(space)
    label = f"{node.name if node else '?'}:{link.name}"
    return label if label not in taken else f"{label}@{link.index}"


def _resource(
    scope: Scope,
    key: ResourceKey,
    pair: tuple[Seen, ...],
    wanted: Mapping[str, Endpoint],
    macs: Macs = EMPTY,
    *,
    owned: bool = True,
) -> Resource:
    ends = _labelled(scope.kernel, pair, wanted)
    endpoints = {label: _endpoint(scope, key, seen, wanted.get(label), macs) for label, seen in ends.items()}
    live = {label: _facts(space, link) for label, (space, link) in ends.items()}
    handle = {label: {"place": space.place, "index": link.index} for label, (space, link) in ends.items()}
    ours = ({"source": mark.source} for _, link in pair if (mark := scope.kernel.mine(link)))
    whose = next(ours, None) or next((found for _, link in pair if (found := topology_of_alias(link.alias))), {})
    return Resource(
        key,
        VethSpec(FrozenMap(endpoints)),
        needs=tuple(
            need for each in endpoints.items() for need in needs_of(*each, owned=_is_ours(scope, each[1].node))
        ),
        claims=Claim.in_order(
            claim
            for label, found in claims(endpoints).items()
            if not _is_lost(endpoints[label].node)
            for claim in found
        ),
        owned=owned,
        live=MappingProxyType({"ends": live, **whose}),
        handle=MappingProxyType({"ends": handle}),
    )


def _facts(space: Space, link: Link) -> dict[str, Any]:
    addresses = [each.address for each in space.addresses.get(link.index, ())]
    return {"mac": link.mac, "operstate": link.operstate, "addresses": addresses}


def _is_lost(node: ResourceKey) -> bool:
    return node.name.startswith("@")


def _is_ours(scope: Scope, node: ResourceKey) -> bool:
    inspected = scope.kernel.containers.get(node)
    return inspected is None or bool(scope.mark(inspected["Config"].get("Labels")))


def _endpoint(scope: Scope, key: ResourceKey, seen: Seen, wanted: Endpoint | None, macs: Macs) -> Endpoint:
    space, link = seen
    kernel = scope.kernel
    node = kernel.node_of(space, wanted.node if wanted else None)
    mark, (master, into) = kernel.mine(link), master_of(scope, space, link)
    leaves = wanted is not None and wanted.mac is None and is_anothers(macs, link.mac, (False, wanted.master))
    return Endpoint(
        node=node or kernel.lost(space),
        interface=link.name,
        addresses=held(space, link.index, wanted.addresses if wanted else ()),
        mac=link.mac,
        mtu=link.mtu,
        up=link.up,
        master=master,
        path_cost=link.port.path_cost if link.port else PATH_COST,
        priority=link.port.priority if link.port else PRIORITY,
        hairpin=link.port.hairpin if link.port else False,
        marked=bool(mark and mark.key == key),
        own_mac=None if leaves else True,
        at=kernel.where(node),
        into=into,
    )


def _foreign(scope: Scope) -> Iterator[Resource]:
    """Yield what is not ours and has the name of a declared end: a whole pair, which can be adopted, if it is one."""
    kernel = scope.kernel
    told: set[tuple[int, int]] = set()
    for node, name, space, link in foreign.holders(scope, "veth"):
        peer = kernel.peer(space, link)
        if peer and link.name == name and not kernel.mine(peer[1]):
            if (space.place.cookie, link.index) in told:
                continue
            told.add((peer[0].place.cookie, peer[1].index))
            key = ResourceKey("veth", f"@{node.name}:{name}")
            yield _resource(scope, key, ((space, link), peer), _declared_at(scope, node, name), owned=False)
        else:
            yield foreign.interface(node, name, link)


def _declared_at(scope: Scope, node: ResourceKey, name: str) -> Mapping[str, Endpoint]:
    for each in scope.desired.of_kind("veth"):
        spec = VethSpec.of(each)
        if any((end.node, end.interface) == (node, name) for end in spec.endpoints.values()):
            return spec.endpoints
    return {}
