"""The routes that are live, as resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host.kernel import Space, Where, packed
from reconciler.host.kernel.packed import Noted
from reconciler.host.marks import PROTOCOL, of_alias
from reconciler.host.netlink import Link, Route
from reconciler.kinds import nodes
from reconciler.kinds.connect.live import link_of, stand_in
from reconciler.kinds.connect.spec import key_of as connect_key
from reconciler.kinds.masters import network_of
from reconciler.kinds.route.parse import key_of
from reconciler.kinds.route.spec import DEFAULTS, RouteSpec, claim, in_order
from reconciler.kinds.route.whose import is_mine, is_ours, noted, owners
from reconciler.model import HOST, FrozenMap, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Declared = tuple[ResourceKey, RouteSpec]
_UNICAST = 1


def observe(scope: Scope) -> Iterator[Resource]:
    """Yield our routes, those that stand in the place of declared ones, and what only a note remembers."""
    declared: dict[ResourceKey, list[Declared]] = defaultdict(list)
    for each in scope.desired.of_kind("route"):
        spec = RouteSpec.of(each)
        declared[spec.node].append((each.key, spec))
    for node, space in scope.kernel.nodes.items():
        if not _shares(scope, node, space):
            yield from _in_node(scope, node, space, declared.get(node, []))


def _shares(scope: Scope, node: ResourceKey, space: Space) -> bool:
    """Tell whether a node only shares the namespace of another, to which the routes then belong."""
    return scope.kernel.node_of(space) != node


def _in_node(scope: Scope, node: ResourceKey, space: Space, declared: list[Declared]) -> Iterator[Resource]:
    taken: set[ResourceKey] = set()
    notes = packed.written(space.loopback, "route")
    wanted = {(spec.to, spec.metric) for _, spec in declared}
    places = set(wanted)
    specs, first = dict(declared), _first(space, wanted)
    for route in sorted(filter(_has_place, space.routes), key=lambda each: each.protocol != PROTOCOL):
        ours = route.protocol == PROTOCOL and _is_ours(scope, node, space, route, notes)
        key = _declared_key(declared, taken, route)
        spec = specs.get(key) if key else None
        if ours or (key and _may_take(scope, node)) or (spec and _is_left(scope, space, route, spec, notes)):
            key = key or _free_key(node, route, taken)
            taken.add(key)
            places.add((route.destination, route.metric))
            marked = ours and route.type == _UNICAST and not _rivals(scope, node, space, route)
            marked = marked and (spec is None or not spec.noted or _note(scope, route) in notes)
            found = _resource(scope, key, node, space, route, marked=marked, declared=spec)
            behind = ours and first.get((route.destination, route.metric), route).protocol != PROTOCOL
            yield _behind(scope, node, found) if behind else found
        elif (route.destination, route.metric) in wanted and not (route.automatic and _may_take(scope, node)):
            several = sum(to == route.destination for to, _ in wanted) > 1
            key = key_of(node, route.destination, route.metric if several else None)
            key = ResourceKey("route", f"@{key.name}")
            yield replace(_resource(scope, key, node, space, route, marked=False), needs=(), owned=False)
    if node == HOST:
        yield from _remembered(scope, space, places, notes)


def _first(space: Space, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Route]:
    """Find the first route in each place, which is the one that the kernel uses; its own come and go by themselves."""
    found: dict[tuple[str, int], Route] = {}
    for each in space.routes:
        if (each.destination, each.metric) in places and _has_place(each) and not each.automatic:
            found.setdefault((each.destination, each.metric), each)
    return found


def _behind(scope: Scope, node: ResourceKey, found: Resource) -> Resource:
    """Tell of a route of ours that another was put before; what stands in a node that is not ours keeps the place."""
    claims = found.claims if _may_take(scope, node) else ()
    return replace(found, spec=replace(RouteSpec.of(found), first=False), claims=claims)


def _has_place(route: Route) -> bool:
    """Tell whether a route has a place where one of ours can be: of whatever type, but for any type of service."""
    return not route.tos


def _may_take(scope: Scope, node: ResourceKey) -> bool:
    """Tell whether what stands in a node is ours to replace: it is a namespace or container of ours, or will be."""
    inspected = scope.kernel.containers.get(node)
    if inspected is not None:
        return bool(scope.mark(inspected["Config"].get("Labels")))
    kernel = scope.kernel
    return node.kind == "namespace" and (kernel.is_ours(kernel.nodes[node]) or kernel.is_adopted(node))


def _is_ours(scope: Scope, node: ResourceKey, space: Space, route: Route, notes: Collection[Noted]) -> bool:
    links, ours = _mine(scope, space, route), _may_take(scope, node)
    return is_ours(_note(scope, route), notes, links, in_host=node == HOST, in_ours=ours)


def _note(scope: Scope, route: Route) -> Noted:
    return noted(scope.name, route.destination, route.metric)


def _mine(scope: Scope, space: Space, route: Route) -> list[bool | None]:
    links = (_telling(scope, space, space.links.get(each)) for each in route.devices)
    return [is_mine(each, scope.name, scope.host.identity) for each in links]


def _telling(scope: Scope, space: Space, link: Link | None) -> Link | None:
    """Return the link that tells whose one is: of a veth without a mark the other end: it is known by either."""
    peer = scope.kernel.peer(space, link) if link and not of_alias(link.alias) else None
    return peer[1] if peer else link


def _is_left(scope: Scope, space: Space, route: Route, spec: RouteSpec, notes: Collection[Noted]) -> bool:
    """Tell whether a route stands as declared, and nothing tells whose: its interface was ours, and is external."""
    if not spec.noted or route.protocol != PROTOCOL or owners(notes, _note(scope, route)):
        return False
    links = [space.links[each] for each in route.devices if each in space.links]
    named = spec.dev is None or any(spec.dev in (each.name, *each.altnames) for each in links)
    same = (spec.via, spec.metric) == (in_order(route.gateways), route.metric)
    return same and named and False not in _mine(scope, space, route)


def _declared_key(declared: list[Declared], taken: set[ResourceKey], route: Route) -> ResourceKey | None:
    """Find the declared route that a live one is, or whose place it takes; one of ours may have another metric."""
    left = [(key, spec) for key, spec in declared if key not in taken and spec.to == route.destination]
    exact = (key for key, spec in left if spec.metric == route.metric)
    is_either = route.protocol == PROTOCOL or (left and _takes_dockers_place(left[0][1]))
    return next(exact, left[0][0] if left and is_either else None)


def _takes_dockers_place(spec: RouteSpec) -> bool:
    return spec.node.kind == "container" and spec.is_default


def _free_key(node: ResourceKey, route: Route, taken: set[ResourceKey]) -> ResourceKey:
    key = key_of(node, route.destination)
    return key if key not in taken else key_of(node, route.destination, route.metric)


def _rivals(scope: Scope, node: ResourceKey, space: Space, route: Route) -> bool:
    """Tell whether Docker's default route stands beside ours, in whose place ours is to be."""
    if node.kind != "container" or node not in scope.kernel.containers:
        return False
    beside = (each for each in space.routes if each.destination == route.destination and _has_place(each))
    return route.destination in DEFAULTS and any(each.protocol != PROTOCOL for each in beside)


