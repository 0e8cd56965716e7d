"""Malformed topologies and what is told of each: the tables in tests/hostile, read; and what stands beside the files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.topology import load

TABLES = Path(__file__).parent / "hostile"
MAIN = "t.yaml"
ENVIRONMENT = {"EMPTY": "", "FIVE": "5"}


@dataclass(frozen=True)
class Case:
    """A topology, with the other files that it names, and the lines that it gets."""

    files: Mapping[str, str]
    told: tuple[str, ...]

    @property
    def text(self) -> str:
        """The topology itself."""
        return self.files[MAIN]


def cases() -> Iterator[Case]:
    """Yield every case of every table: blocks of a file, `== NAME` before a further one, `> LINE` for what is told.

    A line that blames the topology itself leaves its name out. Each has a name, but for those in whole.txt.
    """
    for table in sorted(TABLES.glob("*.txt")):
        for block in table.read_text().split("\n\n"):
            lines = block.strip("\n").split("\n")
            told = tuple(each.removeprefix("> ") for each in lines if each.startswith("> "))
            if told:
                text = "\n".join(each for each in lines if not each.startswith("> "))
                yield Case(dict(_files(text if table.stem == "whole" else f"name: x\n{text}")), told)


def _files(text: str) -> Iterator[tuple[str, str]]:
    main, *others = f"\n{text}\n".split("\n== ")
    yield MAIN, main[1:]
    for each in others:
        name, _, content = each.partition("\n")
        yield name, content


def furnish(folder: Path) -> None:
    """Put beside the topologies what some of them name."""
    (folder / "D").write_text("FROM scratch\n")
    (folder / "ctx").mkdir()
    (folder / "ctx/Dockerfile").write_text("FROM scratch\n")
    (folder / "ctx/latin").write_bytes(b"FROM \xe9\n")
    (folder / "climbs").mkdir()
    (folder / "climbs/Dockerfile").write_text("FROM scratch\n")
    (folder / "climbs/out").symlink_to("../D")
    (folder / "empty").mkdir()
    (folder / "latin").write_bytes(b"A=\xe9\n")
    (folder / "wrong.env").write_text('A=1\nB="open\n')
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")


def told(case: Case) -> list[str]:
    """Load a case in the present folder, and return what is told of it."""
    for name, content in case.files.items():
        Path(name).write_text(content)
    try:
        load(MAIN, kinds=kinds(), environment=ENVIRONMENT)
    except FileInvalid as error:
        return [str(each).removeprefix(f"{MAIN}:") for each in error.problems]
    finally:
        for name in case.files:
            Path(name).unlink()
    return []


CASES = list(cases())
