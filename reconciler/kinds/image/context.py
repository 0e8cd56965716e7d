"""The files that go into an image: which, their digest, and the tar in which the engine gets them."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from reconciler.kinds.image.dockerfile import rewritten

if TYPE_CHECKING:
    from hashlib import _Hash

    from reconciler.kinds.image.spec import Build

IGNORE = ".dockerignore"
_OUTSIDE = ".dockerfile.reconciler"
"""The name in the context of a Dockerfile that is not in it."""
_CHUNK = 1 << 20


def files(folder: Path) -> list[str]:
    """Return everything in a folder, by its path there; links are not followed, sockets left out."""
    return sorted(_walked(folder, ""))


def build_files(build: Build) -> list[str]:
    """Return what of a build's context the engine gets: all that its ignore file does not exclude."""
    folder = Path(build.context)
    patterns = _patterns(build)
    if not patterns:
        return files(folder)
    from docker.utils.build import exclude_paths

    found = exclude_paths(str(folder), patterns, dockerfile=_inside(build) or _OUTSIDE)
    return sorted(each for each in found if not stat.S_ISSOCK((folder / each).lstat().st_mode))


def build_text(build: Build) -> str:
    """Return the Dockerfile, with what its references stand for in this topology."""
    return rewritten(Path(build.dockerfile).read_text(), build.args, build.bases)


def digest_files(into: _Hash, folder: Path, paths: Iterable[str]) -> None:
    """Add paths, modes and contents to a digest; times and owners do not count."""
    for path in paths:
        status = (folder / path).lstat()
        into.update(f"{path}\0{stat.S_IFMT(status.st_mode):o}\0{stat.S_IMODE(status.st_mode):o}\0".encode())
        if stat.S_ISLNK(status.st_mode):
            into.update(os.fsencode(os.readlink(folder / path)))  # noqa: PTH115 - as bytes
        elif stat.S_ISREG(status.st_mode):
            into.update(f"{status.st_size}\0".encode())
            digest_file(into, folder / path)


def digest_file(into: _Hash, path: Path) -> None:
    """Add a file's content to a digest."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            into.update(chunk)


def write_tar(to: IO[bytes], folder: Path, paths: Iterable[str], *, extra: Mapping[str, bytes] | None = None) -> None:
    """Write files as root's, and some whose content is given."""
    extra = extra or {}
    with tarfile.open(fileobj=to, mode="w") as tar:
        for path in paths:
            if path not in extra:
                _add(tar, folder / path, path)
        for path, content in sorted(extra.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    to.seek(0)


def write_context(to: IO[bytes], build: Build) -> str:
    """Write a build's context; return the Dockerfile's path in it."""
    inside, text = _inside(build), build_text(build).encode()
    extra = {inside or _OUTSIDE: text}
    if not inside:
        # What is not the person's own must not be copied into the image by a `COPY .`.
        ignored = [*(_patterns(build) or [IGNORE]), _OUTSIDE]
        extra[IGNORE] = "\n".join(ignored).encode()
    write_tar(to, Path(build.context), build_files(build), extra=extra)
    return inside or _OUTSIDE


def digest_of(*parts: object) -> str:
    """Return a short digest of values that have one clear text each."""
    return short(hashlib.sha256(repr(parts).encode()))


def short(digest: _Hash) -> str:
    """Return as much of a digest as a tag carries."""
    return digest.hexdigest()[:16]


def _walked(folder: Path, below: str) -> Iterator[str]:
    with os.scandir(folder / below) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield path
                yield from _walked(folder, f"{path}/")
            elif not stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
                yield path


def _patterns(build: Build) -> list[str]:
    """Read the ignore file: the Dockerfile's own, or the context's."""
    for path in (Path(f"{build.dockerfile}{IGNORE}"), Path(build.context) / IGNORE):
        if path.is_file():
            lines = (line.strip() for line in path.read_text().splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []


def _inside(build: Build) -> str:
    """Return the path of the Dockerfile in the context; empty if it is not in there."""
    path = os.path.relpath(build.dockerfile, build.context)
    return "" if path.split("/")[0] == ".." else path


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(str(path), arcname=name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = int(entry.mtime)
    if entry.isfile():
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)
