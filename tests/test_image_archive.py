"""Archives whose members lead out of them, or are what they should not be, are refused before the engine gets them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from reconciler.kinds.image.archive import check_members, climbs, read_archive

LINK, HARD, DEVICE, BLOCK = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE
MANIFEST = [{"Config": "abc.json", "RepoTags": ["a:1"], "Layers": []}]


def member(name: str, kind: bytes = tarfile.REGTYPE, linked: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, linked
    return found


def archive(folder: Path, *members: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(folder / "a.tar", mode) as tar:  # type: ignore[call-overload]
        for each in members:
            tar.addfile(each)
        content = json.dumps(MANIFEST).encode()
        manifest = member("manifest.json")
        manifest.size = len(content)
        tar.addfile(manifest, io.BytesIO(content))
    return folder / "a.tar"


OUT = [
    (member("../a"), "holds '../a', which leads out of it"),
    (member("a/../../b"), "holds 'a/../../b', which leads out of it"),
    (member("/etc/passwd"), "holds '/etc/passwd', which leads out of it"),
    (member(".."), "holds '..', which leads out of it"),
    (member("a/b", LINK, "../../c"), "holds the link 'a/b' to '../../c', which leads out of it"),
    (member("b", LINK, ".."), "holds the link 'b' to '..', which leads out of it"),
    (member("b", HARD, "../c"), "holds the link 'b' to '../c', which leads out of it"),
    (member("b", HARD, "/etc/shadow"), "holds the link 'b' to '/etc/shadow', which leads out of it"),
]
IN = [member("./a/../b"), member("a/b", LINK, "../c"), member("sh", LINK, "/bin/busybox"), member("c", HARD, "a/b")]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize(("found", "message"), OUT, ids=[message for _, message in OUT])
def test_a_member_that_leads_out_of_an_archive_is_refused(
    tmp_path: Path, found: tarfile.TarInfo, message: str, mode: str
) -> None:
    for look in (check_members, read_archive):
        with pytest.raises(ValueError, match=f"^{message}$"):
            look(archive(tmp_path, member("before"), found, mode=mode))


def test_what_stays_within_an_archive_is_taken(tmp_path: Path) -> None:
    check_members(archive(tmp_path, *IN))
    assert read_archive(archive(tmp_path, *IN)).references == ("a:1",)


@pytest.mark.parametrize("kind", [DEVICE, BLOCK])
def test_a_root_file_system_may_have_devices_and_saved_images_none(tmp_path: Path, kind: bytes) -> None:
    made = archive(tmp_path, member("dev/console", kind))
    check_members(made)
    with pytest.raises(ValueError, match=r"^holds the device 'dev/console'$"):
        read_archive(made)


def test_what_cannot_be_read_is_no_archive_but_for_what_only_the_engine_reads(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"nothing", gzip.compress(b"nothing"), archive(tmp_path, *IN, mode="w:gz").read_bytes()[:-40]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^is not an archive that can be read$"):
            check_members(path)
    path.write_bytes(b"\x28\xb5\x2f\xfd...")
    check_members(path)


def test_a_path_climbs_when_it_leads_above_where_it_begins() -> None:
    assert [each for each in ("a", ".", "a/..", "../a", "a/../..", "/a", "..a", "a/..b") if climbs(each)] == [
        "../a",
        "a/../..",
    ]
