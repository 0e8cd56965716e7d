"""The file `.env` beside a topology: variables for what the environment does not set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Position, Problem
from reconciler.kinds.interpolate import Lookup, ToldAlready, Unresolved, interpolate
from reconciler.kinds.reading import read_file
from reconciler.secret import looks_secret

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "[A-Za-z_][A-Za-z0-9_.-]*"


class Variables:
    """What `$NAME` stands for: what the environment says, else the `.env` of a folder, read when first needed."""

    def __init__(self, environment: Lookup, folder: Path, shown: str) -> None:
        self.problems: list[Problem] = []
        self.content = b""
        """The bytes of `.env`, once a variable was taken from it."""
        self._environment, self._folder, self._shown = environment, folder, shown
        self._bytes = b""
        self._unknown: set[str] = set()
        """What nobody knows since something is wrong with its lines in `.env`."""
        self._is_unread = False
        self._values: dict[str, str] | None = None

    def __call__(self, name: str) -> str | None:
        """Return the value of a variable, None if it is not set; ToldAlready if what would say so is wrong."""
        value = self._environment(name)
        if value is not None:
            return value
        values = self._file()
        if self._is_unread or name in self._unknown:
            raise ToldAlready
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
                self._unread(f"cannot read it: {error.strerror}")
            except UnicodeDecodeError:
                self._unread("this is not UTF-8", "save the file as UTF-8")
        return self._values

    def _parse(self, text: str, values: dict[str, str]) -> None:
        from reconciler.kinds.container import env_lines

        try:
            for number, line in env_lines.found(text, env_lines.line(_NAME)):
                literal, value = env_lines.literal(line), env_lines.open_to_variables(line)
                self._assign(line["name"], literal, value, number, values)
        except env_lines.WrongLine as error:
            self._problem(error.number, error.message, error.hint)
            self._unknown |= error.names - values.keys()

    def _assign(self, name: str, literal: str | None, value: str | None, number: int, values: dict[str, str]) -> None:
        if literal is not None:
            values[name] = literal
        elif value is not None:  # a NAME alone asks for the environment's, which was asked already
            try:
                values[name] = interpolate(value, self)
            except Unresolved as error:
                self._unknown |= {name}
                if not isinstance(error, ToldAlready):
                    self._problem(number, *error.told(secretive=looks_secret(name)))

    def _unread(self, message: str, hint: str = "") -> None:
        self._is_unread = True
        self._problem(1, message, hint)

    def _problem(self, line: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(Position(self._shown, line, 1), "", message, hint))
