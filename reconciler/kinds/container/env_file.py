"""A file with environment variables, as Compose reads it; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.kinds.container import env_lines
from reconciler.kinds.interpolate import Lookup, Unresolved, interpolate

Variable = tuple[str, str | None, int]
"""A name, its value, None where it has none, and the number of its line."""
_LINE = env_lines.line(r"[^\s=:\#]+")
_RAW = re.compile(r"[ \t]*(?P<name>[^\s=#][^\s=]*)(?:=(?P<value>[^\n]*?))?\r?(?:\n|\Z)")


def parsed(text: str, lookup: Lookup) -> Iterator[Variable]:
    """Yield the variables of a file; a ValueError with the line that is wrong, and with nothing of its value.

    Where a value is not in single quotes `$NAME` stands for what `lookup` says, else for what an earlier line says.
    """
    known: dict[str, str] = {}

    def seen(name: str) -> str | None:
        found = lookup(name)
        return known.get(name) if found is None else found

    for number, line in env_lines.found(text, _LINE):
        try:
            value = _value(line, seen)
        except Unresolved as error:
            raise ValueError(f"line {number}: {error.discreet}") from error
        yield line["name"], value, number
        if value is not None:
            known[line["name"]] = value


def raw(text: str) -> Iterator[Variable]:
    """Yield the variables of a file in which every character of a value stands for itself."""
    return ((line["name"], line["value"], number) for number, line in env_lines.found(text, _RAW))


def _value(line: re.Match[str], lookup: Lookup) -> str | None:
    literal, value = env_lines.literal(line), env_lines.open_to_variables(line)
    return literal if value is None else interpolate(value, lookup)