def _resource(
    scope: Scope,
    key: ResourceKey,
    node: ResourceKey,
    space: Space,
    route: Route,
    *,
    marked: bool,
    declared: RouteSpec | None = None,
) -> Resource:
    """Make the resource of a live route; its interface has the `declared` name if it is meant by that."""
    links = [space.links[each] for each in route.devices if each in space.links]
    ours = {each.name: str(mark.key) for each in links if (mark := scope.kernel.mine(each))}
    makers = (*_makers(scope, space, links), *_connects(scope, node, space, links))
    grounds = {Need(each, "via") for each in makers}
    sources = {Need(each, "source") for each in _makers(scope, space, _holding(space, route.source))}
    devices = [each.name for each in links]
    spec = RouteSpec(
        node=node,
        to=route.destination,
        via=in_order(route.gateways),
        dev=_name(scope, space, links[0], declared) if len(set(devices)) == 1 else None,
        metric=route.metric,
        source=route.source or "",
        marked=marked,
        at=scope.kernel.where(node),
        noted=node == HOST and not (links and all(map(scope.kernel.mine, links))),
        ours=FrozenMap(ours),
        networks=declared.networks if declared else _at_a_start(_endpoints(scope, node)),
    )
    owned = node not in scope.kernel.containers or _may_take(scope, node)
    return Resource(
        key,
        spec,
        needs=(*nodes.ground(node, "to", owned=owned), *sorted(grounds | sources)),
        claims=(claim(node, route.destination, route.metric),),
        part_of=node if node != HOST else None,
        live=MappingProxyType({"devices": devices, "dead": route.dead}),
        handle=MappingProxyType(
            {
                "place": space.place,
                "route": route,
                "at": _where(scope, node),
            },
        ),
    )


