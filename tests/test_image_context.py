"""The files that go into an image: which, their digest, and the tar in which the engine gets them."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.kinds.image.context import (
    build_files,
    build_text,
    digest_file,
    digest_of,
    files,
    write_context,
    write_tar,
)
from reconciler.kinds.image.inputs import inputs
from reconciler.kinds.image.spec import Build, Commit, ImageSpec, Import, Load, Pull, Recipe, tag_claims
from reconciler.model import FrozenMap


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "ctx"
    (made / "sub").mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM lab\nCOPY . /\n")
    (made / "sub/file").write_text("one\n")
    (made / "link").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(made / "sub")  # the path of a socket is short
        listening.bind("socket")
    return made


EVERYTHING = ["Dockerfile", "link", "sub", "sub/file"]


def build(folder: Path, **more: str) -> Build:
    return Build(**{"context": str(folder), "dockerfile": str(folder / "Dockerfile"), **more})  # type: ignore[arg-type]


def packed(write: Callable[[io.BytesIO], object]) -> dict[str, tarfile.TarInfo]:
    """What was written, by path; each file's content stands in its `pax_headers`."""
    buffer = io.BytesIO()
    write(buffer)
    assert buffer.tell() == 0
    with tarfile.open(fileobj=buffer) as tar:
        found = {each.name: each for each in tar}
        for each in found.values():
            file = tar.extractfile(each) if each.isfile() else None
            each.pax_headers = {"content": file.read().decode()} if file else {}
    return found


def test_everything_in_a_folder_counts_but_sockets_and_what_links_point_to(folder: Path) -> None:
    (folder / "sub/inside").symlink_to("..")
    assert files(folder) == [*EVERYTHING, "sub/inside"]


def test_a_tar_has_files_as_roots_and_links_as_links(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder / "sub/file", 5, 5)
    os.utime(folder / "sub/file", (1.5, 1.5))
    found = packed(lambda to: write_tar(to, folder, files(folder), extra={"more": b"1", "Dockerfile": b"FROM x"}))
    assert sorted(found) == sorted([*EVERYTHING, "more"])
    assert {(each.uid, each.gid, each.uname, each.gname) for each in found.values()} == {(0, 0, "", "")}
    assert (found["link"].linkname, found["sub"].isdir(), found["sub/file"].mtime) == ("nowhere", True, 1)
    assert [found[each].pax_headers["content"] for each in ("sub/file", "more", "Dockerfile")] == [
        "one\n",
        "1",
        "FROM x",
    ]


@pytest.mark.parametrize("owners", [True, False])
def test_a_root_file_system_keeps_the_owners_of_its_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owners: bool
) -> None:
    def of_one(path: Path, *more: object, **named: object) -> os.stat_result:
        found = list(lstat(path, *more, **named))  # type: ignore[arg-type]
        return os.stat_result([*found[:4], 5, 6, *found[6:]])

    recipe = Import(str(folder)) if owners else build(folder)
    lstat, before = os.lstat, inputs(recipe)
    monkeypatch.setattr(os, "lstat", of_one)
    monkeypatch.setattr(Path, "lstat", of_one)
    found = packed(lambda to: write_tar(to, folder, ["sub/file"], extra={}, owners=owners))["sub/file"]
    assert (found.uid, found.gid) == ((5, 6) if owners else (0, 0))
    assert (inputs(recipe) != before) is owners


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ("", EVERYTHING),
        ("# a comment\n\n", EVERYTHING),
        ("sub\n", [".dockerignore", "Dockerfile", "link"]),
        ("*\n!link\n", [".dockerignore", "Dockerfile", "link"]),
        ("Dockerfile\nsub/*\n", [".dockerignore", "Dockerfile", "link", "sub"]),
    ],
)
def test_an_ignore_file_says_what_the_engine_does_not_get(folder: Path, ignore: str, left: list[str]) -> None:
    (folder / ".dockerignore").write_text(ignore)
    found = build_files(build(folder))
    assert found == sorted({*left, ".dockerignore"})


