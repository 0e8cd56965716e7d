"""The lines of a file with environment variables, as Compose reads them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.kinds.interpolate import Lookup, Unresolved, interpolate

Variable = tuple[str, str | None]
"""A name and its value, None where it has none."""
_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[^\s=:\#]+)[ \t]*
    (?P<equals>[=:][ \t]*(?:'(?P<single>(?:\\'|[^'])*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>(?!['"])[^\n]*?)))?
    [ \t\r]*(?:(?<=[ \t'"])\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"[ \t]*(?P<name>[^\s=#][^\s=]*)(?:=(?P<value>[^\n]*?))?\r?(?:\n|\Z)")
_BLANK = re.compile(r"[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}


def parsed(text: str, lookup: Lookup) -> Iterator[Variable]:
    """Yield the variables of a file; a ValueError with the line that is wrong, and with nothing of its value.

    Where a value is not in single quotes `$NAME` stands for what `lookup` says, else for what an earlier line says.
    """
    known: dict[str, str] = {}

    def seen(name: str) -> str | None:
        found = lookup(name)
        return known.get(name) if found is None else found

    for number, line in _lines(text, _LINE):
        try:
            value = _value(line, seen)
        except Unresolved as error:
            raise ValueError(f"line {number}: {error.discreet}") from error
        yield line["name"], value
        if value is not None:
            known[line["name"]] = value


def raw(text: str) -> Iterator[Variable]:
    """Yield the variables of a file in which every character of a value stands for itself."""
    return ((line["name"], line["value"]) for _, line in _lines(text, _RAW))


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the number and the parts of each line that is neither blank nor a comment."""
    at, number = 0, 1
    while at < len(text):
        blank = _BLANK.match(text, at)
        found = blank or pattern.match(text, at)
        if not found:
            raise ValueError(f"line {number}: expected NAME=value")
        if not blank:
            yield number, found
        number += found[0].count("\n")
        at = found.end()


def _value(line: re.Match[str], lookup: Lookup) -> str | None:
    if line["single"] is not None:
        return line["single"].replace("\\'", "'")
    if line["double"] is not None:
        return interpolate(_ESCAPE.sub(lambda each: _ESCAPES.get(each[1], each[1]), line["double"]), lookup)
    return interpolate(line["bare"], lookup) if line["equals"] else None
