"""Veth pairs, made in place, marked, and completed where one was left half made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reconciler.host.netlink import VETH
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.source import Source
from reconciler.kinds.veth.parse import parse
from reconciler.kinds.veth.spec import VethSpec
from reconciler.kinds.veth.told import rows
from reconciler.model import HOST, Resource, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_MUTABLE = frozenset(
    ("addresses", "mac", "mtu", "up", "master", "path_cost", "priority", "hairpin", "marked", "own_mac")
)


class VethKind(Kind):
    """A veth pair between two nodes."""

    name = "veth"
    spec = VethSpec
    section = "veths"
    batch = 512
    uses = frozenset(("kernel",))
    link = VETH

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `veths`."""
        return parse(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their marks, wherever they are, and foreign interfaces that have a declared name in a node."""
        from reconciler.kinds.veth import look

        return look.observe(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """What an interface has can be changed in place; where it is, and its name, cannot."""
        label, _, attribute = path.removeprefix("endpoints.").rpartition(".")
        both = all(label in VethSpec.of(each).endpoints for each in (observed, desired))
        return both and attribute in _MUTABLE

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Its ends there."""
        return [each.interface for each in VethSpec.of(resource).endpoints.values() if each.node == HOST]

    def tell(self, resource: Resource) -> Told:
        """Each end, below the node that it is in or the bridge that it is a port of."""
        return Told(rows=tuple(rows(resource)))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Make the pairs, each end straight in its namespace, in a few packets."""
        from reconciler.kinds.veth import make

        return make.create(host, steps)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Change what differs at the ends, and complete what was left half made."""
        from reconciler.kinds.veth import change

        return change.update(host, steps)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Delete the pairs, many at once in each namespace."""
        from reconciler.kinds.veth import change

        return change.delete(host, steps)


KIND = VethKind()
