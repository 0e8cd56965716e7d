"""Which part of a topology may differ after something has happened in the kernel; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.kinds.base import Kind
from reconciler.kinds.nodes import ground
from reconciler.model import HOST, How, ResourceKey, Topology
from reconciler.value import dataclass

_NODES = ("container", "namespace")


@dataclass(frozen=True)
class Part:
    """Some resources, all of the kernel, with the nodes to look at for them; `about` is what has happened to."""

    topology: Topology
    kinds: Mapping[str, Kind]
    nodes: frozenset[ResourceKey]
    about: frozenset[ResourceKey]


class Parts:
    """The parts of a topology."""

    def __init__(self, topology: Topology, kinds: Mapping[str, Kind]) -> None:
        self.topology = topology
        self._kinds = {name: kind for name, kind in kinds.items() if "engine" not in kind.uses}
        self._above: dict[ResourceKey, list[tuple[ResourceKey, How]]] = defaultdict(list)
        for each in topology:
            for need in each.needs:
                self._above[need.key].append((each.key, need.how))

    def around(self, about: Collection[ResourceKey]) -> Part | None:
        """Return what lives in some nodes, or needs some resources, be it over others, with all that this needs.

        None where it is not of the kernel alone, so that the engine has to be asked as well.
        """
        above = self._with_what_needs(about)
        if above is None:
            return None
        found, nodes = self._with_needs(above)
        resources = {key: self.topology.resources[key] for key in sorted(found)}
        part = replace(self.topology, resources=MappingProxyType(resources))
        return Part(part, self._kinds, frozenset((HOST, *nodes)), frozenset(about))

    def _with_what_needs(self, about: Collection[ResourceKey]) -> set[ResourceKey] | None:
        if any(each.kind not in self._kinds and each.kind not in _NODES for each in about):
            return None
        grounds = {need.key for each in about if each.kind in _NODES for need in ground(each, "")}
        if not {*about, *grounds} <= self.topology.resources.keys():
            return None
        found: set[ResourceKey] = set()
        todo = [*about, *grounds]
        while todo:
            key = todo.pop()
            if key not in found:
                found.add(key)
                above = [each for each, how in self._above[key] if self._falls(key, each, how) and each not in grounds]
                if any(each.kind not in self._kinds for each in above):
                    return None
                todo += above
        return {each for each in found if each.kind in self._kinds}

    def _falls(self, key: ResourceKey, above: ResourceKey, how: How) -> bool:
        """Tell whether something may be disturbed: what only comes after a container in the engine is not."""
        return how is not How.AFTER or above.kind in self._kinds or key.kind in self._kinds

    def _with_needs(self, todo: Collection[ResourceKey]) -> tuple[set[ResourceKey], set[ResourceKey]]:
        found: set[ResourceKey] = set()
        nodes: set[ResourceKey] = set()
        left = [*todo]
        while left:
            key = left.pop()
            if key in self.topology.resources and key.kind in self._kinds and key not in found:
                found.add(key)
                left += [need.key for need in self.topology.resources[key].needs]
            nodes.update(_node(key))
        return found, nodes


def _node(key: ResourceKey) -> Iterator[ResourceKey]:
    """The node that something stands on: a container's process is as good as itself."""
    if key.kind in _NODES:
        yield key
    elif key.kind == "process":
        yield ResourceKey("container", key.name)
