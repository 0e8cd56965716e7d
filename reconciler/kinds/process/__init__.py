"""A container's running state: what starts, stops, pauses, completes and gets healthy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.container import ports
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.process.live import RESTARTING
from reconciler.kinds.process.look import seen_processes, without_network
from reconciler.kinds.process.parse import COMPLETED, processes
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.kinds.source import Source
from reconciler.model import Change, Resource, ResourceKey, Step, Verb

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_CARRIED = ("veth", "route", "exec")

_ENDED = ("stopped", "completed")


class ProcessKind(Kind):
    """The state of a container; its network namespace lives as long as it."""

    name = "process"
    spec = ProcessSpec
    part_of = "container"
    uses = frozenset(("engine",))
    missing = "declared external, and it does not run: start it"

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read `state`, `depends_on`, `ports` and `healthcheck` of the containers."""
        return processes(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Those of our containers and of externals; foreign holders of declared ports of the host."""
        return seen_processes(scope)

    def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
        """A container whose network one is to share, and that does not run."""
        return without_network(scope)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Any state can be left for any other but `created`, for which the container is made anew."""
        del observed, desired
        return path == "state"

    def former(self, observed: Resource) -> Resource:
        """With a network namespace that was lost as it was before, and one that was to start again as running."""
        spec = ProcessSpec.of(observed)
        state = "running" if spec.state == RESTARTING else spec.state
        return replace(observed, spec=replace(spec, state=state, network_lost=False))

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        """What is in its network namespace dies with it."""
        del change
        return verb is Verb.DELETE and other.key.kind in _CARRIED

    def public(self, resource: Resource) -> Iterable[str]:
        """Its name, and the numbers of the ports that are published."""
        return (resource.key.name, *ports.told(resource.live.get("ports") or {}))

    def tell(self, resource: Resource) -> Told:
        """The state, how it ended, its health, what is published."""
        live, state = resource.live, str(getattr(resource.spec, "state", ""))
        code, health = live.get("exit_code"), live.get("health")
        ended = f" (exit code {code})" if code is not None and state in _ENDED else ""
        published = (live.get("ports") or {}).items()
        ports = (f"{outside} → {inside}" for inside, found in published for outside in found)
        return Told((f"{state}{ended}" + (f" ({health})" if health else ""), *ports))

    def undone(self, host: Host, change: Change) -> ReconcilerError | None:
        """One that has ended after its start was watched is told as it ended."""
        from reconciler.kinds.process.effects import ended_since

        return ended_since(host, change)

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Start, and see that it lives or completes."""
        from reconciler.kinds.process.effects import started

        return one_by_one(host, steps, started)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Start, stop, pause, unpause."""
        from reconciler.kinds.process.effects import changed

        return one_by_one(host, steps, changed)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Stop."""
        from reconciler.kinds.process.effects import ended

        return one_by_one(host, steps, ended)

    def wait(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Wait for the healthcheck, or for the end of an external."""
        from reconciler.kinds.process.effects import completed, healthy

        return one_by_one(
            host, steps, lambda step, host: (completed if step.key.condition == COMPLETED else healthy)(step, host)
        )


KIND = ProcessKind()
