"""The content of a file as a tree in which every value knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from reconciler.errors import Position, Problem
from reconciler.kinds.interpolate import ToldAlready, Unresolved, interpolate
from reconciler.secret import Secret, looks_secret, veiled, veiled_within
from reconciler.topology.dotenv import Variables
from reconciler.topology.yaml12 import MAX_DEPTH, PLAIN, TEXT, TOO_DEEP, scalar
from reconciler.value import dataclass

_SCALAR_TAGS = frozenset(f"tag:yaml.org,2002:{each}" for each in ("int", "float", "bool", "null"))
_OTHER_TAGS = frozenset(("", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))
_UNFIT = re.compile("[\0\ud800-\udfff]")
"""What no argument of a process can hold: NUL, and bytes of the environment that are not UTF-8."""
Cut = Mapping["str | int", "Node | None"]
"""What was left out of a mapping or list, as far as there was something, by its name or number."""
NOTHING: Cut = MappingProxyType({})
ANYTHING: Cut = MappingProxyType({"*": None})
"""What was left out where nobody knows what that was."""
_ALIASED = 100_000
"""How many values, or pieces of text, aliases and variables may add to those that a file spells out."""
_PIECE = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that took part: its path as messages show it, the folder of the paths in it, and what variables mean."""

    path: str
    folder: Path
    variables: Variables


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place: a mapping or list of nodes, or a scalar.

    `text` is a scalar as it was written, unless quotes say that it is text and nothing else. `index` is where it
    stands in the list of its file. `broken` says that the value is not known; `cut` is what was left out of it.
    """

    value: Any
    origin: Origin
    line: int
    column: int
    text: str | None = None
    key: tuple[int, int] | None = None
    index: int | None = None
    broken: bool = False
    cut: Cut = field(default_factory=lambda: NOTHING)

    @property
    def position(self) -> Position:
        """Where a message about it points to: a scalar itself, the key of anything longer."""
        longer = self.value is None or isinstance(self.value, (dict, list))
        return self.key_position if longer else Position(self.origin.path, self.line, self.column)

    @property
    def key_position(self) -> Position:
        """Where its key stands; its own place if it has none."""
        line, column = self.key or (self.line, self.column)
        return Position(self.origin.path, line, column)


def find(root: Node, pointer: Sequence[str | int]) -> Node:
    """Return the node at a place, or the nearest around it."""
    node = root
    for step in pointer:
        child = below(node, step)
        if child is None:
            break
        node = child
    return node


def below(node: Node, step: str | int) -> Node | None:
    """Return what stands in a mapping or list under a name or number; None if nothing does."""
    if isinstance(node.value, str):
        return None
    try:
        found: Node = node.value[step]
    except (KeyError, IndexError, TypeError):
        return None
    return found


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    """Yield what stands in a mapping or list, with its names or numbers; nothing of a scalar."""
    if isinstance(node.value, dict):
        yield from node.value.items()
    elif isinstance(node.value, list):
        yield from enumerate(node.value)


def written(root: Node, pointer: Sequence[str | int]) -> str:
    """Render a place as `containers.web.ports[0]`, counted as its file counts it, whatever was left out."""
    node: Node | None = root
    steps: list[str | int] = []
    for step in pointer:
        node = below(node, step) if node else None
        steps.append(step if node is None or node.index is None else node.index)
    return dotted(steps)


def plain(node: Node) -> Any:
    """Return the values without their places."""
    value = node.value
    if isinstance(value, dict):
        return {name: plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


def dotted(pointer: Sequence[str | int]) -> str:
    """Render a place as `containers.web.ports[0]`."""
    steps = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in pointer)
    return steps.removeprefix(".")


class Builder:
    """Makes the tree of one file: merges, resolves aliases, variables and scalars, and notes what is wrong."""

    def __init__(self, origin: Origin, *, count: int, size: int) -> None:
        self.problems: list[Problem] = []
        self._origin, self._variables = origin, origin.variables
        self._left = count + size // _PIECE + _ALIASED
        self._given_up: set[str] = set()
        self._trail: list[str | int] = []
        self._around: set[int] = set()
        self._unresolved: set[int] = set()
        self._secret: set[int] = set()

    def build(self, node: yaml.Node) -> Node:
        """Make the tree below a node of the YAML library."""
        self._left -= 1
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        empty = self._node(node, {} if isinstance(node, yaml.MappingNode) else [])
        if self._left < 0:
            return self._spent(node, empty)
        if len(self._around) > MAX_DEPTH:  # by aliases and merges: the composer sees to the rest
            return self._given_up_on(node, empty, TOO_DEEP)
        if node.tag not in _OTHER_TAGS:
            self._unknown_tag(node)
        if id(node) in self._around:
            self._problem(node, "an alias stands inside of what it stands for")
            empty.broken = True
            return empty
        self._around.add(id(node))
        empty.value = self._mapping(node, empty) if isinstance(node, yaml.MappingNode) else self._list(node)
        self._around.remove(id(node))
        return empty

    def _spent(self, node: yaml.Node, empty: Node) -> Node:
        what = "the aliases and variables stand for too much"
        return self._given_up_on(node, empty, what, "name things once, and refer to them")

    def _given_up_on(self, node: yaml.Node, empty: Node, what: str, hint: str = "") -> Node:
        """Leave a node empty for a reason that is told once."""
        if what not in self._given_up:
            self._problem(node, what, hint)
        self._given_up.add(what)
        empty.broken = True
        return empty

    def _list(self, node: yaml.Node) -> list[Node]:
        found = []
        for index, child in enumerate(node.value):
            self._trail.append(index)
            found.append(self.build(child))
            found[-1].index = index
            self._trail.pop()
        return found

    def _mapping(self, node: yaml.Node, made: Node) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: list[yaml.Node] = []
        lines: dict[str, int] = {}
        for key, child in node.value:
            name = key.value
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key, "a key must be text")
            elif name in lines:
                self._duplicate(key, lines[name])
            elif name == "<<" and key.tag == PLAIN:
                lines[name] = key.start_mark.line
                merged.append(child)
            else:
                lines[name] = key.start_mark.line
                own[name] = self._entry(key, child)
        for each in merged:
            made.broken |= not self._merge(each, own)
        return own

    def _entry(self, key: yaml.ScalarNode, child: yaml.Node) -> Node:
        self._trail.append(key.value)
        if isinstance(child, yaml.ScalarNode) and isinstance(veiled(key.value, child.value), Secret):
            self._secret.add(id(child))  # from now on no message has it, and no alias makes it plain
        built = self.build(child)
        if isinstance(built.value, str | int | float) and not isinstance(built.value, bool):
            told = veiled(key.value, str(built.value))
            built.value = told if isinstance(told, Secret) else built.value
        self._trail.pop()
        built.key = (key.start_mark.line + 1, key.start_mark.column + 1)
        return built

    def _duplicate(self, key: yaml.ScalarNode, first: int) -> None:
        self._trail.append(key.value)
        self._problem(key, "this key is given twice", f"first in line {first + 1}")
        self._trail.pop()

    def _merge(self, node: yaml.Node, own: dict[str, Node]) -> bool:
        """Add what `<<` names, and tell whether that could be done; what stands there already stays."""
        whole = True
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                self._problem(part, "'<<' can only merge mappings")
                whole = False
                continue
            built = self.build(part)
            whole &= not built.broken
            for name, child in built.value.items():
                own.setdefault(name, child)
        return whole

    def _scalar(self, node: yaml.ScalarNode) -> Node:
        text, tag = node.value, node.tag
        self._left -= len(text) // _PIECE
        if self._left < 0:
            return self._spent(node, self._node(node, ""))
        text = self._veiled(node, text)
        made = self._node(node, text)
        if "$" in text:
            text = made.text = self._interpolated(node, made)
            self._left -= len(text) // _PIECE
        unfit = _UNFIT.search(text)
        if unfit:
            self._problem(node, f"the character U+{ord(unfit[0]):04X} is not allowed")
            made.broken = True
        if tag == PLAIN or tag in _SCALAR_TAGS:
            found = scalar(text)
            nothing_by_variables = found is None and "$" in node.value  # that is an empty text, as in Compose
            made.value, made.text = (text if nothing_by_variables else found), text
        elif tag != TEXT:
            self._unknown_tag(node)
        return made

    def _veiled(self, node: yaml.ScalarNode, text: str) -> str:
        """Return the text of a scalar as a secret, if it stands under a secret name somewhere or has one in it."""
        return Secret(text) if id(node) in self._secret else veiled_within(text)

    def _interpolated(self, node: yaml.ScalarNode, made: Node) -> str:
        try:
            made.value = self._veiled(node, interpolate(node.value, self._variables))
        except Unresolved as error:
            made.broken = True
            if id(node) not in self._unresolved and not isinstance(error, ToldAlready):
                self._problem(node, *error.told(secretive=isinstance(made.value, Secret)))
            self._unresolved.add(id(node))
        return str(made.value)

    def _node(self, node: yaml.Node, value: Any) -> Node:
        mark = node.start_mark
        return Node(value, self._origin, mark.line + 1, mark.column + 1)

    def _unknown_tag(self, node: yaml.Node) -> None:
        """Note a tag; one under a secret name may be the value itself, which begins with a `!` and needs quotes."""
        if any(isinstance(each, str) and looks_secret(each) for each in self._trail):
            self._problem(node, "unknown tag", "a text that begins with ! needs quotes")
        else:
            self._problem(node, f"unknown tag {_shown(node.tag)!r}")

    def _problem(self, node: yaml.Node, message: str, hint: str = "") -> None:
        mark = node.start_mark
        where = Position(self._origin.path, mark.line + 1, mark.column + 1)
        self.problems.append(Problem(where, dotted(self._trail), message, hint))


def _shown(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
