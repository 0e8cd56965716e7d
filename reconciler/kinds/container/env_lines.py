"""Lines of `NAME=value` as Compose reads them, those of `.env` and of an `env_file`; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_QUOTES = r"""'(?P<single>(?:[^'\\]++|\\'|\\)*+)' | "(?P<double>(?:[^"\\]++|\\.)*+)\""""
_REST = rf"""[ \t]*
    (?:[=:][ \t]* (?:{_QUOTES} | (?P<bare>(?!['"])\#?[^\n]*?)))?
    [ \t\r]*(?:(?<=[ \t'"])\#[^\n]*)?(?:\n|\Z)"""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPES = {**_CONTROLS, '"': '"', "\\": "\\", "$": "$$"}
"""What a backslash makes of the next character in double quotes; before any other one it is but a backslash."""


_BEGIN = r"[ \t]*(?:export[ \t]+)?"
_QUOTED = re.compile(rf"""{_BEGIN}[^\s=:'"]+[ \t]*[=:][ \t]*(?:{_QUOTES}|(?P<open>['"]))""", re.VERBOSE | re.DOTALL)
_NAMED = re.compile(rf"^{_BEGIN}([A-Za-z_][A-Za-z0-9_.-]*)", re.MULTILINE)


class WrongLine(ValueError):
    """A line that is none, by its number; from there on nobody knows more than which `names` there may be."""

    def __init__(self, number: int, rest: str) -> None:
        quoted = _QUOTED.match(rest)
        self.number, self.message, self.hint = number, "expected NAME=value", ""
        if quoted and quoted["open"]:
            self.hint = "is a quote left open?"
        elif quoted:
            self.message, self.hint = "there is more after the closing quote", "let one pair of quotes hold it all"
        self.names = frozenset(_NAMED.findall(rest))
        super().__init__(f"line {number}: {self.message}")


def line(name: str) -> re.Pattern[str]:
    """Return the pattern of a line, of names that match a pattern."""
    return re.compile(rf"{_BEGIN}(?P<name>{name}){_REST}", re.VERBOSE | re.DOTALL)


def found(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the number and the parts of each line, but of blank ones and comments; WrongLine at what is none."""
    at, number = 0, 1
    while at < len(text):
        blank = _BLANK.match(text, at)
        match = blank or pattern.match(text, at)
        if not match:
            raise WrongLine(number, text[at:])
        if not blank:
            yield number, match
        number += match[0].count("\n")
        at = match.end()


def literal(match: re.Match[str]) -> str | None:
    """Return a value in single quotes, in which no `$` begins a variable; None of any other."""
    return None if match["single"] is None else match["single"].replace("\\'", "'")


def open_to_variables(match: re.Match[str]) -> str | None:
    """Return a value in which variables are still to be replaced; None where a name has no value."""
    return match["bare"] if match["double"] is None else _ESCAPE.sub(_unescaped, match["double"])


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[0])
