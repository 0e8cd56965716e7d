"""The files that go into an image: which, their digest, and the tar in which the engine gets them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from reconciler.kinds.image.archive import climbs
from reconciler.kinds.image.dockerfile import rewritten
from reconciler.kinds.image.ignore import Ignore, Place
from reconciler.kinds.reading import read_file
from reconciler.model import spelled

if TYPE_CHECKING:
    import tarfile
    from hashlib import _Hash

    from reconciler.kinds.image.spec import Build

IGNORE = ".dockerignore"
_CHUNK = 1 << 20


def files(folder: Path) -> list[str]:
    """Return everything in a folder, by its path there; links are not followed, sockets left out."""
    return sorted(_walked(folder, ""))


def build_files(build: Build) -> list[str]:
    """Return what of a build's context the engine gets: all that its ignore file does not exclude."""
    ignore = Ignore(_ignored(build))
    return sorted(_kept(Path(build.context), "", ignore, ignore.top, (IGNORE, _inside(build))))


def build_text(build: Build) -> str:
    """Return the Dockerfile, with what its references stand for in this topology."""
    return rewritten(read_dockerfile(Path(build.dockerfile)), build.args, build.bases)


def read_dockerfile(path: Path) -> str:
    """Read a Dockerfile, without the byte order mark that it may begin with."""
    return read_file(path).decode("utf-8-sig")


def digest_files(into: _Hash, folder: Path, paths: Iterable[str], *, owners: bool = False) -> None:
    """Add paths, modes and contents to a digest, and `owners` where they count; times do not."""
    for path in paths:
        status = (folder / path).lstat()
        into.update(os.fsencode(f"{path}\0{stat.S_IFMT(status.st_mode):o}\0{stat.S_IMODE(status.st_mode):o}\0"))
        if owners:
            into.update(f"{status.st_uid}\0{status.st_gid}\0".encode())
        if stat.S_ISLNK(status.st_mode):
            into.update(os.fsencode(_link(folder, path)))
        elif stat.S_ISREG(status.st_mode):
            into.update(f"{status.st_size}\0".encode())
            digest_file(into, folder / path)


def _link(folder: Path, path: str) -> str:
    """Return what a link says; the engine takes none that leads out of the folder."""
    target = os.readlink(folder / path)  # noqa: PTH115 - as it is written
    if climbs(os.path.join(os.path.dirname(path), target)):  # noqa: PTH118, PTH120 - of names in the folder
        raise OSError(errno.EINVAL, "it is a link that leads out of the folder", path)
    return target


def digest_file(into: _Hash, path: Path) -> None:
    """Add a file's content to a digest; an OSError that names it, as one of a read does not."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                into.update(chunk)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_tar(
    to: IO[bytes], folder: Path, paths: Iterable[str], *, extra: Mapping[str, bytes], owners: bool = False
) -> None:
    """Write files as root's, or with their `owners`, and some whose content is given."""
    import tarfile

    with tarfile.open(fileobj=to, mode="w") as tar:
        for path in paths:
            if path not in extra:
                _add(tar, folder / path, path, owners=owners)
        for path, content in sorted(extra.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    to.seek(0)


def write_context(to: IO[bytes], build: Build) -> str:
    """Write a build's context; return the Dockerfile's path in it."""
    inside = _inside(build)
    write_tar(to, Path(build.context), build_files(build), extra={inside: build_text(build).encode()})
    return inside


def digest_of(*parts: object, salted: bytes = b"") -> str:
    """Return a short digest of values that have one clear text each."""
    return short(hashlib.sha256(salted + spelled(parts).encode()))


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


def _kept(folder: Path, below: str, ignore: Ignore, place: Place, needed: Collection[str]) -> Iterator[str]:
    """Yield what an ignore file does not leave out, and what the engine needs in any case."""
    with os.scandir(folder / below) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            out, inside = ignore.look(place, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                is_socket = stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
                if path in needed or not (out or is_socket):
                    yield path
                continue
            if not out:
                yield path
            if not out or ignore.brings_back(inside) or any(each.startswith(f"{path}/") for each in needed):
                yield from _kept(folder, f"{path}/", ignore, inside, needed)


def _ignored(build: Build) -> str:
    """Read the ignore file: the Dockerfile's own, or the context's."""
    for path in (Path(f"{build.dockerfile}{IGNORE}"), Path(build.context) / IGNORE):
        if path.is_file():
            return os.fsdecode(read_file(path))
    return ""


def _inside(build: Build) -> str:
    """Return the path of the Dockerfile in the context."""
    return os.path.relpath(build.dockerfile, build.context)


def _add(tar: tarfile.TarFile, path: Path, name: str, *, owners: bool) -> None:
    entry = tar.gettarinfo(str(path), arcname=name)
    if not owners:
        entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = int(entry.mtime)
    if entry.isfile():
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)
