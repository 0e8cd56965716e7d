"""What is not ours and stands where a declared interface is to be."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.host.kernel import Space
from reconciler.host.marks import topology_of_alias
from reconciler.host.netlink import Link
from reconciler.kinds.nodes import interface_claim, label
from reconciler.model import Resource, ResourceKey, Spec

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

_SCOPE = "interface "


def holders(scope: Scope, kind: str) -> Iterator[tuple[ResourceKey, str, Space, Link]]:
    """Yield (node, name, namespace, link) of the foreign interfaces that have a name declared by a kind."""
    nodes = {f"{_SCOPE}{label(node)}": (node, space) for node, space in scope.kernel.nodes.items()}
    for each in scope.desired.of_kind(kind):
        for claim in each.claims if each.owned else ():
            where, _, name = claim.scope.rpartition(":")
            if where in nodes:
                node, space = nodes[where]
                link = space.link(name)
                if link and not scope.kernel.mine(link) and not _is_dockers(scope, node, space, link):
                    yield node, name, space, link


def _is_dockers(scope: Scope, node: ResourceKey, space: Space, link: Link) -> bool:
    """Tell whether an interface in a container of ours is one of its connects, which are mended elsewhere."""
    declared, inspected = scope.desired.resources.get(node), scope.kernel.containers.get(node)
    ours = inspected and (declared is None or declared.owned)
    networks = inspected["NetworkSettings"]["Networks"] if inspected and ours else {}
    return any(space.endpoint(each.get("MacAddress") or "") is link for each in networks.values())


def interface(node: ResourceKey, name: str, link: Link, *, who: str = "", hint: str = "") -> Resource:
    """Make the resource that stands for a foreign interface that no kind could adopt, with what to do about it."""
    where = label(node)
    who = who or (f"{link.name}, which has that for an altname" if link.name != name else "")
    said = {word: each for word, each in (("who", who), ("hint", hint)) if each}
    key = ResourceKey("interface", f"@{where}:{name}")
    live = MappingProxyType(said | topology_of_alias(link.alias))
    return Resource(key, Spec(), claims=(interface_claim(where, name),), owned=False, live=live)
