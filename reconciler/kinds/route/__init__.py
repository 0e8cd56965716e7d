"""Routes of nodes, by a protocol number of our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.kinds.addresses import is_link_local
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one_inside
from reconciler.kinds.route.parse import routes
from reconciler.kinds.route.spec import RouteSpec
from reconciler.kinds.source import Source
from reconciler.model import HOST, Resource, ResourceKey, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_DEFAULTS = {"0.0.0.0/0": "default", "::/0": "default (v6)"}


class RouteKind(Kind):
    """A route of a container, a namespace or the host."""

    name = "route"
    spec = RouteSpec
    batch = 512
    uses = frozenset(("kernel",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the `routes` of nodes and of the ends of veth pairs."""
        return source.once(routes)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their protocol number, and what stands in the place of declared ones."""
        from reconciler.kinds.route import look

        return look.observe(scope)

    def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
        """Room on the host's `lo`, where it is noted whose a route is."""
        from reconciler.kinds.route import look

        return look.unnoted(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """A route is put in the place of another at once."""
        del path, observed, desired
        return True

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Those by which it is declared to go, or goes: with one that goes down it is gone, and nothing else tells."""
        spec = RouteSpec.of(resource)
        names = (spec.dev or "", *spec.by, *resource.live.get("devices", ()))
        return set(filter(None, names)) if spec.node == HOST else ()

    def former(self, observed: Resource) -> Resource | None:
        """A route, whatever the bridge of its Docker network is called then; one that was gone had but the note."""
        if "route" not in observed.handle:
            return None
        spec = RouteSpec.of(observed)
        needed = any(need.key.kind == "network" and need.via == "via" for need in observed.needs)
        by_network = needed and not any(map(is_link_local, spec.via))  # such a next hop is one by its device only
        return replace(observed, spec=replace(spec, dev=None)) if by_network else observed

    def tell(self, resource: Resource) -> Told:
        """A row below its node."""
        spec = RouteSpec.of(resource)
        via = f"via {', '.join(filter(None, spec.via))}" if any(spec.via) else ""
        row = ("route", _DEFAULTS.get(spec.to, spec.to), f"dev {spec.dev}" if spec.dev else "", "", via)
        return Told(rows=((spec.node, row),))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Add each, or put it in the place of the one with its destination and metric."""
        from reconciler.kinds.route import effects

        return one_by_one_inside(host, steps, effects.create)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Put the new in the place of the old."""
        from reconciler.kinds.route import effects

        return one_by_one_inside(host, steps, effects.update)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove each; Docker's default comes back."""
        from reconciler.kinds.route import effects

        return one_by_one_inside(host, steps, effects.delete)


KIND = RouteKind()
