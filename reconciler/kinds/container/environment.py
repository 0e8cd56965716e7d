"""Environment variables: from `environment`, from files, and inherited; pure but for reading files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.kinds import units
from reconciler.kinds.entry import Entry
from reconciler.kinds.source import home
from reconciler.model import FrozenMap

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[^\s=\#]+)[ \t]*
    (?:(?P<equals>=)[ \t]*(?:'(?P<single>[^']*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>(?!['"])[^\n]*?)))?
    [ \t\r]*(?:(?<=[ \t'"])\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def environment(entry: Entry) -> FrozenMap[str]:
    """Read `env_file` and `environment`, which wins."""
    found: dict[str, str] = {}
    for number, each in entry.items("env_file"):
        found |= _inherited(entry, ("env_file", number), _file(entry, number, each))
    return FrozenMap(found | _inherited(entry, ("environment",), units.mapping(entry.get("environment"))))


def _inherited(entry: Entry, path: tuple[str | int, ...], found: Mapping[str, str | None]) -> dict[str, str]:
    """Give the names without a value that of the environment."""
    values: dict[str, str] = {}
    for name, value in found.items():
        inherited = entry.source.environment.get(name) if value is None else value
        if inherited is None:
            entry.problem(
                path, f"{name} has no value, and the environment has none either", f"set it, or write {name}="
            )
        else:
            values[name] = inherited
    return values


def _file(entry: Entry, number: int, each: str | Mapping[str, str | bool]) -> Mapping[str, str | None]:
    name = str(each["path"]) if isinstance(each, Mapping) else each
    try:
        path = entry.source.directory(entry.pointer("env_file", number)) / home(name)
        return dict(parsed(path.read_bytes().decode("utf-8-sig")))
    except FileNotFoundError:
        if isinstance(each, Mapping) and each.get("required") is False:
            return {}
        entry.problem(("env_file", number), f"there is no file {name!r}")
    except OSError as error:
        entry.problem(("env_file", number), f"cannot read {name!r}: {error.strerror}")
    except ValueError as error:
        entry.problem(("env_file", number), f"{name!r}: {error}")
    return {}


def parsed(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the variables of a file, None where a name has no value; a ValueError with the line that is wrong."""
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        found = blank or _LINE.match(text, at)
        if not found:
            raise ValueError(f"line {text.count(chr(10), 0, at) + 1}: expected NAME=value")
        if not blank:
            yield found["name"], _value(found)
        at = found.end()


def _value(line: re.Match[str]) -> str | None:
    if line["single"] is not None:
        return line["single"]
    if line["double"] is not None:
        return _ESCAPE.sub(lambda each: _ESCAPES.get(each[1], each[1]), line["double"])
    return line["bare"] if line["equals"] else None


def of_engine(variables: list[str] | None) -> dict[str, str]:
    """Read Env; a bare name, which unsets, has an empty value."""
    return {name: value for name, _, value in (each.partition("=") for each in variables or ())}
