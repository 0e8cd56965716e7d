"""The attributes of a named volume: as the file declares them, and as the engine lists them; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.host.marks import Mark
from reconciler.kinds.labelled import declared_labels, live_name, unmarked, veiled
from reconciler.kinds.source import Source
from reconciler.kinds.units import labels
from reconciler.model import EMPTY, Claim, FrozenMap, Resource, ResourceKey, Spec
from reconciler.value import dataclass


@dataclass(frozen=True)
class VolumeSpec(Spec):
    """A named volume."""

    name: str = ""
    driver: str = "local"
    driver_opts: FrozenMap[str] = EMPTY
    labels: FrozenMap[str] = EMPTY
    marked: bool = True


def volumes(source: Source) -> Iterator[Resource]:
    """Read the entries of `volumes`."""
    for name, entry in source.section("volumes").items():
        yield _declared(source, name, entry or {})


def observed_spec(row: Mapping[str, Any], mark: Mark | None) -> VolumeSpec:
    """Read a volume as GET /volumes lists it; the mark is ours on it."""
    spec = VolumeSpec(
        name=row["Name"],
        driver=row["Driver"],
        driver_opts=FrozenMap(row.get("Options")),
        labels=unmarked(row.get("Labels")),
        marked=mark is not None,
    )
    return veiled(spec, row.get("Labels"))


def claim(live_name: str) -> Claim:
    """Return the claim of a volume on its name."""
    return Claim(f"volume name {live_name}", label=f"volume name {live_name!r}")


def _declared(source: Source, name: str, entry: Mapping[str, Any]) -> Resource:
    key, pointer = ResourceKey("volume", name), ("volumes", name)
    if entry.get("external"):
        return source.resource(pointer, key, VolumeSpec(source.live("volumes", name)), owned=False)
    live = live_name(source, "volumes", name)
    spec = VolumeSpec(
        name=live,
        driver=entry.get("driver", "local"),
        driver_opts=FrozenMap(labels(entry.get("driver_opts"))),
        labels=declared_labels(source, (*pointer, "labels"), entry.get("labels")),
    )
    return source.resource(pointer, key, spec, claims=[claim(live)])
