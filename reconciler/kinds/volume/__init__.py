"""Named volumes: kept unless asked for, and never replaced, for what is in them cannot be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, StepFailed
from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.host.marks import SOURCE, topology_of
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.effects import mark_of, one_by_one, seen, wanted
from reconciler.kinds.labelled import secrets_label, whose
from reconciler.kinds.source import Source
from reconciler.kinds.volume.spec import VolumeSpec, claim, observed_spec, volumes
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


class VolumeKind(Kind):
    """A named volume."""

    name = "volume"
    spec = VolumeSpec
    section = "volumes"
    uses = frozenset(("engine",))
    kept = True
    irrecoverable = True
    replaceable = False

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `volumes`."""
        return volumes(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their labels; externals and foreign ones by their declared names."""
        for key, owned, row in whose(scope, "volume", scope.volumes.values()):
            live_name = row["Name"]
            if owned or ("volume", live_name) in scope.wanted:
                spec = observed_spec(row, scope.mark(row.get("Labels")))
                source = (row.get("Labels") or {}).get(SOURCE, "")
                live = {"id": live_name, "mountpoint": row.get("Mountpoint") or "", "source": source}
                live |= {} if owned else topology_of(row.get("Labels"))
                yield Resource(key, spec, claims=(claim(live_name),), owned=owned, live=MappingProxyType(live))

    def tell(self, resource: Resource) -> Told:
        """Its name, its driver, and where it lies."""
        spec = VolumeSpec.of(resource)
        return Told((spec.name, spec.driver, str(resource.live.get("mountpoint") or "")))

    def contents(self, observed: Resource) -> str:
        """A new one is empty."""
        del observed
        return "all that is in it is lost"

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make each with its labels."""
        return one_by_one(host, steps, lambda step: _created(host, step))

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove each with its content."""
        return one_by_one(host, steps, lambda step: _deleted(host, step))


def _created(host: Host, step: Step) -> Result:
    resource = wanted(step)
    spec = VolumeSpec.of(resource)
    marks = mark_of(step, host).labels() | secrets_label(spec)
    made = host.engine.volumes.create(
        {
            "Name": spec.name,
            "Driver": spec.driver,
            "DriverOpts": dict(spec.driver_opts),
            "Labels": {**spec.labels, **marks},
        }
    )
    # The engine answers with an existing volume of the same name as though it had just made it.
    if not marks.items() <= (made.get("Labels") or {}).items():
        raise StepFailed(f"{step.key.key}: a volume {spec.name!r} that is not ours came in between: rename one of them")
    return Status.DONE


def _deleted(host: Host, step: Step) -> Result:
    resource, engine = seen(step), host.engine
    name = resource.live["id"]
    try:
        _insist_on_mark(step, host, name)
        patiently(engine, lambda: engine.volumes.remove(name), passing=lambda error: status(error) == CONFLICT)
    except Exception as error:
        if status(error) == NOT_FOUND:
            return Status.DONE
        if status(error) == CONFLICT:
            rows = engine.containers.list(volume=name)
            users = ", ".join(sorted(each["Names"][0].removeprefix("/") for each in rows)) or "something"
            raise StepFailed(f"{resource.key}: {users} still uses it: remove that first") from error
        raise
    return Status.DONE


def _insist_on_mark(step: Step, host: Host, name: str) -> None:
    """Raise Conflict where somebody has made another volume of the name; the file may have been another one."""
    marks = {label: value for label, value in mark_of(step, host).labels().items() if label != SOURCE}
    if not marks.items() <= (host.engine.volumes.inspect(name).get("Labels") or {}).items():
        raise Conflict(f"{step.key.key}: a volume {name!r} that is not ours came in between: it stays")


KIND = VolumeKind()
