"""Which files of a build's context a `.dockerignore` leaves out, as Docker reads it; pure.

A pattern goes over a path character by character, on all its ways at once, so that none takes long; as each folder
remembers how far its path came, of what is in it only the name is read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from reconciler.value import dataclass

Accepts = Callable[[str], bool]
_BOM = "\ufeff"
_SPECIAL = frozenset("*?[]\\")
_MOST = 1 << 14
"""How many steps of a pattern are remembered."""


class Malformed(ValueError):
    """A pattern that Docker refuses."""

    def __init__(self, pattern: str, why: str) -> None:
        super().__init__(f"{pattern!r} is no pattern: {why}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: what ends it, what may come before that, and how many parts can be left out from here on."""

    ends: Accepts
    before: Accepts | None = None
    optional: int = 0


def _nothing(_char: str) -> bool:
    return False


def _anything(char: str) -> bool:
    return char != "\n"


def _in_name(char: str) -> bool:
    return char != "/"


_ANY_CHARACTER = _Part(_in_name)
_ANY_NAME = _Part(_nothing, _in_name, optional=1)
_ANYTHING = _Part(_nothing, _anything, optional=1)
_ANY_FOLDERS = (_Part(_nothing, optional=2), _Part("/".__eq__, _anything))


class Pattern:
    """One line of an ignore file; an exception brings back what an earlier line left out."""

    def __init__(self, text: str) -> None:
        self.exception = text.startswith("!")
        parts = tuple(_parts(text.removeprefix("!")))
        if not parts:
            raise Malformed(text, "it says nothing")
        self._parts = parts
        self._whole = 1 << len(parts)
        self._steps: dict[tuple[int, str], int] = {}
        self.start = self._open(1)

    def run(self, state: int, text: str) -> int:
        """Return the places in the pattern, as bits, that a text leads to; 0 where it leads nowhere."""
        for char in text:
            if not state:
                break
            found = self._steps.get((state, char))
            state = self._step(state, char) if found is None else found
        return state

    def matches(self, state: int) -> bool:
        """Tell whether the end of the pattern is among some places."""
        return bool(state & self._whole)

    def _step(self, state: int, char: str) -> int:
        found = 0
        for index, part in enumerate(self._parts):
            if state >> index & 1:
                found |= bool(part.before and part.before(char)) << index | part.ends(char) << index + 1
        if len(self._steps) >= _MOST:
            self._steps.clear()
        found = self._steps[state, char] = self._open(found)
        return found

    def _open(self, state: int) -> int:
        """Add the places that are reached without a character."""
        for index, part in enumerate(self._parts):
            if part.optional and state >> index & 1:
                state |= ((2 << part.optional) - 1) << index
        return state


@dataclass(frozen=True, slots=True)
class Place:
    """A folder: how far its path brings each pattern, and which of them match it or one above, as bits."""

    states: tuple[int, ...]
    matching: int = 0


class Ignore:
    """The patterns of an ignore file; of those that match a path or a folder above it the last one decides."""

    def __init__(self, text: str) -> None:
        self.patterns = tuple(map(Pattern, _lines(text)))
        self.top = Place(tuple(each.start for each in self.patterns))

    def look(self, folder: Place, name: str) -> tuple[bool, Place]:
        """Tell whether something in a folder is left out, and what it is as a folder itself."""
        out, matching, states = False, 0, []
        for index, (pattern, before) in enumerate(zip(self.patterns, folder.states, strict=True)):
            state = pattern.run(before, name)
            states.append(pattern.run(state, "/"))
            if folder.matching >> index & 1 or (pattern.exception is out and pattern.matches(state)):
                matching |= 1 << index
                out = not pattern.exception
        return out, Place(tuple(states), matching)

    def brings_back(self, folder: Place) -> bool:
        """Tell whether something in a folder that is left out may be an exception."""
        return any(
            pattern.exception and state and not folder.matching >> index & 1
            for index, (pattern, state) in enumerate(zip(self.patterns, folder.states, strict=True))
        )


def _lines(text: str) -> Iterator[str]:
    for line in text.removeprefix(_BOM).split("\n"):
        said = "" if line.startswith("#") else line.strip()
        exception = said[:1] if said.startswith("!") else ""
        path = said.removeprefix("!").strip()
        # Docker reads what it has read once more: so there is no `!/`, and no blank before the last slash counts.
        if again := (exception + (_cleaned(path) if path else "")).strip():
            yield posixpath.normpath(again)


def _cleaned(path: str) -> str:
    """Take `.`, `..` and double slashes out of a path; the one that it may begin with says nothing."""
    return posixpath.normpath(path).lstrip("/") or "/"


def _parts(pattern: str) -> Iterator[_Part]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            rest = pattern[at + 2 :]
            ends_names = at == 0 and not rest.startswith("/") and _SPECIAL.isdisjoint(rest)
            at += 2 + rest.startswith("/")
            if ends_names or at == len(pattern):
                yield _ANYTHING
            else:
                yield from _ANY_FOLDERS
        elif char in "*?":
            yield _ANY_NAME if char == "*" else _ANY_CHARACTER
            at += 1
        elif char == "[":
            accepts, at = _choice(pattern, at + 1)
            yield _Part(accepts)
        else:
            literal, at = _literal(pattern, at)
            yield _Part(literal.__eq__)


def _choice(pattern: str, at: int) -> tuple[Accepts, int]:
    """Read what follows a bracket: characters and ranges, or with `^` all others."""
    others = pattern.startswith("^", at)
    at += others
    ranges: list[tuple[str, str]] = []
    while not ranges or not pattern.startswith("]", at):
        low, at = _literal(pattern, at, but="-]")
        high, at = _literal(pattern, at + 1, but="-]") if pattern.startswith("-", at) else (low, at)
        if high < low:
            raise Malformed(pattern, f"the range {low}-{high} is empty")
        ranges.append((low, high))
    return (lambda char: any(low <= char <= high for low, high in ranges) is not others), at + 1


def _literal(pattern: str, at: int, but: str = "") -> tuple[str, int]:
    """Read one character that stands for itself, perhaps behind a backslash."""
    escaped = pattern.startswith("\\", at)
    at += escaped
    if at >= len(pattern):
        raise Malformed(pattern, "it ends too early")
    if pattern[at] in but and not escaped:
        raise Malformed(pattern, f"{pattern[at]!r} stands where a character should")
    return pattern[at], at + 1
