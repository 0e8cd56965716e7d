"""Commands that run in a node once its interfaces are there."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host.kernel import Reach, Space
from reconciler.host.kernel.notes import fitted, note, notes
from reconciler.host.kernel.reach import inspect
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.netlink import Socket, add_altname, del_altname
from reconciler.kinds import nodes, still_ours
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import insist, one_by_one_inside, seen, wanted
from reconciler.kinds.exec.parse import parse
from reconciler.kinds.exec.spec import ExecSpec, digest_of, lifetime
from reconciler.kinds.source import Source
from reconciler.model import How, Need, Resource, ResourceKey, Status, Step

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
        return one_by_one_inside(host, steps, _ran)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Forget that they ran, and run them again."""
        return one_by_one_inside(host, steps, _ran_again)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Forget that they ran; what they did cannot be undone."""
        return one_by_one_inside(host, steps, _forgotten)


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


def _ran(step: Step, reach: Reach) -> Result:
    from reconciler.kinds.exec.run import run

    spec = ExecSpec.of(wanted(step))
    if digest_of(spec.lines) != spec.commands:
        raise StepFailed("no host remembers its commands: apply the file that declares them")
    inspected: dict[str, Any] | None = None
    if spec.node.kind == "container":
        inspected = inspect(reach.host, spec.at)
        still_ours.insist(step, inspected, spec.node)
        spec = replace(spec, at=spec.at._replace(live=inspected["Id"]))
    run(spec, reach, topology=step.topology)
    text = note("exec", step.topology, spec.node.name, lifetime(inspected), spec.commands)
    insist(reach.socket(spec.at).send([add_altname(LOOPBACK, text)]), errno.EEXIST)
    return Status.DONE


def _ran_again(step: Step, reach: Reach) -> Result:
    _forgotten(step, reach)
    return _ran(step, reach)


def _forgotten(step: Step, reach: Reach) -> Result:
    handle = seen(step).handle
    if found := reach.again(handle["place"]):
        _forget(found[1], handle["notes"])
    return Status.DONE


def _forget(socket: Socket, texts: Sequence[str]) -> None:
    insist(socket.send([del_altname(LOOPBACK, each) for each in texts]), errno.ENOENT, errno.EINVAL)


KIND = ExecKind()
