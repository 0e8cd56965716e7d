"""Which files change, as the kernel tells it: that needs no privilege."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("change", [write, replace, Path.unlink, lambda path: path.rename(path.with_name("away"))])
def test_a_file_that_is_written_replaced_moved_or_removed_has_changed(
    files: Files, folder: Path, change: Callable[[Path], object]
) -> None:
    Path("file").write_text("")
    files.follow(["file"])
    Path("other").write_text("")
    assert files.changed() == set()
    change(folder / "file")
    assert select.select([files.fd], [], [], 5)[0]
    assert files.changed() == {str(folder / "file")}
    assert files.changed() == set()


def test_a_file_that_is_not_there_yet_and_one_behind_a_link_are_followed_too(files: Files, folder: Path) -> None:
    Path("real").mkdir()
    Path("real/file").write_text("")
    Path("link").symlink_to("real/file")
    files.follow(["link", "none", "nowhere/none"])
    Path("real/file").write_text("x")
    assert files.changed() == {str(folder / "real/file")}
    Path("none").write_text("")
    assert files.changed() == {str(folder / "none")}
    Path("link").unlink()
    assert files.changed() == {str(folder / "link")}


def test_where_a_folder_goes_or_events_are_lost_all_that_may_have_changed_has(files: Files, folder: Path) -> None:
    Path("sub").mkdir()
    Path("sub/file").write_text("")
    files.follow(["sub/file", "other"])
    Path("sub/file").unlink()
    Path("sub").rmdir()
    assert files.changed() == {str(folder / "sub/file")}
    for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 3 + 1):
        Path(f"x{number}").touch()
        Path(f"x{number}").unlink()
    assert files.changed() == {str(folder / "sub/file"), str(folder / "other")}
