"""From the `exec` of containers and namespaces to resources; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.kinds import nodes
from reconciler.kinds.exec.spec import Command, ExecSpec, command, digest_of
from reconciler.kinds.route.interfaces import interfaces
from reconciler.kinds.route.parse import routes
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.veth.ends import EndsByNode, ends_by_node
from reconciler.model import HOST, How, Need, Resource, ResourceKey
from reconciler.value import dataclass


def parse(source: Source) -> Iterator[Resource]:
    """Read the commands of all nodes; they run after the interfaces and the routes."""
    before = _Before(source, source.once(ends_by_node), source.once(routes))
    for kind in ("container", "namespace"):
        section = nodes.SECTIONS[kind]
        for name, entry in source.section(section).items():
            node = ResourceKey(kind, name)
            given = (entry or {}).get("exec") or ()
            if given and _can_run(source, (section, name, "exec"), node, given):
                yield _resource(source, (section, name, "exec"), node, given, before)


@dataclass(frozen=True)
class _Before:
    """What is to be there in a node before its commands run."""

    source: Source
    ends: EndsByNode
    routes: Sequence[Resource]

    def keys(self, node: ResourceKey) -> Iterator[ResourceKey]:
        yield from (each.key for each in interfaces(self.source, node, self.ends))
        yield from (each.key for each in self.routes if each.part_of == node)


def _can_run(source: Source, pointer: Pointer, node: ResourceKey, given: Sequence[Any]) -> bool:
    state = nodes.state(source, node)
    if state == "running" or (state == "paused" and all(each.in_network for each in _commands(node, given))):
        return True
    message = f"container {node.name!r} is to be {state}: nothing can be run in it"
    source.problem(pointer, message, "take exec out, or change the state")
    return False


def _commands(node: ResourceKey, given: Sequence[Any]) -> tuple[Command, ...]:
    return tuple(command(each, in_network=node.kind == "namespace") for each in given)


def _resource(source: Source, pointer: Pointer, node: ResourceKey, given: Sequence[Any], before: _Before) -> Resource:
    commands = _commands(node, given)
    place = nodes.at_last(source, node)
    keys = () if place == HOST else sorted(set(before.keys(place)))
    return source.resource(
        pointer,
        ResourceKey("exec", node.name),
        ExecSpec(
            commands=digest_of(commands),
            lines=commands,
            node=node,
            at=nodes.where(source, node),
        ),
        needs=(*nodes.ground(node, "exec"), *(Need(key, "exec", How.AFTER) for key in keys)),
        part_of=node,
    )
