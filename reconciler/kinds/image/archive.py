"""What is in an archive that `docker save` wrote."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.kinds.image.references import normal

_MANIFEST, _INDEX = "manifest.json", "index.json"


@dataclass(frozen=True, slots=True)
class Archive:
    """The one image of an archive: its references, and the ids that it may have in an engine."""

    references: tuple[str, ...]
    ids: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Look into an archive; a ValueError that says what it is if it is none, or does not hold exactly one image."""
    manifest, index = _parts(path)
    if not manifest:
        raise ValueError(f"is not an archive of `docker save`: it has no {_MANIFEST}")
    if len(manifest) > 1:
        names = ", ".join(ref for each in manifest for ref in each.get("RepoTags") or ["one without a name"])
        raise ValueError(f"holds {len(manifest)} images ({names}): save each into an archive of its own")
    try:
        config = Path(manifest[0]["Config"]).name.removesuffix(".json")
        indexed = [each["digest"] for each in (index or {}).get("manifests", ())]
        references = tuple(map(normal, manifest[0].get("RepoTags") or ()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"is not an archive of `docker save`: its {_MANIFEST} or {_INDEX} is wrong") from error
    return Archive(references, (f"sha256:{config}", *indexed))


def _parts(path: Path) -> tuple[Any, Any]:
    try:
        with tarfile.open(path) as tar:
            return _json(tar, _MANIFEST), _json(tar, _INDEX)
    except (tarfile.TarError, EOFError, ValueError) as error:  # what tarfile says of it takes several lines
        raise ValueError("is not an archive of `docker save`: it cannot be read as one") from error


def _json(tar: tarfile.TarFile, name: str) -> Any:
    try:
        file = tar.extractfile(name)
    except KeyError:
        return None
    return json.load(file) if file else None