def _makers(scope: Scope, space: Space, links: Iterable[Link]) -> Iterator[ResourceKey]:
    """Yield what made each interface: what its mark tells, or the Docker network whose bridge it is."""
    for each in links:
        if found := scope.kernel.mine(_telling(scope, space, each)) or network_of(scope, space, each):
            yield found.key


def _connects(scope: Scope, node: ResourceKey, space: Space, links: Collection[Link]) -> Iterator[ResourceKey]:
    """Yield the endpoints of a container of ours, on declared networks, that have some of these interfaces."""
    engines = [each for each in links if not scope.kernel.mine(each)]
    for name, endpoint in _endpoints(scope, node).items() if engines and _may_take(scope, node) else ():
        wanted = scope.wanted.get(("network", name))
        if wanted and link_of(endpoint, space) in engines:
            yield connect_key(node.name, wanted.name)


def _endpoints(scope: Scope, node: ResourceKey) -> Mapping[str, Any]:
    found = scope.kernel.containers.get(node)
    return (found["NetworkSettings"].get("Networks") or {}) if found else {}


def _at_a_start(networks: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Say which network gets which name of the engine's, as far as the networks' names tell."""
    return tuple((f"eth{number}", each) for number, each in enumerate(sorted(networks)))


def _name(scope: Scope, space: Space, link: Link, declared: RouteSpec | None) -> str:
    if declared is None or declared.dev is None:
        return link.name
    if declared.networks and not space.link(declared.dev):
        is_meant = stand_in(declared.dev, declared.networks, _endpoints(scope, declared.node), space) == link
    else:
        is_meant = declared.dev in link.altnames
    return declared.dev if is_meant else link.name


def _holding(space: Space, source: str | None) -> Iterator[Link]:
    """Yield the links that have the address from which packets of a route come."""
    for index, found in space.addresses.items() if source else ():
        if index in space.links and any(each.address.partition("/")[0] == source for each in found):
            yield space.links[index]


def _where(scope: Scope, node: ResourceKey) -> Where | None:
    """Say how the container is found whose default route Docker made."""
    inspected = scope.kernel.containers.get(node)
    return Where(node, inspected["Id"]) if inspected else None


def _remembered(
    scope: Scope, space: Space, places: Collection[tuple[str, int]], notes: Collection[Noted]
) -> Iterator[Resource]:
    """Yield what a note remembers and is gone, and is not to come back: only the note is left to be removed."""
    mine = noted(scope.name, "", 0).owner
    for note in sorted({each for each in notes if each.owner == mine} - {noted(scope.name, *each) for each in places}):
        key = ResourceKey("route", f"{HOST.name}--@{note.item}")
        yield Resource(key, RouteSpec(to="(gone)"), handle=MappingProxyType({"place": space.place, "note": note}))


def unnoted(scope: Scope) -> Iterator[tuple[ResourceKey, str]]:
    """Yield the first route that can no more be noted."""
    space = scope.kernel.nodes.get(HOST)
    routes = {each.key: RouteSpec.of(each) for each in scope.desired.of_kind("route")}
    notes = {noted(scope.name, spec.to, spec.metric): key for key, spec in routes.items() if spec.noted}
    left = packed.without_room(space.loopback.altnames if space and space.loopback else (), "route", notes, scope.name)
    if left:
        message = f"{len(notes)} routes of the host by interfaces that are not ours are more than can be noted on `lo`"
        yield notes[left[0]], f"{message}: there is no room for more than {len(notes) - len(left)}"
