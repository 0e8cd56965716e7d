"""Which containers are ours, and as which resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host.engine_scope import live_name
from reconciler.host.scope import in_reach
from reconciler.model import ResourceKey

if TYPE_CHECKING:
    from reconciler.host.kernel import Space
    from reconciler.host.scope import Scope


def ours(scope: Scope) -> dict[ResourceKey, dict[str, Any]]:
    """Return the inspections of our containers by key.

    Where two carry one key, the one with the declared live name has it, and the other is keyed by its name; and so is
    one whose key the file has made an external's.
    """
    found: dict[ResourceKey, dict[str, Any]] = {}
    marked = [(mark.key, each) for each in scope.containers.values() if each and (mark := _mark(scope, each))]
    for key, inspected in sorted(marked, key=lambda each: _precedence(scope, *each)):
        live = inspected["Name"][1:]
        name = scope.key_of_ours(key, live) if key not in found else ResourceKey(key.kind, f"@{live}")
        found[name] = inspected
    return found


def _mark(scope: Scope, inspected: Mapping[str, Any]) -> Any:
    mark = scope.mark(inspected["Config"].get("Labels"))
    return mark if mark and mark.key.kind == "container" else None


def _precedence(scope: Scope, key: ResourceKey, inspected: Mapping[str, Any]) -> tuple[str, bool, str]:
    live = inspected["Name"][1:]
    return key.name, scope.wanted.get(("container", live)) != key, live


def names(scope: Scope) -> dict[str, str]:
    """Return what a container is called in the file by its live name and by its id, `@NAME` if it is not ours."""
    known = {inspected["Id"]: key.name for key, inspected in ours(scope).items()}
    found: dict[str, str] = {}
    for row in scope.container_rows:
        live = live_name(row)
        place = ("container", live)
        external = scope.wanted[place].name if place in scope.externals else f"@{live}"
        found[row["Id"]] = found[live] = known.get(row["Id"], external)
    return found


def spaces(scope: Scope) -> Mapping[ResourceKey, Space]:
    """Return the network namespaces of containers by key; none where the kernel is not in reach."""
    kernel = in_reach(scope)
    return {key: space for key, space in kernel.nodes.items() if key.kind == "container"} if kernel else {}


def veths(scope: Scope, space: Space | None) -> tuple[str, ...]:
    """Return the names of the interfaces in a container's namespace that are ours; none where nobody looked."""
    links = space.links.values() if space else ()
    return tuple(sorted(link.name for link in links if scope.kernel.mine(link)))


def externals(scope: Scope) -> dict[ResourceKey, dict[str, Any]]:
    """Return the inspections of the containers that the file calls external, by key."""
    found: dict[ResourceKey, dict[str, Any]] = {}
    for inspected in filter(None, scope.containers.values()):
        place = ("container", inspected["Name"][1:])
        if place in scope.externals:
            found[scope.wanted[place]] = inspected
    return found
