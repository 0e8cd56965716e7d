"""Linux bridges, in the host or in a namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.host.netlink import BRIDGE
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.bridge.parse import parse
from reconciler.kinds.bridge.spec import BridgeSpec
from reconciler.kinds.effects import one_by_one_inside
from reconciler.kinds.source import Source
from reconciler.model import HOST, Resource, ResourceKey, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class BridgeKind(Kind):
    """A Linux bridge; what is in it, besides the ports that it borrows, is said at the ends of veth pairs."""

    name = "bridge"
    spec = BridgeSpec
    section = "bridges"
    batch = 64
    uses = frozenset(("kernel",))
    link = BRIDGE

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `bridges`."""
        return parse(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their marks, declared externals, and what holds a declared name."""
        from reconciler.kinds.bridge import look

        return look.observe(scope)

    def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
        """Ports that are not there to be borrowed."""
        from reconciler.kinds.bridge import look

        return look.ports_missing(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Everything but the node can be changed in place."""
        del observed, desired
        return path != "node"

    def former(self, observed: Resource) -> Resource | None:
        """As it was but for what was amiss, and without an MTU that it has of its ports: with theirs it comes back."""
        if "place" not in observed.handle:  # its rule is all that was left
            return None
        spec = replace(BridgeSpec.of(observed), due_mtu=None, own_mac=True, noted=True)
        return replace(observed, spec=spec if observed.handle.get("sized") else replace(spec, mtu=None))

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Itself, and the ports that it borrows."""
        spec = BridgeSpec.of(resource)
        return (spec.name, *spec.ports) if spec.node == HOST else ()

    def tell(self, resource: Resource) -> Told:
        """Its name, its addresses, and what is special about it."""
        spec, live = BridgeSpec.of(resource), resource.live
        flags = ("stp" if spec.stp else "", "" if spec.up else "down")
        where = f"in {spec.node}" if spec.node.kind != "host" else ""
        mtu, mac = (f"{name} {value}" if value else "" for name, value in (("mtu", spec.mtu), ("mac", live.get("mac"))))
        return Told((spec.name, *spec.addresses, mtu, *flags, where, mac))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make each with its mark, up, with all that is declared."""
        from reconciler.kinds.bridge import effects

        return one_by_one_inside(host, steps, effects.create)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Change what differs."""
        from reconciler.kinds.bridge import effects

        return one_by_one_inside(host, steps, effects.update)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Delete each; its ports stay, without a master."""
        from reconciler.kinds.bridge import effects

        return one_by_one_inside(host, steps, effects.delete)


KIND = BridgeKind()
