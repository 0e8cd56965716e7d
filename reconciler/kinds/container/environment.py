"""Environment variables: from `environment`, from files, and inherited; pure but for reading files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.kinds import units
from reconciler.kinds.entry import Entry
from reconciler.kinds.reading import read_file
from reconciler.kinds.room import Room
from reconciler.kinds.source import Source, home
from reconciler.model import FrozenMap
from reconciler.secret import Secret, veiled

_Lines = Mapping[str, tuple[str | None, int]]
"""The value of each name, and the number of its line."""
_LARGEST = 1 << 20
"""How many bytes an `env_file` may have: half of what a process is started with at most (execve(2), ARG_MAX)."""
_MOST = 400_000
"""How many variables all `env_file`s of a file may say, each as often as it is named; so much text counts as one."""
_PIECE = 32
_BEHIND = re.compile(r"[^\w.-].*", re.DOTALL)
"""What is not told of an entry that should be a name: a value may stand there, where `=` was misspelt."""
_DOLLAR = "set the variable, write $$ for a plain $, or say `format: raw`"


def environment(entry: Entry) -> FrozenMap[str]:
    """Read `env_file`, all secret, and `environment`, which wins and is secret as its names or values say so."""
    found: dict[str, str] = {}
    for number, each in entry.items("env_file"):
        found |= _given(entry, number, each)
    said = entry.get("environment")
    places = {name: ("environment", step) for name, step in units.steps(said).items()}
    declared = _inherited(entry, units.mapping(said), places)
    return FrozenMap(found | {name: veiled(name, value) for name, value in declared.items()})


def _inherited(
    entry: Entry, found: Mapping[str, str | None], places: Mapping[str, tuple[str, str | int]]
) -> dict[str, str]:
    """Give the names without a value that of the environment."""
    values: dict[str, str] = {}
    if "" in found:
        entry.problem(places[""], "a variable without a name", "write NAME=value")
    for name, value in found.items():
        inherited = entry.source.variable(entry.pointer(*places[name]), name) if value is None else value
        if inherited is None:
            told = _BEHIND.sub("", name)
            empty = f'{told}: ""' if places[name][1] == name else f"{told}="
            message = f"{told or 'this'} has no value, and the environment has none either"
            entry.problem(places[name], message, f"set it, or write {empty}" if told else "write NAME=value")
        elif why := _unfit(name, inherited):
            entry.problem(places[name], f"{name!r}: {why[0]}", why[1])
        else:
            values[name] = inherited
    return values


def _unfit(name: str, value: str) -> tuple[str, str] | None:
    """Say why no process can have a variable; the engine takes it, and it never rests, or the container never starts.

    What is no UTF-8 in our own environment has become surrogates (PEP 383).
    """
    if "=" in name or "\0" in name:
        return "its name has a '=' or NUL in it", "call it otherwise"
    if "\0" in value:
        return "its value has a NUL in it", "take that out"
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        return "its value is not UTF-8", "encode it, e.g. in base64"
    return None


def _given(entry: Entry, number: int, each: str | Mapping[str, str | bool]) -> dict[str, Secret]:
    """Read a file, and give what has no value there that of the environment; of a line only its number is told."""
    values: dict[str, Secret] = {}
    for name, (value, line) in _file(entry, number, each).items():
        found = entry.source.variable(entry.pointer("env_file", number), name) if value is None else value
        if found is None:
            wrong = "it has no value, and the environment has none for it either"
            why: tuple[str, str] | None = wrong, "write NAME=value, or NAME= for an empty one"
        else:
            values[name], why = Secret(found), _unfit(name, found)
        if why:
            file = str(each["path"]) if isinstance(each, Mapping) else each
            entry.problem(("env_file", number), f"{file!r}: line {line}: {why[0]}", why[1])
    return values


def _file(entry: Entry, number: int, each: str | Mapping[str, str | bool]) -> _Lines:
    name = str(each["path"]) if isinstance(each, Mapping) else each
    try:
        path = entry.source.directory(entry.pointer("env_file", number)) / home(name)
        entry.source.opened.add(str(path))
        return _variables(entry, read_file(path, _LARGEST).decode("utf-8-sig"), each)
    except FileNotFoundError:
        if isinstance(each, Mapping) and each.get("required") is False:
            return {}
        entry.problem(("env_file", number), f"there is no file {name!r}")
    except OSError as error:
        entry.problem(("env_file", number), f"cannot read {name!r}: {error.strerror}")
    except UnicodeDecodeError:
        entry.problem(("env_file", number), f"{name!r} is not UTF-8", "save the file as UTF-8")
    except ValueError as error:
        entry.problem(("env_file", number), f"{name!r}: {error}", _DOLLAR if error.__cause__ else "")
    return {}


def _variables(entry: Entry, text: str, each: str | Mapping[str, str | bool]) -> _Lines:
    """Read a file's variables; what stands for what is asked of the environment, then of the entry's own."""
    from reconciler.kinds.container import env_file

    room = entry.source.once(_room)
    if not room.takes(len(text) // _PIECE):
        return {}
    own = units.mapping(entry.get("environment"))
    at = entry.pointer("env_file")

    def known(name: str) -> str | None:
        found = entry.source.variable(at, name)
        return own.get(name) if found is None else found

    as_it_is = isinstance(each, Mapping) and each.get("format") == "raw"
    lines = list(env_file.raw(text) if as_it_is else env_file.parsed(text, known))
    return {name: (value, line) for name, value, line in lines} if room.takes(len(lines)) else {}


def _room(_: Source) -> Room:
    return Room(_MOST, f"with this there are more than {_MOST} variables in what `env_file` names, each time counted")


def of_engine(variables: list[str] | None) -> dict[str, str]:
    """Read Env; a bare name, which unsets, has an empty value."""
    return {name: value for name, _, value in (each.partition("=") for each in variables or ())}
