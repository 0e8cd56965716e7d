"""A plan as lines: one a resource, with its parts under it, and a sum."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from reconciler.diff import unseen
from reconciler.model import Action, Change, Changes, FieldChange, ResourceKey
from reconciler.render.style import PLAIN, Style
from reconciler.render.values import UNSET, Hide, hidden, named, shown, text
from reconciler.secret import MARKER
from reconciler.value import dataclass

_ORDER = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_NARROWEST, _WIDEST = 27, 56
_KEY = re.compile(r"[^\s,]+")
_MARK = "marked"
_FOLLOWS = "  (if {} changed)"


@dataclass(frozen=True)
class Entry:
    """What a person reads as one: a resource, those of its parts that stand in its line, and the others."""

    key: ResourceKey
    action: Action
    within: tuple[Change, ...]
    parts: tuple[Change, ...]


def plan_lines(changes: Changes, *, style: Style = PLAIN) -> list[str]:
    """Render the pending changes and their sum."""
    found = entries(changes)
    return [*_lines(found, style), *_sum(found, changes)]


def change_lines(changes: Iterable[Change], *, style: Style = PLAIN) -> list[str]:
    """Render some changes, without a sum."""
    return _lines(entries([each for each in changes if each.action is not Action.NOOP]), style)


def entries(changes: Iterable[Change]) -> list[Entry]:
    """Gather the pending changes under the resources that they are parts of."""
    every = {each.key: each for each in changes}
    wholes = {str(key): str(each.resource.part_of) for key, each in every.items() if each.resource.spec.within}
    members: dict[ResourceKey, list[Change]] = defaultdict(list)
    for each in every.values():
        if each.action is not Action.NOOP:
            members[_head(each, every)].append(_worded(each, wholes))
    found = [_entry(head, of_it) for head, of_it in members.items()]
    return sorted(found, key=lambda entry: (_ORDER.index(entry.action), entry.key))


def _worded(change: Change, wholes: Mapping[str, str]) -> Change:
    """Name the wholes in a reason, where a person does not know the parts that it is about."""
    reason = _KEY.sub(lambda found: wholes.get(found[0], found[0]), change.reason) if wholes else change.reason
    return replace(change, reason=reason) if reason != change.reason else change


def _head(change: Change, every: Collection[ResourceKey]) -> ResourceKey:
    """The resource in whose entry a change stands: its own where the whole is not in sight, as with the host."""
    whole = change.resource.part_of
    return whole if whole and (whole in every or change.resource.spec.within) else change.key


def _entry(head: ResourceKey, members: Sequence[Change]) -> Entry:
    own = next((each for each in members if each.key == head), None)
    action = own.action if own else Action.UPDATE
    told = [each for each in members if each is not own and _tells(each, action)]
    within = tuple(each for each in told if each.resource.spec.within)
    parts = tuple(each for each in told if not each.resource.spec.within)
    return Entry(head, action, (*within, *((own,) if own else ())), parts)


def _tells(part: Change, whole: Action) -> bool:
    """Tell whether a part's change is more than the consequence of the whole's."""
    if whole is Action.REPLACE:
        return part.action is not Action.REPLACE or bool(part.fields)
    return part.action is not whole or whole is Action.UPDATE


def _lines(found: Sequence[Entry], style: Style) -> list[str]:
    column = _column(found)
    return [line for entry in found for line in _entry_lines(entry, column, style)]


def _column(found: Sequence[Entry]) -> int:
    lengths = [len(named(entry.key)) for entry in found]
    lengths += [len(named(part.key)) + 2 for entry in found for part in entry.parts]
    return max([_NARROWEST, *(each for each in lengths if each <= _WIDEST)]) + 2


def _entry_lines(entry: Entry, column: int, style: Style) -> Iterator[str]:
    said = [words for each in entry.within for words in _said(each, entry, style)]
    yield from _one(entry.action, entry.key, said, column=column, depth=2, style=style)
    for part in sorted(entry.parts, key=lambda each: (_ORDER.index(each.action), each.key)):
        yield from _one(part.action, part.key, _why(part, style), column=column, depth=4, style=style)


def _one(
    action: Action, key: ResourceKey, said: Sequence[str], *, column: int, depth: int, style: Style
) -> Iterator[str]:
    """Render one resource: on one line, or where that is wider than the terminal with a line for each thing said."""
    head = f"{' ' * depth}{style.glyph(action)} "
    told = named(key)
    name = f"{told:<{column + 2 - depth}}" if len(told) + depth < column + 2 else f"{told}  "
    indent, whole = depth + 2 + len(name), ", ".join(said)
    if not style.width or len(said) < 2 or indent + len(whole) <= style.width:  # noqa: PLR2004 - nothing to part
        yield f"{head}{name}{whole}".rstrip()
        return
    first, *rest = [*(f"{each}," for each in said[:-1]), said[-1]]
    yield f"{head}{name}{first}"
    yield from (" " * indent + each for each in rest)


def _said(change: Change, entry: Entry, style: Style) -> list[str]:
    """Say why an entry changes; a part that is made or unmade as a whole is named."""
    falls = entry.action is Action.REPLACE and change.key != entry.key
    why = _why(replace(change, reason="") if falls and change.fields else change, style)
    return why if change.key == entry.key or change.fields else [f"{change.key.kind}: {', '.join(why)}"]


def _why(change: Change, style: Style) -> list[str]:
    """Say why a resource changes, and what of it."""
    defaults = {each.name: each.default for each in fields(change.resource.spec)}
    says = (change.observed or change.resource).spec.said
    differences = (_field(each, says(each.path), defaults.get(each.path), style) for each in change.fields)
    said = [*filter(None, (change.reason, *differences, change.contents))]
    return [*said[:-1], said[-1] + _condition(change)] if said else []


def _field(change: FieldChange, words: str, default: Any, style: Style) -> str:
    return (words or _difference(change, default, style)) + ("  (forces replacement)" if change.forces else "")


def _difference(change: FieldChange, default: Any, style: Style) -> str:
    around, _, name = change.path.rpartition(".")
    if name == _MARK and change.desired:
        return f"{around}: mark missing" if around else "mark missing"
    both = (change.observed, change.desired)
    hide = shown if style.secrets else hidden
    if change.secret and not style.secrets:
        sides = [_side(each if each is None else MARKER, default, hide) for each in both]
    else:
        sides = [_side(each, default, hide) for each in both]
    return f"{change.path}: {' → '.join(sides)}" + (", changed" if sides == [MARKER, MARKER] else "")


def _side(value: Any, default: Any, hide: Hide) -> str:
    """A number or text that says nothing, such as the 0 of no limit, is told as what it is: not set."""
    nothing = value == default and not value and isinstance(value, int | float | str) and not isinstance(value, bool)
    return UNSET if nothing else text(value, hide=hide)


def _condition(change: Change) -> str:
    if not change.if_changed:
        return ""
    roots = [str(each) for each in change.if_changed]
    return _FOLLOWS.format("it" if len(roots) == 1 and roots[0] in change.reason else " or ".join(roots))


def _sum(found: Sequence[Entry], changes: Changes) -> Iterator[str]:
    """Count; that there is nothing to do can only be said of what was looked at."""
    counts = Counter(entry.action for entry in found)
    named = {entry.key for entry in found}
    rest = sum(1 for each in changes if each.resource.part_of is None and each.key not in named)
    blind = unseen(changes.desired, changes.observed)
    hidden = sum(1 for each in changes.desired if each.key in blind and each.part_of is None)
    todo = ", ".join(f"{counts[action]} to {action}" for action in _ORDER if counts[action])
    # Without a file nobody knows what there is beyond reach.
    in_the_dark = hidden or (changes.observed.unavailable and not changes.desired.source)
    said = [todo or ("" if in_the_dark else "nothing to do")]
    said += [f"{rest} unchanged"] if rest or not in_the_dark else []
    said += [f"{hidden} not looked at"] if hidden else []
    if any(said):
        yield f"Plan: {'; '.join(filter(None, said))}."