def test_a_dockerfile_can_have_an_ignore_file_of_its_own(folder: Path) -> None:
    (folder / ".dockerignore").write_text("link\n")
    (folder / "Dockerfile.dockerignore").write_text("sub\n")
    assert build_files(build(folder)) == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "link"]


def test_what_the_engine_needs_is_sent_in_any_case_and_an_exception_out_of_any_folder(folder: Path) -> None:
    (folder / "sub/Own").write_text("FROM lab\n")
    (folder / ".dockerignore").write_text("*\n")
    assert build_files(build(folder, dockerfile=str(folder / "sub/Own"))) == [".dockerignore", "sub/Own"]
    (folder / ".dockerignore").write_text("**\n!**/file\n")
    assert build_files(build(folder)) == [".dockerignore", "Dockerfile", "sub/file"]


def test_a_context_has_the_dockerfile_with_what_its_references_stand_for(folder: Path) -> None:
    recipe = replace(build(folder), bases=FrozenMap({"lab": "reconciler/t/lab:in-0"}))
    assert build_text(recipe) == "FROM reconciler/t/lab:in-0\nCOPY . /\n"
    told: list[str] = []
    found = packed(lambda to: told.append(write_context(to, recipe)))
    assert (told, sorted(found)) == (["Dockerfile"], EVERYTHING)
    assert found["Dockerfile"].pax_headers["content"] == build_text(recipe)


def test_a_byte_order_mark_before_a_dockerfile_says_nothing(folder: Path) -> None:
    (folder / "Dockerfile").write_bytes(b"\xef\xbb\xbfFROM lab\n")
    recipe = replace(build(folder), bases=FrozenMap({"lab": "x"}))
    assert build_text(recipe) == "FROM x\n"


@pytest.mark.parametrize("ignore", ["", "*.log\n"])
def test_a_name_of_any_bytes_is_sent_and_counts(folder: Path, ignore: str) -> None:
    (folder / ".dockerignore").write_text(ignore)
    before = inputs(build(folder)), inputs(Import(str(folder)))
    name = os.fsdecode(b"caf\xe9.txt")
    (folder / name).write_text("hi")
    assert name in build_files(build(folder))
    assert inputs(build(folder)) != before[0]
    assert inputs(Import(str(folder))) != before[1]
    assert name in packed(lambda to: write_context(to, build(folder)))


@pytest.mark.parametrize("target", ["../secret", "sub/../../secret", ".."])
def test_a_link_that_leads_out_of_a_folder_is_refused(folder: Path, target: str) -> None:
    (folder / "out").symlink_to(target)
    with pytest.raises(OSError, match="it is a link that leads out of the folder"):
        inputs(build(folder))
    with pytest.raises(OSError, match="it is a link that leads out of the folder"):
        inputs(Import(str(folder)))
    (folder / ".dockerignore").write_text("out\n")
    assert inputs(build(folder))


@pytest.mark.parametrize("target", ["/etc/passwd", "sub/../Dockerfile", "sub/.."])
def test_a_link_that_stays_or_is_absolute_is_the_images_own(folder: Path, target: str) -> None:
    (folder / "in").symlink_to(target)
    assert inputs(build(folder))


def test_a_socket_that_an_ignore_file_leaves_is_not_sent(folder: Path) -> None:
    (folder / ".dockerignore").write_text("link\n")
    assert build_files(build(folder)) == [".dockerignore", "Dockerfile", "sub", "sub/file"]


BUILD = Build("", "", FrozenMap({"A": "1"}))
COMMIT = Commit("t-box", "0f")


