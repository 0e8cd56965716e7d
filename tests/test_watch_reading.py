"""When a watch reads its file again: when all that belongs to it has come to rest, and nobody is about to write it."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.kinds import kinds
from reconciler.watch import file as watched
from reconciler.watch.file import SETTLE, File

TEXT = "name: t\nnamespaces: {red: , blue: }\n"
MORE = "name: t\ninclude: more.yaml\nnamespaces: {red: , blue: }\n"


class Clock:
    """Seconds that go by only when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watched, "time", made)
    return made


@pytest.fixture
def file(folder: Path) -> File:
    Path("t.yaml").write_text(TEXT)
    return File("t.yaml", kinds=kinds(), name=None)


def replace(path: str, text: str) -> None:
    Path("beside").write_text(text)
    Path("beside").replace(path)


def names(file: File) -> set[str]:
    return {each.key.name for each in file.topology}


def test_a_file_that_nobody_changes_is_never_due(file: File) -> None:
    file.hear()
    assert file.due == math.inf
    assert not file.reread()


def test_files_that_change_one_after_the_other_are_read_when_all_are_at_rest(file: File, clock: Clock) -> None:
    replace("t.yaml", MORE)
    file.hear()
    assert file.due == clock.now + SETTLE < clock.now + 1
    clock.now += SETTLE * 0.9
    replace(".env", "A=1\n")
    file.hear()
    assert file.due == clock.now + SETTLE
    replace("more.yaml", "namespaces: {green: }\n")
    file.hear()
    clock.now = file.due
    assert file.reread()
    assert names(file) == {"red", "blue", "green"}
    assert file.due == math.inf
    replace("more.yaml", "namespaces: {grey: }\n")
    file.hear()
    file.hear()
    assert file.due < math.inf
    assert file.reread()
    assert names(file) == {"red", "blue", "grey"}


def test_files_that_never_rest_are_read_all_the_same(file: File, clock: Clock) -> None:
    file.hear()
    began = clock.now
    while clock.now < began + 9.9:
        replace(".env", "A=1\n")
        file.hear()
        assert clock.now < file.due <= began + 10
        clock.now += SETTLE / 2
    assert file.due == began + 10


def test_a_file_that_is_being_written_is_not_read_before_it_is_closed(file: File, clock: Clock) -> None:
    Path("t.yaml").unlink()
    with Path("t.yaml").open("w") as half:
        half.write(TEXT)
        half.flush()
        file.hear()
        assert file.due == clock.now + 10
        clock.now += 9
        half.write("bridges: ")
        half.flush()
        file.hear()
        assert file.due == clock.now + 10
        half.write("{br0: }\n")
    file.hear()
    assert file.due == clock.now + SETTLE
    assert file.reread()
    assert names(file) == {"red", "blue", "br0"}


def test_what_changes_while_it_is_read_is_read_later(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.topology import load as whole

    def load(*arguments: object, **named: object) -> object:
        found = whole(*arguments, **named)  # type: ignore[arg-type]
        replace("t.yaml", "name: t\n")
        return found

    monkeypatch.setattr(watched, "load", load)
    replace("t.yaml", "name: t\nnamespaces: {red: }\n")
    file.hear()
    assert not file.reread()
    assert names(file) == {"red", "blue"}
    assert file.due < math.inf
    monkeypatch.setattr(watched, "load", whole)
    assert file.reread()
    assert names(file) == set()


@pytest.mark.parametrize("written", [False, True])
def test_what_changes_whenever_it_is_read_is_in_force_all_the_same_but_not_while_it_is_written(
    file: File, clock: Clock, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    from reconciler.topology import load as whole

    with contextlib.ExitStack() as stack:

        def load(*arguments: object, **named: object) -> object:
            found = whole(*arguments, **named)  # type: ignore[arg-type]
            replace(".env", "A=1\n")
            if written:
                stack.enter_context(Path("t.yaml").open("ab", buffering=0)).write(b"#")
            return found

        monkeypatch.setattr(watched, "load", load)
        replace("t.yaml", "name: t\nnamespaces: {red: }\n")
        file.hear()
        began = clock.now
        clock.now = file.due
        if written:
            clock.now = began + 10
            assert not file.reread()
            assert file.due == clock.now + 10
            return
        while clock.now < began + 10:
            assert not file.reread()
            assert clock.now < file.due <= began + 10
            clock.now = file.due
        assert file.reread()
        assert names(file) == {"red"}
        assert file.due == clock.now + SETTLE


def test_a_file_with_its_whole_path_is_followed_where_the_current_directory_is_gone(folder: Path) -> None:
    path = folder / "t.yaml"
    path.write_text(TEXT)
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    file = File(str(path), kinds=kinds(), name=None)
    path.write_text("name: t\n")
    file.hear()
    assert file.reread()
    assert names(file) == set()


def pipe() -> None:
    os.mkfifo("beside")
    Path("beside").replace("t.yaml")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda: replace("t.yaml", "name: ["), "t.yaml:2:1: "),
        (lambda: replace("t.yaml", "name: u\n"), "t.yaml: the topology's name is 'u' now: watch that one instead"),
        (pipe, "t.yaml:1:1: cannot read 't.yaml': it is not a regular file"),
        (lambda: Path("t.yaml").unlink(), "t.yaml:1:1: there is no file 't.yaml'"),
        (lambda: shutil.rmtree(Path.cwd()), "t.yaml:1:1: the current directory: No such file or directory"),
    ],
)
def test_while_the_file_is_wrong_that_is_told_and_the_last_good_one_is_in_force(
    file: File, change: Callable[[], object], wrong: str
) -> None:
    folder = Path.cwd()
    change()
    file.hear()
    assert file.reread()
    assert file.wrong.startswith(wrong)
    assert names(file) == {"red", "blue"}
    assert not file.reread()
    folder.mkdir(exist_ok=True)
    folder.joinpath("t.yaml").unlink(missing_ok=True)
    folder.joinpath("t.yaml").write_text("name: t\n")
    file.hear()
    assert file.due < math.inf
    assert file.reread()
    assert (names(file), file.wrong, Path.cwd()) == (set(), "", folder)
