"""The running states that the file declares; pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds import networking
from reconciler.kinds.connect.spec import key_of
from reconciler.kinds.container import ports
from reconciler.kinds.container.healthcheck import declared, healthcheck
from reconciler.kinds.container.order import Order, order
from reconciler.kinds.entry import Entry, entries, entry_of
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.kinds.source import Source
from reconciler.model import How, Need, Resource, ResourceKey

HEALTHY = "healthy"
"""The condition that waits for the healthcheck."""
IF_CHECKED = "healthy if checked"
"""The same where only the image knows whether there is a healthcheck."""
COMPLETED = "completed"
"""The condition that waits for an external to run to exit code 0; our own are waited for as they are started."""


def processes(source: Source) -> Iterator[Resource]:
    """Read the state of every container, external ones included: what refers to those wants them to run."""
    found = source.once(order)
    for entry in entries(source):
        yield _process(entry, found)


def _process(entry: Entry, found: Order) -> Resource:
    container = ResourceKey("container", entry.name)
    spec = ProcessSpec(networking.state(entry), container=entry.source.live("containers", entry.name))
    external = bool(entry.get("external"))
    claims = ports.claimed(entry) if networking.runs(entry) and not external else {}
    check = healthcheck(entry)
    waits = declared(check) and spec.state == "running"
    return entry.source.resource(
        entry.pointer(),
        ResourceKey("process", entry.name),
        spec,
        needs=[Need(container, "container"), *_needs(entry, found)],
        claims=claims.keys(),
        at=claims.items(),
        owned=not external,
        part_of=container,
        ready=(HEALTHY if check.test else IF_CHECKED) if waits else "",
    )


def _needs(entry: Entry, found: Order) -> Iterator[Need]:
    known = entry.source.section("containers")
    for network in networking.networks(entry):
        yield Need(key_of(entry.name, network), "networks", How.AFTER)
    for name, condition in networking.dependencies(entry).items():
        if name in known and name != entry.name:
            external = entry_of(entry.source, name).get("external")
            waits = HEALTHY if condition == "service_healthy" else ""
            waits = COMPLETED if external and condition == "service_completed_successfully" else waits
            yield Need(ResourceKey("process", name), "depends_on", How.AFTER, waits)
    for name in {*(each.target for each in networking.bridge_links(entry)), *found.links.get(entry.name, ())}:
        yield Need(ResourceKey("process", name), "links", How.AFTER)
    for name in found.ports.get(entry.name, ()):
        yield Need(ResourceKey("process", name), "ports", How.AFTER)
    shared = networking.shared_with(entry)
    if shared and shared.name in known and shared.name != entry.name:
        yield Need(ResourceKey("process", shared.name), "network_mode")
