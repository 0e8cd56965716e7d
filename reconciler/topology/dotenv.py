"""The file `.env` beside a topology: variables for what the environment does not set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.errors import Position, Problem
from reconciler.kinds.interpolate import Lookup, Unresolved, interpolate
from reconciler.kinds.reading import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*
    (?:[=:][ \t]*(?:'(?P<single>(?:\\'|[^'])*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>(?!['"])[^\n]*?)))?
    [ \t\r]*(?:(?<=[ \t'"])\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}


class Variables:
    """What `$NAME` stands for: what the environment says, else the `.env` of a folder, read when first needed."""

    def __init__(self, environment: Lookup, folder: Path, shown: str) -> None:
        self.problems: list[Problem] = []
        self.content = b""
        """The bytes of `.env`, once a variable was taken from it."""
        self._environment, self._folder, self._shown = environment, folder, shown
        self._bytes = b""
        self._values: dict[str, str] | None = None

    def __call__(self, name: str) -> str | None:
        """Return the value of a variable, None if it is not set."""
        value = self._environment(name)
        if value is not None:
            return value
        values = self._file()
        if name in values:
            self.content = self._bytes
        return values.get(name)

    def _file(self) -> dict[str, str]:
        if self._values is None:
            self._values = {}
            try:
                self._bytes = read_file(self._folder / ".env")
                self._parse(self._bytes.decode("utf-8-sig"), self._values)
            except FileNotFoundError:
                pass
            except OSError as error:
                self._problem(1, f"cannot read it: {error.strerror}")
            except UnicodeDecodeError:
                self._problem(1, "this is not UTF-8", "save the file as UTF-8")
        return self._values

    def _parse(self, text: str, values: dict[str, str]) -> None:
        at, number = 0, 1
        while at < len(text):
            found = _BLANK.match(text, at) or _LINE.match(text, at)
            if not found:
                self._problem(number, "expected NAME=value", "is a quote left open?")
                return
            at = found.end()
            if found.re is _LINE:
                self._assign(found, number, values)
            number += found[0].count("\n")

    def _assign(self, line: re.Match[str], number: int, values: dict[str, str]) -> None:
        if line["single"] is not None:
            values[line["name"]] = line["single"].replace("\\'", "'")
            return
        raw = line["bare"] if line["double"] is None else _ESCAPE.sub(_unescaped, line["double"])
        if raw is None:  # a NAME alone asks for the environment's, which was asked already
            return
        try:
            values[line["name"]] = interpolate(raw, self)
        except Unresolved as error:
            self._problem(number, error.message, error.hint)

    def _problem(self, line: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(Position(self._shown, line, 1), "", message, hint))


class Beside:
    """What variables stand for in a folder: in the environment, in the main file's `.env`, in that of the folder."""

    def __init__(self, environment: Mapping[str, str], main: Path, shown: str) -> None:
        self._main = Variables(environment.get, main, shown)
        self._folders = {main: self._main}

    def __call__(self, folder: Path, name: str) -> str | None:
        """Return the value of a variable in a folder, None if it is not set."""
        if folder not in self._folders:
            self._folders[folder] = Variables(self._main, folder, str(folder / ".env"))
        return self._folders[folder](name)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with these files, as far as they were asked."""
        return [problem for each in self._folders.values() for problem in each.problems]


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[1])
