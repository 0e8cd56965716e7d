"""What is in an archive that `docker save` wrote."""

from __future__ import annotations

import json
import lzma
import posixpath
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.kinds.image.references import normal
from reconciler.kinds.reading import read_stream
from reconciler.value import dataclass

if TYPE_CHECKING:
    import tarfile

_MANIFEST, _INDEX = "manifest.json", "index.json"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Archive:
    """The one image of an archive: its references, and the ids that it may have in an engine."""

    references: tuple[str, ...]
    ids: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Look into an archive; a ValueError that says what it is if it is none, or does not hold exactly one image."""
    manifest, index = _parts(path)
    check_members(path, devices=False)
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


def check_members(path: Path, *, devices: bool = True) -> None:
    """Look at everything in an archive; a ValueError that says what leads out of it, or that it is none.

    What is compressed in a way that only the engine reads is left to the engine, which looks as well.
    """
    import tarfile

    with path.open("rb") as file:
        if file.read(len(_ZSTD)) == _ZSTD:
            return
    try:
        with tarfile.open(path) as tar:
            while member := tar.next():
                tar.members.clear()  # type: ignore[attr-defined]  # of an archive of millions of files none is kept
                _check(member, devices=devices)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise ValueError("is not an archive that can be read") from error


def _check(member: tarfile.TarInfo, *, devices: bool) -> None:
    linked = posixpath.join(posixpath.dirname(member.name), member.linkname) if member.issym() else member.linkname
    if member.name.startswith("/") or climbs(member.name):
        raise ValueError(f"holds {member.name!r}, which leads out of it")
    if (member.issym() and climbs(linked)) or (member.islnk() and (linked.startswith("/") or climbs(linked))):
        raise ValueError(f"holds the link {member.name!r} to {member.linkname!r}, which leads out of it")
    if not devices and (member.ischr() or member.isblk()):
        raise ValueError(f"holds the device {member.name!r}")


def climbs(path: str) -> bool:
    """Tell whether a relative path leads out of the folder that it begins in; an absolute one begins elsewhere."""
    return posixpath.normpath(path).split("/")[0] == ".."


def _parts(path: Path) -> tuple[Any, Any]:
    import tarfile

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
    return json.loads(read_stream(file, name)) if file else None
