"""Named volumes: kept unless asked for, and never replaced, for what is in them cannot be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.host.marks import SOURCE, topology_of
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.labelled import whose
from reconciler.kinds.source import Source
from reconciler.kinds.volume.parse import volumes
from reconciler.kinds.volume.spec import VolumeSpec, claim, observed_spec
from reconciler.model import Resource, Step

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
        from reconciler.kinds.volume.effects import created

        return one_by_one(host, steps, created)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove each with its content."""
        from reconciler.kinds.volume.effects import deleted

        return one_by_one(host, steps, deleted)


KIND = VolumeKind()
