"""From a file to the desired topology: read, validate, parse, check what the schema cannot say."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from reconciler.errors import FileInvalid, Position, Problem, Usage
from reconciler.kinds.base import Kind
from reconciler.kinds.reading import is_stream
from reconciler.kinds.source import Source
from reconciler.model import DEFAULT_FILE, STANDARD_INPUT, Topology
from reconciler.secret import publish
from reconciler.topology import check
from reconciler.topology.document import read, with_defaults
from reconciler.topology.include import folder

_NAMELESS = "topology"
"""What a file is called whose own name is wrong, while the rest of it is looked at."""


def load(
    path: str | Path = DEFAULT_FILE,
    *,
    kinds: Mapping[str, Kind],
    name: str | None = None,
    environment: Mapping[str, str] | None = None,
    opened: set[str] | None = None,
    lasting: bool = False,
) -> Topology:
    """Read a topology file ("-" is standard input); FileInvalid with every problem at once if it is wrong.

    `opened` is given the paths of all files that were looked for, also where they are wrong, or are not there. One that
    is to be `lasting` is no pipe, which is read once, and waited for.
    """
    variables = os.environ if environment is None else environment
    with _no_garbage_collection():
        return _loaded(path, kinds, name, variables, set() if opened is None else opened, lasting=lasting)


def _loaded(
    path: str | Path,
    kinds: Mapping[str, Kind],
    name: str | None,
    variables: Mapping[str, str],
    opened: set[str],
    *,
    lasting: bool,
) -> Topology:
    if not str(path):
        raise Usage("the name of the file is empty: name one, or leave it out")
    opened.add(str(path))
    insist_on_a_folder(path)
    real = os.path.realpath(path)
    publish((real, os.path.dirname(real), str(folder(str(path)))))  # noqa: PTH120 - Path cannot without an error
    document = with_defaults(read(str(path), environment=variables, name=name, opened=opened, lasting=lasting))
    where = STANDARD_INPUT if is_stream(str(path)) else _whole(path)
    title = document.data.get("name", _NAMELESS)
    source = Source(document, name=title, path=where, opened=opened)
    resources = [each for kind in kinds.values() for each in kind.parse(source)]
    publish((title, *(word for each in resources for word in kinds[each.key.kind].public(each))))
    asked_late = (problem for each in document.variables for problem in each.problems)
    source.problems += (*document.problems, *asked_late, *check.problems(resources, source))
    if source.problems:
        raise FileInvalid({_what(each): each for each in reversed(source.problems)}.values())
    source.forget()
    by_key = {each.key: each for each in sorted(resources, key=lambda each: each.key)}
    return Topology(source.name, MappingProxyType(by_key), source=where, digest=document.digest)


def insist_on_a_folder(path: str | Path) -> None:
    """Refuse, as FileInvalid, a path that starts at the current directory where that is gone."""
    if not Path(path).is_absolute():
        try:
            Path.cwd()
        except OSError as error:
            hint = "change to one that is there"
            problem = Problem(Position(str(path), 1, 1), "", f"the current directory: {error.strerror}", hint)
            raise FileInvalid([problem]) from error


def _whole(path: str | Path) -> str:
    """The whole path of a file, which marks and saved plans hold."""
    found = str(Path(path).resolve())
    told = found.encode(errors="replace").decode()
    if told != found:
        raise FileInvalid([Problem(Position(told, 1, 1), "", "its path is not UTF-8", "rename the file or its folder")])
    return found


def _what(problem: Problem) -> tuple[Position, str, str, str]:
    """What a problem is, whichever entry has it: what is wrong with a default is so in all of them."""
    section, *entry = problem.pointer.split(".", 2)
    return problem.position, problem.message, section, "".join(entry[1:] or entry)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector from walking a growing tree again and again: half of the time for a large file."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
