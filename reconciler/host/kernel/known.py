"""What a look into every namespace found out, kept so that a later look needs to enter but a few of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from reconciler.errors import HostRefuses, NotNow
from reconciler.host.kernel.space import Space
from reconciler.host.netns import Namespace
from reconciler.model import ResourceKey
from reconciler.value import dataclass


@dataclass(frozen=True)
class Known:
    """The declared keys that marks have no room for, the containers that are nodes, and where each node was found.

    `stranger` is the reason, if there is one, why containers cannot be reached.
    """

    long: Mapping[ResourceKey, ResourceKey]
    containers: Mapping[ResourceKey, dict[str, Any]]
    stranger: HostRefuses | None
    places: Mapping[ResourceKey, tuple[int, Namespace]] = field(default_factory=lambda: MappingProxyType({}))

    def ways(self, nodes: Collection[ResourceKey]) -> list[Namespace]:
        """Return the namespaces that some nodes were in; NotNow where one was not seen."""
        if unseen := [each for each in nodes if each not in self.places]:
            raise _outdated(unseen)
        return list({self.places[each][1].inode: self.places[each][1] for each in nodes}.values())

    def insist(self, nodes: Collection[ResourceKey], now: Mapping[ResourceKey, Space]) -> None:
        """Raise NotNow unless the nodes are in the very namespaces that they were in."""
        changed = [each for each in nodes if each not in now or now[each].place.cookie != self.places[each][0]]
        if changed:
            raise _outdated(changed)


def _outdated(nodes: Collection[ResourceKey]) -> NotNow:
    return NotNow(f"{', '.join(map(str, sorted(nodes)))}: not where it was seen: look into all network namespaces")
