"""Files that a topology names are read only if they are files, and not too large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.kinds import reading
from reconciler.kinds.reading import read_file


def test_a_file_is_read_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    assert read_file(tmp_path / "b") == b"1"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/full", "/dev/null"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a regular file"):
        read_file(tmp_path / name)


def test_what_is_too_large_is_refused_without_being_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="it is larger than 8 MiB"):
        read_file(tmp_path / "a")
    monkeypatch.setattr(reading, "LARGEST", 3)
    (tmp_path / "b").write_bytes(b"123")
    assert read_file(tmp_path / "b") == b"123"
