"""A topology and the files that it includes, as one tree."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.errors import FileInvalid, Position, Problem
from reconciler.kinds.interpolate import Lookup
from reconciler.kinds.reading import is_stream, located, read_file, read_stream
from reconciler.model import STANDARD_INPUT
from reconciler.secret import Secret, alike, publish
from reconciler.topology.combine import merge
from reconciler.topology.dotenv import Variables
from reconciler.topology.schema import adapt, schema
from reconciler.topology.tree import ANYTHING, Builder, Node, Origin
from reconciler.topology.yaml12 import compose

_SHOWN_INPUT = "<stdin>"


class Reader:
    """Reads a file and what it includes; notes every problem, path and `.env`, and digests every byte."""

    def __init__(self, environment: Mapping[str, str], opened: set[str], *, lasting: bool = False) -> None:
        self.opened, self._lasting = opened, lasting
        self.problems: list[Problem] = []
        self.variables: list[Variables] = []
        self.digest = hashlib.sha256()
        self._environment = environment
        self._trail: list[str] = []
        self._shown: list[str] = []
        self._done: set[str] = set()
        self._missing = False
        self._contents: dict[str, bytes | None] = {}

    def given(self, path: str) -> bytes | None:
        """Return the main file's content, which is read once; None, and a problem noted, if it cannot be read."""
        self._opening(path)
        if path not in self._contents:
            self._contents[path] = self._content(path, _whole(_shown(path)))
        return self._contents[path]

    def read(self, path: str, *, name: str | None) -> Node | None:
        """Read the main file; its name is the one given, if any."""
        shown = _shown(path)
        root = self._file(path, self._environment.get, blamed=_whole(shown), name=name)
        if root and "name" not in root.value and "name" not in root.cut:
            self._note(_whole(shown), "'name' is missing", "e.g. name: lab")
        if root and self._missing:
            root.cut = ANYTHING
        return root

    def _file(self, path: str, environment: Lookup, *, blamed: Problem, name: str | None = None) -> Node | None:
        target = os.path.realpath(path)
        self._opening(path)
        if target in self._trail:
            circle = " → ".join([*self._shown[self._trail.index(target) :], path])
            self._note(blamed, f"a file includes itself: {circle}")
            return None
        if target in self._done:
            return None
        content = self._content(path, blamed) if self._trail else self.given(path)
        if content is None:
            self._missing = True
            return None
        self._done.add(target)
        self._trail.append(target)
        self._shown.append(path)
        root = self._parsed(path, content, environment, name)
        self._missing |= root is None
        self._trail.pop()
        self._shown.pop()
        return root

    def _opening(self, path: str) -> None:
        """Note a file and the `.env` beside it; where a problem lies is told though a password stands in the path."""
        files = (path, alike(_beside(path, ".env"), path))
        self.opened.update(map(str.__str__, files))
        publish(each if isinstance(each, Secret) else f"{each}:" for each in files)

    def _content(self, path: str, blamed: Problem) -> bytes | None:
        try:
            return read_file(located(path)) if self._trail or self._lasting else _given(path)
        except FileNotFoundError:
            self._note(blamed, f"there is no file {path!r}")
        except IsADirectoryError:
            self._note(blamed, f"{path!r} is a folder, not a file")
        except OSError as error:
            self._note(blamed, f"cannot read {path!r}: {error.strerror}")
        return None

    def _parsed(self, path: str, content: bytes, environment: Lookup, name: str | None) -> Node | None:
        """Make a file's tree, with what it includes."""
        variables = beside(path, environment)
        self.variables.append(variables)
        root = self._tree(content, Origin(_shown(path), folder(path), variables), name)
        self.digest.update(content)
        if root:
            self._include(root, path, variables)
        self.digest.update(variables.content)
        self.problems += variables.problems
        return root

    def _tree(self, content: bytes, origin: Origin, name: str | None) -> Node | None:
        """Parse a file and check it against the schema."""
        from reconciler.topology.cut import sound

        try:
            node, count = compose(content, origin.path)
        except FileInvalid as error:
            self.problems += error.problems
            return None
        if node is None:
            self._note(_whole(origin.path), "the file is empty", "e.g. name: lab")
            return None
        builder = Builder(origin, count=count, size=len(content))
        root = builder.build(node)
        if name is not None and isinstance(root.value, dict):
            root.value["name"] = Node(name, origin, 1, 1)
        adapt(root, schema())
        self.problems += (*builder.problems, *sound(root))
        return root if isinstance(root.value, dict) else None

    def _include(self, root: Node, path: str, environment: Lookup) -> None:
        node = root.value.pop("include", None)
        self._missing |= "include" in root.cut or bool(node and node.cut)
        for entry in node.value if node and isinstance(node.value, list) else [node]:
            if entry and entry.value:
                pointer = "include" if entry is node else f"include[{entry.index}]"
                blamed = Problem(entry.position, pointer, "")
                other = alike(_beside(path, entry.value), entry.value)
                included = self._file(other, environment, blamed=blamed)
                if included:
                    self.problems += merge(root, included)

    def _note(self, blamed: Problem, message: str, hint: str = "") -> None:
        self.problems.append(replace(blamed, message=message, hint=hint))


def folder(path: str) -> Path:
    """Return the folder of the paths in a file; what comes through a pipe is from here."""
    return Path().absolute() if is_stream(path) else located(path).absolute().parent


def beside(path: str, environment: Lookup) -> Variables:
    """Return what variables mean in a file: what the environment says, else the `.env` beside it."""
    return Variables(environment, folder(path), _beside(path, ".env"))


def _shown(path: str) -> str:
    """Return a file's path as messages show it."""
    return _SHOWN_INPUT if path == STANDARD_INPUT else path


def _given(path: str) -> bytes:
    """Read what a person names, which may be a pipe."""
    if path == STANDARD_INPUT:
        return read_stream(sys.stdin.buffer, _SHOWN_INPUT)
    with Path(path).open("rb") as file:
        return read_stream(file, path)


def _whole(path: str) -> Problem:
    """Return what blames a file as a whole."""
    return Problem(Position(path, 1, 1), "", "")


def _beside(path: str, other: str) -> str:
    """Return a path that is relative to a file, written as the user writes it."""
    folder = "" if is_stream(path) else os.path.dirname(path)  # noqa: PTH120 - as below
    return os.path.normpath(os.path.join(folder, other))  # noqa: PTH118 - Path cannot
