"""Commands that run in a node once its interfaces are there."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.host.kernel import Space
from reconciler.host.kernel.notes import fitted, note, notes
from reconciler.kinds import nodes
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one_inside
from reconciler.kinds.exec.parse import parse
from reconciler.kinds.exec.spec import ExecSpec, lifetime
from reconciler.kinds.source import Source
from reconciler.model import How, Need, Resource, ResourceKey, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class ExecKind(Kind):
    """The commands of a node: that they ran is noted in its network namespace, and forgotten with it."""

    name = "exec"
    spec = ExecSpec
    uses = frozenset(("kernel",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the `exec` of containers and namespaces."""
        return parse(source)

    def observe(self, scope: Scope) -> Iterator[Resource]:
        """What the notes say that ran."""
        names = {fitted(each.key.name): each.key for each in scope.desired.of_kind("exec")}
        seen_already: set[ResourceKey] = set()
        for space in itertools.filterfalse(scope.kernel.nameless, scope.kernel.spaces):
            for parts in notes(space.loopback, "exec"):
                if parts[0] == fitted(scope.name):
                    key = names.get(parts[1], ResourceKey("exec", parts[1]))
                    if key not in seen_already:
                        yield _observed(scope, key, space, parts)
                    seen_already.add(key)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """The commands run again."""
        del path, observed, desired
        return True

    def tell(self, resource: Resource) -> Told:
        """Nothing: that its commands have run can be seen by what they did."""
        del resource
        return Told()

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Run the commands, and note it."""
        from reconciler.kinds.exec.effects import ran

        return one_by_one_inside(host, steps, ran)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Forget that they ran, and run them again."""
        from reconciler.kinds.exec.effects import ran_again

        return one_by_one_inside(host, steps, ran_again)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Forget that they ran; what they did cannot be undone."""
        from reconciler.kinds.exec.effects import forgotten

        return one_by_one_inside(host, steps, forgotten)


def _observed(scope: Scope, key: ResourceKey, space: Space, parts: Sequence[str]) -> Resource:
    node = next((each for each in scope.kernel.nodes if each.name == key.name and each.kind in nodes.SECTIONS), None)
    inspected = scope.kernel.containers.get(node) if node else None
    _, name, since, digest = parts
    mine = [each for each in notes(space.loopback, "exec") if each[:2] == (fitted(scope.name), name)]
    latest = next((each for each in mine if each[2] == lifetime(inspected)), (*parts[:2], since, digest))
    return Resource(
        key,
        ExecSpec(commands=latest[3], current=latest[2] == lifetime(inspected)),
        needs=_grounds(scope, node, space) if node else (),
        part_of=node,
        handle=MappingProxyType({"place": space.place, "notes": tuple(note("exec", *each) for each in mine)}),
    )


def _grounds(scope: Scope, node: ResourceKey, space: Space) -> tuple[Need, ...]:
    """What the note stands on; one in the namespace of another node does not go with its container by itself."""
    found = nodes.ground(node, "exec")
    is_own = scope.kernel.node_of(space) == node
    return found if is_own else tuple(each._replace(how=How.AFTER) for each in found)


KIND = ExecKind()