def at(recipe: Recipe, folder: Path) -> Recipe:
    """A recipe whose files are in a folder."""
    if isinstance(recipe, Build):
        return replace(recipe, context=str(folder), dockerfile=str(folder / "Dockerfile"))
    return replace(recipe, path=str(folder)) if isinstance(recipe, Import) else recipe


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BUILD, replace(BUILD, args=FrozenMap({"A": "2"}))),
        (BUILD, replace(BUILD, target="x")),
        (BUILD, replace(BUILD, labels=FrozenMap({"a": "b"}))),
        (BUILD, replace(BUILD, no_cache=True)),
        (BUILD, replace(BUILD, network="none")),
        (BUILD, replace(BUILD, bases=FrozenMap({"lab": "x"}))),
        (Import(), Import(changes=("USER 5",))),
        (COMMIT, replace(COMMIT, container="t-other")),
        (COMMIT, replace(COMMIT, made_of="1f")),
        (COMMIT, replace(COMMIT, changes=("USER 5",))),
        (COMMIT, replace(COMMIT, message="x")),
        (COMMIT, replace(COMMIT, author="x")),
        (COMMIT, replace(COMMIT, pause=False)),
    ],
)
def test_what_is_said_counts(folder: Path, one: Recipe, other: Recipe) -> None:
    assert len(inputs(at(one, folder))) == 16
    assert inputs(at(one, folder)) == inputs(at(one, folder)) != inputs(at(other, folder))


def chmod(folder: Path) -> None:
    (folder / "sub/file").chmod(0o600)


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


CHANGES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "content": (lambda folder: (folder / "sub/file").write_text("two\n"), True),
    "mode": (chmod, True),
    "name": (lambda folder: (folder / "sub/file").rename(folder / "sub/other"), True),
    "an empty folder": (lambda folder: (folder / "more").mkdir(), True),
    "a link": (lambda folder: relink(folder / "link"), True),
    "a link for a file": (lambda folder: relink(folder / "sub/file"), True),
    "time": (lambda folder: os.utime(folder / "sub/file", (1, 1)), False),
    "a socket": (lambda folder: (folder / "sub/socket").unlink(), False),
}


@pytest.mark.parametrize(("change", "counts"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("recipe", [BUILD, Import()], ids=["build", "import"])
def test_what_the_files_are_counts_and_not_when_they_were_written(
    folder: Path, recipe: Recipe, change: Callable[[Path], object], counts: bool
) -> None:
    (folder / "sub/file").chmod(0o644)
    before = inputs(at(recipe, folder))
    change(folder)
    assert (inputs(at(recipe, folder)) != before) is counts


def test_the_same_files_elsewhere_are_the_same_inputs(folder: Path) -> None:
    before = inputs(at(BUILD, folder))
    assert inputs(at(BUILD, folder.rename(folder.parent / "moved"))) == before


@pytest.mark.parametrize("recipe", [Import, Load])
def test_the_content_of_an_archive_counts_and_not_its_name(tmp_path: Path, recipe: type[Import | Load]) -> None:
    one, other, third = (tmp_path / each for each in ("one", "other", "third"))
    one.write_text("x")
    other.write_text("x")
    third.write_text("y")
    assert inputs(recipe(str(one))) == inputs(recipe(str(other))) != inputs(recipe(str(third)))
    with pytest.raises(FileNotFoundError):
        inputs(recipe(str(tmp_path / "none")))


def test_what_is_pulled_has_no_inputs_and_what_is_no_recipe_none_either() -> None:
    assert inputs(Pull()) == ""
    with pytest.raises(TypeError):
        inputs(None)  # type: ignore[arg-type]


def test_a_digest_is_short_and_keeps_values_apart() -> None:
    assert len(digest_of("a", "b")) == 16
    assert digest_of("a", "b") != digest_of("ab")


def test_an_image_claims_its_tags() -> None:
    assert [(each.scope, each.label) for each in tag_claims(("a:1",))] == [("tag a:1", "image tag a:1")]
    assert ImageSpec().current


def test_a_file_that_cannot_be_read_through_is_named() -> None:
    with pytest.raises(OSError, match="Input/output error") as caught:  # at its address 0 a process has nothing
        digest_file(hashlib.sha256(), Path("/proc/self/mem"))
    assert caught.value.filename == "/proc/self/mem"
