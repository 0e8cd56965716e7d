"""Looking at network namespaces: which of them are resources of a topology."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.host import netns
from reconciler.host.kernel import Space
from reconciler.host.marks import topology_of_alias
from reconciler.kinds.namespace.spec import NamespaceSpec, claim
from reconciler.model import FrozenMap, Resource, ResourceKey
from reconciler.secret import veiled

if TYPE_CHECKING:
    from reconciler.host.scope import Scope


def observe(scope: Scope) -> Iterator[Resource]:
    """Yield the namespaces of a topology, and what is in the way of them or is left of them."""
    found = {key: space for key, space in scope.kernel.nodes.items() if key.kind == "namespace"}
    ours = {key: space for key, space in found.items() if not scope.kernel.is_adopted(key)}
    for key, space in ours.items():
        desired = scope.desired.resources.get(key)
        name = getattr(desired.spec, "name", "") if desired else ""
        yield _observed(scope, key, space, name)
    taken = {space.place.cookie for space in ours.values()}
    for space in scope.kernel.spaces:
        for name in space.place.names:
            if ("namespace", name) in scope.wanted and space.place.cookie not in taken:
                yield _observed(scope, ResourceKey("namespace", f"@{name}"), space, name)
    if scope.host.nodes is None:
        yield from _nameless(scope)
        yield from _remains(scope, {*ours, *(each.key for each in scope.desired.of_kind("namespace"))})


def _nameless(scope: Scope) -> Iterator[Resource]:
    """Yield those that lost their names and are kept alive: they hold none, and stand in nobody's way."""
    for space in scope.kernel.spaces:
        if mark := scope.kernel.nameless(space):
            desired = scope.desired.resources.get(mark.key)
            name = NamespaceSpec.of(desired).name if desired else mark.key.name
            yield _observed(scope, scope.kernel.lost(space), space, name)


def _observed(scope: Scope, key: ResourceKey, space: Space, wanted: str) -> Resource:
    names, mark = space.place.names, scope.kernel.mine(space.loopback)
    spec = NamespaceSpec(
        name=wanted if wanted in names else next(iter(names), wanted),
        sysctls=FrozenMap({key: veiled(key, each) for key, each in space.sysctls.items()}),
        lo_up=bool(space.loopback and space.loopback.up),
        marked=mark is not None,
    )
    return Resource(
        key,
        spec,
        claims=tuple(map(claim, names)),
        owned=mark is not None,
        live=MappingProxyType({"source": mark.source} if mark else topology_of_alias(_alias(space))),
        handle=MappingProxyType({"place": space.place}),
    )


def _alias(space: Space) -> str:
    return space.loopback.alias if space.loopback else ""


def _remains(scope: Scope, known: Collection[ResourceKey]) -> Iterator[Resource]:
    """Yield those of which a kill left no more than a file; making the namespace again takes the file over."""
    for name, alias in netns.remains():
        mark = scope.kernel.mine_in(alias)
        if mark and mark.key not in known and ("namespace", name) not in scope.externals:
            live = MappingProxyType({"source": mark.source})
            yield Resource(mark.key, NamespaceSpec(name), live=live, handle=MappingProxyType({"file": name}))
