"""What is wrong is left out of a tree, so that the rest can be read; that something is missing is remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from reconciler.errors import Position, Problem
from reconciler.topology.tree import ANYTHING, Node, below, children, find
from reconciler.topology.violations import MOST, Place, violations

_DECISIVE = frozenset(("external", "namespace"))
"""An entry for which one of these is said, but not known, may be quite another thing."""


def sound(root: Node) -> list[Problem]:
    """Leave out of a file's tree all that is wrong with it; return the problems that are not told already."""
    if root.broken:
        root.cut = ANYTHING
        root.broken = False
    _leave_out(root, _broken(root, ()))
    found = violations(root)
    problems = [each.problem for each in found if not each.follows]
    if len(found) >= MOST:
        root.value, root.cut = {}, {**ANYTHING, "name": None}
        where = Position(root.origin.path, root.line, root.column)
        problems.append(Problem(where, "", f"more is wrong than is told: these are {len(problems)} of it"))
    while found and isinstance(root.value, dict) and root.value:
        for each in found:
            around = find(root, each.around)
            around.cut = {**dict.fromkeys(each.meant), **around.cut}
        _leave_out(root, [place for each in found for place in each.places])
        found = violations(root)
    _leave_out(root, list(_undecided(root)))
    return problems


def incomplete(root: Node, pointer: Sequence[str | int]) -> bool:
    """Tell whether something was left out at a place or below it; or around it, if nothing stands there."""
    node, cut, unknown = root, False, False
    for step in pointer:
        unknown = unknown or cut or ANYTHING.items() <= node.cut.items()
        child = below(node, step)
        cut = _is_cut(node, step, child)
        if child is None:
            return unknown or cut
        node = child
    return cut or _lacks(node)


def _is_cut(node: Node, step: str | int, child: Node | None) -> bool:
    """Tell whether what stands at a place is not all of it; what is left of a list has other numbers than it had."""
    return bool(node.cut) and child is None if isinstance(node.value, list) else step in node.cut


def _lacks(node: Node) -> bool:
    return bool(node.cut) or any(_lacks(child) for _, child in children(node))


def _leave_out(root: Node, places: Iterable[Place]) -> None:
    parents: dict[int, Node] = {}
    lost: dict[int, dict[str | int, Node | None]] = defaultdict(dict)
    for place in filter(None, places):
        parent, step = find(root, place[:-1]), place[-1]
        parents[id(parent)] = parent
        lost[id(parent)][step] = below(parent, step)
    for number, parent in parents.items():
        parent.cut = {**parent.cut, **lost[number]}
        if isinstance(parent.value, list):
            parent.value = [child for step, child in enumerate(parent.value) if step not in lost[number]]
        else:
            parent.value = {name: child for name, child in parent.value.items() if name not in lost[number]}


def _broken(node: Node, place: Place) -> list[Place]:
    if node.broken:
        return [place]
    return [each for step, child in children(node) for each in _broken(child, (*place, step))]


def _undecided(root: Node) -> Iterator[Place]:
    for section, entries in children(root):
        yield from ((section, name) for name, each in children(entries) if each.cut.keys() & _DECISIVE)
