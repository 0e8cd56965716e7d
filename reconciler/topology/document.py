"""A topology file, read and found to be as the schema wants it; every place in it known."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.errors import FileInvalid, Position, Problem
from reconciler.topology.combine import defaulted
from reconciler.topology.cut import incomplete
from reconciler.topology.include import STANDARD_INPUT, Reader
from reconciler.topology.schema import schema_text
from reconciler.topology.tree import Node, find, plain, written


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file and of all that it includes, with the place of every value."""

    data: dict[str, Any]
    """Plain values, all as the schema wants them: what is wrong was left out; an entry that says nothing is {}."""
    path: str
    """The file as it was named, "-" for standard input."""
    digest: str
    """SHA-256 of the bytes of all files that went in, included ones and `.env` among them."""
    root: Node = field(repr=False, compare=False)
    problems: tuple[Problem, ...] = ()
    """What was wrong, in whatever file."""

    def position(self, pointer: Sequence[str | int]) -> Position:
        """Return where a value stands, or the nearest around it: a scalar itself, the key of anything longer."""
        return find(self.root, pointer).position

    def problem(self, pointer: Sequence[str | int], message: str, hint: str = "") -> Problem:
        """Make a problem of a value."""
        return Problem(self.position(pointer), written(self.root, pointer), message, hint)

    def incomplete(self, pointer: Sequence[str | int]) -> bool:
        """Tell whether something that was wrong is missing at a place, below it, or with all around it."""
        return bool(self.problems) and incomplete(self.root, pointer)

    def directory(self, pointer: Sequence[str | int]) -> Path:
        """Return the folder against which a path at that place is resolved: that of the file which says it."""
        return find(self.root, pointer).origin.folder


def read(path: str, *, environment: Mapping[str, str], name: str | None = None) -> Document:
    """Read a topology file ("-" is standard input) and what it includes; FileInvalid if nothing can be made of it."""
    reader = Reader(environment)
    with _no_garbage_collection():
        root = reader.read(path, name=name)
        if root is None:
            raise FileInvalid(reader.problems)
        return Document(plain(root), path, reader.digest.hexdigest(), root, tuple(reader.problems))


def with_defaults(document: Document) -> Document:
    """Return the document with its `defaults` in every container and namespace that is not external."""
    if "defaults" not in document.data and not document.incomplete(("defaults",)):
        return document
    root = defaulted(document.root)
    return replace(document, data=plain(root), root=root)


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


__all__ = ["STANDARD_INPUT", "Document", "read", "schema_text", "with_defaults"]
