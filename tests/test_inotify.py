"""Which files change, as the kernel tells it: that needs no privilege."""

from __future__ import annotations

import errno
import os
import select
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.errors import HostRefuses
from reconciler.host.inotify import Files


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    yield made
    made.close()


def write(path: Path) -> None:
    path.write_text("x")


def replace(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_text("x")
    beside.replace(path)


def point(link: Path, target: str) -> None:
    """Make a link, or have it lead elsewhere at once."""
    beside = link.with_name("beside")
    beside.symlink_to(target)
    beside.replace(link)


@pytest.mark.parametrize("change", [write, replace, Path.unlink, lambda path: path.rename(path.with_name("away"))])
def test_a_file_that_is_written_replaced_moved_or_removed_has_changed(
    files: Files, folder: Path, change: Callable[[Path], object]
) -> None:
    Path("file").write_text("")
    files.follow([str(folder / "file")])
    Path("other").write_text("")
    assert files.changed() == set()
    change(folder / "file")
    assert select.select([files.fd], [], [], 5)[0]
    assert files.changed() == {str(folder / "file")}
    assert files.changed() == set()


def test_a_file_that_may_be_read_from_now_on_has_changed(files: Files, folder: Path) -> None:
    Path("file").touch()
    files.follow([str(folder / "file")])
    Path("file").chmod(0o600)
    assert files.changed() == {str(folder / "file")}
    assert files.written == set()


def test_a_file_that_is_not_there_yet_and_one_behind_a_link_are_followed_too(files: Files, folder: Path) -> None:
    Path("real").mkdir()
    Path("real/file").write_text("")
    Path("link").symlink_to("real/file")
    files.follow([str(folder / each) for each in ("link", "none", "nowhere/none", "link/none")])
    Path("real/file").write_text("x")
    assert files.changed() == {str(folder / "real/file")}
    Path("none").write_text("")
    assert files.changed() == {str(folder / "none")}
    Path("link").unlink()
    assert files.changed() == {str(folder / "link")}


SWAPS: dict[str, tuple[str, Callable[[], object]]] = {
    "a link to a folder": ("current/file", lambda: point(Path("current"), "new")),
    "a link to a folder above": ("above/sub/file", lambda: point(Path("above"), "new")),
    "the middle one of three links": ("last", lambda: point(Path("middle"), "new/file")),
    "a link beyond a link": ("inner", lambda: point(Path("current"), "new")),
    "a folder": ("old/sub/file", lambda: (Path("old").rename("away"), Path("new").rename("old"))),
    "a folder that is gone for a while": ("old/sub/file", lambda: shutil.rmtree("old")),
}
"""What leads to a file, and how another takes its place."""


@pytest.mark.parametrize("swap", SWAPS)
def test_where_something_else_leads_to_a_file_it_has_changed_and_the_new_one_is_followed(
    files: Files, folder: Path, swap: str
) -> None:
    for each in ("old", "new"):
        Path(each, "sub").mkdir(parents=True)
        Path(each, "sub/file").write_text(each)
        Path(each, "file").write_text(each)
    Path("links").mkdir()
    for link, target in {"current": "./old", "above": str(folder / "old"), "inner": "current/../old/file"}.items():
        Path(link).symlink_to(target)
    Path("last").symlink_to("links/first")
    Path("links/first").symlink_to("../middle")
    Path("middle").symlink_to("old/file")
    path, change = SWAPS[swap]
    files.follow([str(folder / path)])
    assert files.changed() == set()
    change()
    assert files.changed()
    while files.changed():
        pass
    if not Path(path).exists():
        Path("old/sub").mkdir(parents=True)
        assert files.changed()
    Path(path).resolve().write_text("x")
    assert files.changed() == {str(Path(path).resolve())}


def test_what_happens_in_folders_on_the_way_to_a_file_is_not_heard(files: Files, folder: Path) -> None:
    Path("on/the/way").mkdir(parents=True)
    Path("on/the/way/file").touch()
    files.follow([str(folder / "on/the/way/file")])
    Path("beside").write_text("x")
    Path("on/beside").mkdir()
    Path("on/the/beside").touch()
    assert not select.select([files.fd], [], [], 0)[0]


def test_a_folder_that_is_made_later_is_followed_with_all_that_is_made_in_it(files: Files, folder: Path) -> None:
    files.follow([str(folder / "a/b/file")])
    Path("a").mkdir()
    assert files.changed() == {str(folder / "a")}
    Path("a/b").mkdir()
    assert files.changed() == {str(folder / "a/b")}
    replace(folder / "a/b/file")
    assert files.changed() == {str(folder / "a/b/file")}


def test_a_file_that_somebody_has_begun_to_write_is_known_until_it_is_closed(files: Files, folder: Path) -> None:
    path = folder / "file"
    files.follow([str(path)])
    for _ in ("new", "overwritten"):
        with path.open("w") as file:
            file.write("x")
            file.flush()
            assert files.changed() == {str(path)}
            assert files.written == {str(path)}
            file.write("y")
        assert files.changed() == {str(path)}
        assert files.written == set()
    path.open("a").close()
    with path.open("a") as file:
        file.write("x")
        file.flush()
        files.changed()
        path.rename("away")
        files.changed()
        assert files.written == set()


def test_a_link_that_is_made_is_whole_at_once(files: Files, folder: Path) -> None:
    Path("one").touch()
    files.follow([str(folder / each) for each in ("link", "name", "sub")])
    Path("link").symlink_to("one")
    Path("name").hardlink_to("one")
    Path("sub").mkdir()
    assert files.changed() == {str(folder / each) for each in ("link", "name", "sub")}
    assert files.written == set()


def test_links_in_a_circle_lead_nowhere(files: Files, folder: Path) -> None:
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    files.follow([str(folder / "a/file")])
    point(Path("b"), "c")
    assert files.changed()


def test_what_is_no_longer_followed_is_not_listened_to(files: Files, folder: Path) -> None:
    Path("old").mkdir()
    Path("new").mkdir()
    files.follow([str(folder / "old/file")])
    files.follow([str(folder / "new/file")])
    assert files.changed() == set()
    Path("old/file").touch()
    assert not select.select([files.fd], [], [], 0)[0]


def test_where_a_folder_goes_or_events_are_lost_all_that_may_have_changed_has(files: Files, folder: Path) -> None:
    Path("sub").mkdir()
    Path("sub/file").write_text("")
    files.follow([str(folder / "sub/file"), str(folder / "other")])
    Path("sub/file").unlink()
    Path("sub").rmdir()
    assert files.changed() >= {str(folder / "sub/file"), str(folder / "sub")}
    assert str(folder / "other") not in files.changed()
    for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 3 + 1):
        Path(f"x{number}").touch()
        Path(f"x{number}").unlink()
    assert files.changed() >= {str(folder / "sub"), str(folder / "other")}


def refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no inotify watches are left: raise fs.inotify.max_user_watches with sysctl"),
        (errno.ENOMEM, "Cannot allocate memory"),
        (errno.EACCES, ""),
    ],
)
def test_who_cannot_hear_of_a_file_knows_why(
    files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("reconciler.host.inotify.inotify_watch", refusing(number))
        files.follow([str(folder / "file")])
    assert files.deaf == (f"cannot hear of edits: {words}" if words else "")
    files.follow([str(folder / "file")])
    assert files.deaf == ""


def test_who_cannot_listen_at_all_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.host.inotify.inotify", refusing(errno.EMFILE))
    with pytest.raises(
        HostRefuses, match=r"too many inotify instances: raise fs\.inotify\.max_user_instances with sysctl"
    ):
        Files()
    monkeypatch.setattr("reconciler.host.inotify.inotify", refusing(errno.ENOSYS))
    with pytest.raises(OSError, match="not implemented"):
        Files()
