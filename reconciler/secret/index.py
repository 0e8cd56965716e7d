"""Many texts found in another one, in one pass; pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

LEAST, _LONG, MOST = 4, 8, 4096
"""No text that is sought has fewer or more characters; one that is not long is found only as a word of its own."""
_EDGE = re.compile(r"(?<![^\W_])(?=.{4})", re.DOTALL)
"""Where a word of at least four characters may begin."""


class Index:
    """Finds many texts within another one in one pass: the time it takes grows with neither their number nor alikeness.

    A short one is looked up at the edges of words. A long one is looked up by its beginning, then in the order of the
    alphabet: of those that stand at a place the longest is the last one before what follows there, or that one's
    beginning. What stands within a public word is told with it.
    """

    def __init__(self, texts: Iterable[str], public: frozenset[str] = frozenset()) -> None:
        found = sorted(texts)
        self.public = public
        self.short = {each for each in found if len(each) < _LONG}
        self.long = [each for each in found if len(each) >= _LONG]
        self.heads = {each[:_LONG] for each in self.long}
        self.beginning: dict[str, str] = {}
        around: list[str] = []
        for each in self.long:
            while around and not each.startswith(around[-1]):
                around.pop()
            self.beginning[each] = around[-1] if around else ""
            around.append(each)

    def replaced(self, text: str, hide: Callable[[str], str]) -> str:
        """Return a text in which what `hide` says stands in place of each."""
        parts: list[str] = []
        end = 0
        for start, stop in _joined(each for each in self.spans(text) if not self._is_public(text, *each)):
            parts += (text[end:start], hide(text[start:stop]))
            end = stop
        return "".join(parts) + text[end:] if parts else text

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where they stand, in order."""
        return sorted((*self._long_ones(text), *self._short_ones(text)))

    def _is_public(self, text: str, start: int, stop: int) -> bool:
        around = self._around.get(text[start:stop], ())
        words = (text[start - before : start - before + length] for before, length in around if start >= before)
        return any(each in self.public for each in words)

    @cached_property
    def _around(self) -> Mapping[str, set[tuple[int, int]]]:
        """Where those that stand in public words do so: how far from the beginnings, and in words of which length."""
        found: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
        for word in self.public:
            for start, stop in self.spans(word):
                found[word[start:stop]].add((start, len(word)))
        return found

    def _long_ones(self, text: str) -> Iterator[tuple[int, int]]:
        heads = self.heads
        for at in [at for at in range(len(text) - _LONG + 1) if text[at : at + _LONG] in heads]:
            ahead = text[at : at + MOST]
            before = bisect_right(self.long, ahead)
            found = self.long[before - 1] if before else ""
            while found and not ahead.startswith(found):
                found = self.beginning[found]
            if found:
                yield at, at + len(found)

    def _short_ones(self, text: str) -> Iterator[tuple[int, int]]:
        for edge in _EDGE.finditer(text) if self.short else ():
            at = edge.start()
            for end in range(at + LEAST, at + _LONG):
                if text[at:end] in self.short and not text[end : end + 1].isalnum():
                    yield at, end


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what overlaps or touches."""
    found: list[tuple[int, int]] = []
    for start, stop in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return found
