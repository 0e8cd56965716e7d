"""Containers: what is fixed at their creation, and what `docker update` and `docker rename` change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.connect.spec import ConnectSpec
from reconciler.kinds.container import limits, ports
from reconciler.kinds.container.look import seen_containers
from reconciler.kinds.container.parse import containers
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.networking import BRIDGE
from reconciler.kinds.source import Source
from reconciler.model import EMPTY, Change, FrozenMap, Resource, Step, Verb

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class ContainerKind(Kind):
    """A container, without its endpoints on networks and without its running state."""

    name = "container"
    spec = ContainerSpec
    section = "containers"
    uses = frozenset(("engine",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `containers`."""
        return containers(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their labels; declared externals; foreign ones that have a declared name."""
        return seen_containers(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """What `docker update` and `docker rename` do, a sysctl changed by hand, a return to Docker's own bridge."""
        have, want = observed.spec, desired.spec
        if not (isinstance(have, ContainerSpec) and isinstance(want, ContainerSpec)):
            return False
        attribute, _, entry = path.partition(".")
        if attribute == "sysctls":
            return entry in want.sysctls and _made_with(observed).get(entry) == want.sysctls[entry]
        if path == "network_mode":
            return (have.network_mode, want.network_mode) == ("", BRIDGE)
        return path in ("name", "restart") or limits.mutable(path, have, want)

    def former(self, observed: Resource) -> Resource | None:
        """With the sysctls that it was made with; what others made was never looked at, and cannot be made again."""
        spec = ContainerSpec.of(observed)
        return replace(observed, spec=replace(spec, sysctls=_made_with(observed))) if spec.marked else None

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        """Creation takes the first endpoint along; deletion all of them, and the process."""
        del change
        if verb is Verb.DELETE:
            return other.key.kind in ("connect", "process")
        spec = other.desired.spec if other.desired else None
        return isinstance(spec, ConnectSpec) and spec.first

    def public(self, resource: Resource) -> Iterable[str]:
        """Its name, and the numbers of its ports."""
        spec = ContainerSpec.of(resource)
        return (resource.key.name, *ports.told(spec.ports), *(each.partition("/")[0] for each in spec.expose))

    def tell(self, resource: Resource) -> Told:
        """Its image and its name; what its endpoints have they tell themselves, but for that on Docker's own bridge."""
        spec = ContainerSpec.of(resource)
        address = (resource.live.get("addresses") or {}).get(BRIDGE)
        row = ("eth0", f"↔ {BRIDGE}", "", "", address or "")
        on_bridge = address and spec.network_mode == BRIDGE
        return Told((spec.image, spec.name), ((resource.key, row),) if on_bridge else ())

    def contents(self, observed: Resource) -> str:
        """Of its anonymous volumes the new one has others; those of one that others made stay."""
        found: FrozenMap[str] = observed.live.get("anonymous_volumes", EMPTY)
        if not found:
            return ""
        if ContainerSpec.of(observed).marked:
            return f"all that is in its anonymous volumes is lost: {', '.join(found)}"
        return f"its anonymous volumes stay: {', '.join(f'{name} of {target}' for target, name in found.items())}"

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Create."""
        from reconciler.kinds.container.effects import created

        return one_by_one(host, steps, created)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Update and rename."""
        from reconciler.kinds.container.effects import updated

        return one_by_one(host, steps, updated)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Stop as they ask, and remove."""
        from reconciler.kinds.container.effects import deleted

        return one_by_one(host, steps, deleted)


def _made_with(observed: Resource) -> FrozenMap[str]:
    found: FrozenMap[str] = observed.handle.get("sysctls", ContainerSpec.of(observed).sysctls)
    return found


KIND = ContainerKind()
