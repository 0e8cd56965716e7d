"""Whether what is acted upon by its name is still the one that was planned for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host.kernel import Where
from reconciler.host.kernel.reach import insist_on_labels
from reconciler.host.marks import Mark, came_between, of_alias
from reconciler.host.netlink import Link
from reconciler.model import ResourceKey, Step

if TYPE_CHECKING:
    from reconciler.host import Host


def insist(step: Step, inspected: Mapping[str, Any], key: ResourceKey) -> None:
    """Raise Conflict where a name means a container that is not ours: somebody put it there since the plan was made."""
    name = inspected["Name"].removeprefix("/")
    insist_on_labels(Where(key, name, step.topology), inspected["Config"].get("Labels"), f"a container {name}")


def network_now(host: Host, where: Where) -> Mapping[str, Any]:
    """Inspect a network by its name; Conflict where it is to be ours, and means one that is not by now."""
    found = host.engine.networks.inspect(where.live)
    if where.topology:
        insist_on_labels(where, found.get("Labels"), f"a network {where.live}")
    return found


def insist_on_link(mark: Mark, link: Link, what: str) -> None:
    """Raise Conflict where a name means an interface that does not carry the mark."""
    if not mark.is_in(link.alias):
        raise came_between(what, of_alias(link.alias))
