"""Docker networks: nothing of them can be changed in place, but that the bridge of one is down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.network.parse import networks
from reconciler.kinds.network.spec import DOWN, UP, NetworkSpec
from reconciler.kinds.source import Source
from reconciler.model import Resource, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class NetworkKind(Kind):
    """A Docker network."""

    name = "network"
    spec = NetworkSpec
    section = "networks"
    uses = frozenset(("engine",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `networks`, and the network `default` where a container joins it."""
        return networks(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their labels; externals by name; what is foreign and has a declared name, subnet or interface."""
        from reconciler.kinds.network import look

        return look.observe(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """A bridge that is down can be set up again, unless it has lost IPv6 addresses by that."""
        del desired
        have = NetworkSpec.of(observed)
        return path == "interface" and have.interface == DOWN and not have.enable_ipv6

    def former(self, observed: Resource) -> Resource:
        """With its bridge."""
        return replace(observed, spec=replace(NetworkSpec.of(observed), interface=UP))

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Its bridge, once it has one: the engine tells nothing of what becomes of that."""
        bridge = resource.live.get("bridge")
        return (bridge,) if bridge and resource.owned else ()

    def tell(self, resource: Resource) -> Told:
        """Its name, its subnets, and its bridge in the host."""
        spec = NetworkSpec.of(resource)
        bridge = resource.live.get("bridge")
        subnets = map(str, resource.live.get("subnets", ()))
        return Told((spec.name, *subnets, f"bridge {bridge}" if bridge else spec.driver))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make each with its labels."""
        from reconciler.kinds.network.effects import created

        return one_by_one(host, steps, created)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Set its bridge up."""
        from reconciler.kinds.network.effects import set_up

        return one_by_one(host, steps, set_up)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove each; endpoints that are about to go are waited for."""
        from reconciler.kinds.network.effects import deleted

        return one_by_one(host, steps, deleted)


KIND = NetworkKind()
