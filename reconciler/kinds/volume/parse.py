"""From the entries of `volumes` to resources; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.labelled import declared_labels, live_name
from reconciler.kinds.source import Source
from reconciler.kinds.units import labels
from reconciler.kinds.volume.spec import VolumeSpec, claim
from reconciler.model import FrozenMap, Resource, ResourceKey


def volumes(source: Source) -> Iterator[Resource]:
    """Read the entries of `volumes`."""
    for name, entry in source.section("volumes").items():
        yield _declared(source, name, entry or {})


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
