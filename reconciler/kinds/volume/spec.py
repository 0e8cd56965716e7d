"""The attributes of a named volume: as the file declares them, and as the engine lists them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.host.marks import Mark
from reconciler.kinds.labelled import unmarked, veiled_as_noted
from reconciler.model import EMPTY, Claim, FrozenMap, Spec
from reconciler.value import dataclass


@dataclass(frozen=True)
class VolumeSpec(Spec):
    """A named volume."""

    name: str = ""
    driver: str = "local"
    driver_opts: FrozenMap[str] = EMPTY
    labels: FrozenMap[str] = EMPTY
    marked: bool = True


def observed_spec(row: Mapping[str, Any], mark: Mark | None) -> VolumeSpec:
    """Read a volume as GET /volumes lists it; the mark is ours on it."""
    spec = VolumeSpec(
        name=row["Name"],
        driver=row["Driver"],
        driver_opts=FrozenMap(row.get("Options")),
        labels=unmarked(row.get("Labels")),
        marked=mark is not None,
    )
    return veiled_as_noted(spec, row.get("Labels"))


def claim(live_name: str) -> Claim:
    """Return the claim of a volume on its name."""
    return Claim(f"volume name {live_name}", label=f"volume name {live_name!r}")
