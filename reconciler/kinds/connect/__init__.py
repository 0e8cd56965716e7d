"""A container's endpoint on a Docker network: names, addresses and links, changed by connecting anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.connect.look import endpoints
from reconciler.kinds.connect.parse import connects
from reconciler.kinds.connect.spec import ConnectSpec
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.source import Source
from reconciler.model import Resource, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class ConnectKind(Kind):
    """An endpoint; every change of one is a disconnect and a connect."""

    name = "connect"
    spec = ConnectSpec
    part_of = "container"
    uses = frozenset(("engine",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read `networks` and `links` of the containers."""
        return connects(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Those of our containers; foreign ones that have a declared address, or are on a network of ours."""
        return endpoints(scope)

    def tell(self, resource: Resource) -> Told:
        """An interface of its container."""
        live, network = resource.live, resource.key.name.partition("--")[2]
        addresses = ", ".join(live.get("addresses") or ())
        row = (live.get("interface") or "-", f"↔ {network}", "", live.get("mac") or "", addresses)
        return Told(rows=((resource.part_of or resource.key, row),))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Connect."""
        from reconciler.kinds.connect.effects import connected

        return one_by_one(host, steps, connected)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Disconnect."""
        from reconciler.kinds.connect.effects import disconnected

        return one_by_one(host, steps, disconnected)


KIND = ConnectKind()
