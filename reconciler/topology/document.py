"""A topology file, read and found to be as the schema wants it; every place in it known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.errors import FileInvalid, Position, Problem
from reconciler.kinds.interpolate import ToldAlready
from reconciler.topology.combine import PLACED, PLAIN, defaulted
from reconciler.topology.dotenv import Variables
from reconciler.topology.include import Reader, beside, folder
from reconciler.topology.quick import quick
from reconciler.topology.tree import Node, find, plain, written
from reconciler.value import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file and of all that it includes, with the place of every value."""

    data: dict[str, Any]
    """Plain values, all as the schema wants them: what is wrong was left out; an entry that says nothing is {}."""
    path: str
    """The file as it was named, "-" for standard input."""
    digest: str
    """SHA-256 of the bytes of all files that went in, included ones and `.env` among them."""
    tree: Callable[[], Node] = field(repr=False, compare=False)
    """Makes the tree with the places, which a file of which nothing is to be told does without."""
    problems: tuple[Problem, ...] = ()
    """What was wrong, in whatever file."""
    folder: Path | None = None
    """The folder of all paths, if there is but one."""
    variables: Sequence[Variables] = field(default=(), repr=False, compare=False)
    """What variables mean in each file, that of the main one first."""

    def position(self, pointer: Sequence[str | int]) -> Position:
        """Return where a value stands, or the nearest around it: a scalar itself, the key of anything longer."""
        return find(self.tree(), pointer).position

    def problem(self, pointer: Sequence[str | int], message: str, hint: str = "") -> Problem:
        """Make a problem of a value."""
        return Problem(self.position(pointer), written(self.tree(), pointer), message, hint)

    def incomplete(self, pointer: Sequence[str | int]) -> bool:
        """Tell whether something that was wrong is missing at a place, below it, or with all around it."""
        if not self.problems:
            return False
        from reconciler.topology.cut import incomplete

        return incomplete(self.tree(), pointer)

    def directory(self, pointer: Sequence[str | int]) -> Path:
        """Return the folder against which a path at that place is resolved: that of the file which says it."""
        return self.folder or find(self.tree(), pointer).origin.folder

    def variable(self, pointer: Sequence[str | int], name: str) -> str | None:
        """Return what a variable stands for at a place: what the file which says it would make of it.

        What nobody knows, which has been told, is empty.
        """
        try:
            return (self.variables[0] if self.folder else find(self.tree(), pointer).origin.variables)(name)
        except ToldAlready:
            return ""


def read(
    path: str,
    *,
    environment: Mapping[str, str],
    name: str | None = None,
    opened: set[str] | None = None,
    lasting: bool = False,
) -> Document:
    """Read a topology file ("-" is standard input) and what it includes; FileInvalid if nothing can be made of it.

    `opened` is given the paths of all files that were looked for; one that is to be `lasting` is no pipe.
    """
    reader = Reader(environment, set() if opened is None else opened, lasting=lasting)
    content = reader.given(path)
    data = None if content is None else quick(content, name=name)
    if data is None or content is None:
        return _with_places(path, reader, name)
    tree = cache(lambda: _root(path, reader, name))
    digest, variables = hashlib.sha256(content).hexdigest(), [beside(path, environment.get)]
    return Document(data, path, digest, tree, folder=folder(path), variables=variables)


def _with_places(path: str, reader: Reader, name: str | None) -> Document:
    root = _root(path, reader, name)
    digest, problems = reader.digest.hexdigest(), tuple(reader.problems)
    return Document(plain(root), path, digest, lambda: root, problems, variables=reader.variables)


def _root(path: str, reader: Reader, name: str | None) -> Node:
    root = reader.read(path, name=name)
    if root is None:
        raise FileInvalid(reader.problems)
    return root


def with_defaults(document: Document) -> Document:
    """Return the document with its `defaults` in every container and namespace that is not external."""
    if "defaults" not in document.data and not document.incomplete(("defaults",)):
        return document
    tree = cache(lambda: defaulted(document.tree(), PLACED))
    data = defaulted(document.data, PLAIN) if document.folder else plain(tree())
    return replace(document, data=data, tree=tree)
