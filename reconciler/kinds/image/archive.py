"""What is in an archive that `docker save` wrote."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MANIFEST, _INDEX = "manifest.json", "index.json"


@dataclass(frozen=True, slots=True)
class Archive:
    """The one image of an archive: its references, and the ids that it may have in an engine."""

    references: tuple[str, ...]
    ids: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Look into an archive; a ValueError if it is none, or does not hold exactly one image."""
    try:
        with tarfile.open(path) as tar:
            found = {name: _json(tar, name) for name in (_MANIFEST, _INDEX)}
    except tarfile.TarError as error:
        raise ValueError(f"{path} is not an archive of `docker save`: {error}") from error
    images = found[_MANIFEST]
    if not images:
        raise ValueError(f"{path} is not an archive of `docker save`: it has no {_MANIFEST}")
    if len(images) > 1:
        names = ", ".join(ref for each in images for ref in each.get("RepoTags") or ["one without a name"])
        raise ValueError(f"{path} holds {len(images)} images ({names}): save each into an archive of its own")
    config = Path(images[0]["Config"]).name.removesuffix(".json")
    indexed = [each["digest"] for each in (found[_INDEX] or {}).get("manifests", ())]
    return Archive(tuple(images[0].get("RepoTags") or ()), (f"sha256:{config}", *indexed))


def _json(tar: tarfile.TarFile, name: str) -> Any:
    try:
        file = tar.extractfile(name)
    except KeyError:
        return None
    return json.load(file) if file else None
