"""What is in an archive that `docker save` wrote, and what none may have: an archive may come from anybody."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.kinds.image.references import normal
from reconciler.value import dataclass

if TYPE_CHECKING:
    import tarfile

_MANIFEST, _INDEX = "manifest.json", "index.json"
_ZSTD = b"\x28\xb5\x2f\xfd"
_NONE_SAVED = "is not an archive of `docker save`"
_MOST = 10_000
"""How many members the archive of one image may have; with as many layers as there can be it has a few hundred."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The one image of an archive: its references, and the ids that it may have in an engine."""

    references: tuple[str, ...]
    ids: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Look into an archive; a ValueError that says what it is if it is none, or does not hold exactly one image."""
    texts = _texts(path)
    if _MANIFEST not in texts:
        raise ValueError(f"{_NONE_SAVED}: it has no {_MANIFEST}")
    try:
        images = [_image(each) for each in json.loads(texts[_MANIFEST])]
        indexed = [str(each["digest"]) for each in json.loads(texts.get(_INDEX, b"{}")).get("manifests", ())]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{_NONE_SAVED}: its {_MANIFEST} or {_INDEX} is wrong") from error
    if not images:
        raise ValueError("holds no image")
    if len(images) > 1:
        names = ", ".join(ref for _, references in images for ref in references or ["one without a name"])
        raise ValueError(f"holds {len(images)} images ({names}): save each into an archive of its own")
    [(identity, references)] = images
    return Archive(references, (identity, *indexed))


def _image(said: Any) -> tuple[str, tuple[str, ...]]:
    config = posixpath.basename(said["Config"]).removesuffix(".json")
    references = said.get("RepoTags") or []
    if not isinstance(references, list):
        raise TypeError(references)
    return f"sha256:{config}", tuple(map(normal, references))


def _texts(path: Path) -> dict[str, bytes]:
    """Read what tells what is in an archive; the engine may not find anything else under its names than we do."""
    from reconciler.kinds.image.members import members

    found: dict[str, bytes] = {}
    names: set[str] = set()
    links: set[str] = set()
    for member, content in members(path, f"{_NONE_SAVED}: it cannot be read as one"):
        _check(member, devices=False)
        name = posixpath.normpath(member.name)
        if name in names and not member.isdir():
            raise ValueError(f"holds {name!r} twice")
        if any(each in links for each in _above(name)):
            raise ValueError(f"holds {name!r}, which is behind a link")
        if len(names) == _MOST:
            raise ValueError(f"holds more than {_MOST} files, which no saved image does")
        names.add(name)
        if member.issym():
            links.add(name)
        if name in (_MANIFEST, _INDEX) and member.isreg():
            found[name] = content()
    return found


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def check_members(path: Path) -> None:
    """Look at everything in a root file system; a ValueError that says what leads out of it, or that it is none.

    What is compressed in a way that only the engine reads is left to the engine, which looks as well.
    """
    from reconciler.kinds.image.members import members

    with path.open("rb") as file:
        if file.read(len(_ZSTD)) == _ZSTD:
            return
    for member, _ in members(path, "is not an archive that can be read"):
        _check(member)


def _check(member: tarfile.TarInfo, *, devices: bool = True) -> None:
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
