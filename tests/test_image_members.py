"""Archives that anybody may have made: none fills our memory, hangs, or is something else to the engine than to us."""

from __future__ import annotations

import gzip
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds.image import archive
from reconciler.kinds.image.archive import check_members, read_archive

MANIFEST = json.dumps([{"Config": "abc.json", "RepoTags": ["a:1"], "Layers": []}]).encode()


def member(name: str, content: bytes = b"", **more: Any) -> bytes:
    """A header and its content, as they stand in an archive."""
    found = tarfile.TarInfo(name)
    found.size = len(content)
    for attribute, value in more.items():
        setattr(found, attribute, value)
    return found.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def pax(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return member("pax", content, type=kind) + member("f")


def written(folder: Path, *members: bytes) -> Path:
    (folder / "x.tar").write_bytes(b"".join((*members, bytes(1024))))
    return folder / "x.tar"


UNREADABLE: dict[str, bytes] = {
    "a length of nothing": pax(b"0 a=b\n"),
    "no header": b"x" * 512 + member("f"),
    "a negative size": pax(b"20 size=-999999999\n"),
    "a size for all that follows": member("g", b"11 size=5\n", type=tarfile.XGLTYPE) + member("f", b"12345"),
    "a name for all that follows": member("g", b"10 path=x\n", type=tarfile.XGLTYPE) + member("f"),
    "a map that is none": pax(b"30 GNU.sparse.map=1,2,x,99999\n"),
    "a map that ends": pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"),
    "headers upon headers": member("pax", b"6 a=b\n", type=tarfile.XHDTYPE) * 3000 + member("f"),
}


@pytest.mark.parametrize("look", [check_members, read_archive])
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_clear_is_refused(tmp_path: Path, content: bytes, look: Callable[[Path], object]) -> None:
    with pytest.raises(ValueError, match=r"^is not an archive (that can be read|of `docker save`: it cannot be read)"):
        look(written(tmp_path, member("first"), content))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE])
@pytest.mark.parametrize("first", [True, False])
def test_a_name_of_a_gigabyte_is_not_read(tmp_path: Path, kind: bytes, first: bool) -> None:
    head = tarfile.TarInfo("long")
    head.type, head.size = kind, 64 << 20
    path = tmp_path / "x.tgz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(b"" if first else member("first"))
        packed.write(head.tobuf(tarfile.GNU_FORMAT))
        for _ in range(64):
            packed.write(bytes(1 << 20))
        packed.write(member("f") + bytes(1024))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is not an archive"):
            check_members(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"5",
        b'"x"',
        b"[5]",
        b'{"a": 1}',
        b"\xff\xfe",
        b'[{"Config": 5, "RepoTags": ["a"]}]',
        b'[{"Config": "x", "RepoTags": 5}]',
        b'[{"Config": "x", "RepoTags": "ab"}]',
        b'[{"Config": "x", "RepoTags": [5]}]',
        b'[{"Config": "x"}, 5]',
        b'[{"Config": "x"}, {"RepoTags": 5}]',
    ],
)
def test_a_list_of_images_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(
        ValueError, match=r"^is not an archive of `docker save`: its manifest.json or index.json is wrong$"
    ):
        read_archive(written(tmp_path, member("manifest.json", content)))


def test_an_archive_of_no_image_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^holds no image$"):
        read_archive(written(tmp_path, member("manifest.json", b"[]")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_to_itself_is_no_list_of_images(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(ValueError, match=r"it has no manifest\.json"):
        read_archive(written(tmp_path, member("manifest.json", type=kind, linkname="manifest.json")))


FIRST = member("manifest.json", MANIFEST)
TWO_FACED = {
    "holds 'manifest.json' twice": (FIRST, member("./manifest.json", MANIFEST)),
    "holds 'a/b' twice": (FIRST, member("a/b"), member("a/../a//b")),
    "holds 'x/manifest.json', which is behind a link": (
        FIRST,
        member("x", type=tarfile.SYMTYPE, linkname="."),
        member("x/manifest.json", MANIFEST),
    ),
}


@pytest.mark.parametrize(("message", "members"), TWO_FACED.items(), ids=TWO_FACED)
def test_an_archive_that_is_another_to_the_engine_is_refused(
    tmp_path: Path, message: str, members: tuple[bytes, ...]
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        read_archive(written(tmp_path, *members))


def test_folders_may_come_twice_and_links_may_be_there(tmp_path: Path) -> None:
    folder = member("a", type=tarfile.DIRTYPE)
    link = member("a/layer.tar", type=tarfile.SYMTYPE, linkname="../b/layer.tar")
    assert read_archive(written(tmp_path, folder, folder, link, FIRST)).references == ("a:1",)


def test_no_image_has_that_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST", 2)
    made = [member(each) for each in "ab"]
    assert read_archive(written(tmp_path, FIRST, made[0])).references
    with pytest.raises(ValueError, match=r"^holds more than 2 files, which no saved image does$"):
        read_archive(written(tmp_path, FIRST, *made))


def test_a_list_of_images_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it cannot be read as one"):
        read_archive(written(tmp_path, member("manifest.json", bytes((8 << 20) + 1))))
