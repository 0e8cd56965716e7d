"""Which image a container runs; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.image.references import normal
from reconciler.kinds.source import Pointer, Source
from reconciler.model import ResourceKey

_BARE_WORD = re.compile(r"[\w.-]+", re.ASCII)
_NEAR = 2


def image_of(source: Source, container: str, entry: Mapping[str, Any]) -> ResourceKey | None:
    """Return the image that a container runs; None, and a problem noted, if it says none that can be.

    An entry of `images`, what a container of that name builds, or a plain reference, which is its own name.
    """
    pointer: Pointer = ("containers", container)
    if entry.get("external"):
        return None
    if entry.get("build"):
        return ResourceKey("image", container)
    reference = entry.get("image")
    if reference is None:
        if not any(source.incomplete((*pointer, each)) for each in ("image", "build")):
            source.problem(pointer, "the container has neither 'image' nor 'build'", "e.g. image: busybox:1.36")
        return None
    if reference in source.section("images") or is_built(source, reference):
        return ResourceKey("image", reference)
    return _plain(source, (*pointer, "image"), reference)


def is_built(source: Source, container: str) -> bool:
    """Tell whether a container of that name has its image built."""
    entry = source.section("containers").get(container) or {}
    return bool(entry.get("build")) and not entry.get("external")


def _plain(source: Source, pointer: Pointer, reference: str) -> ResourceKey | None:
    near = "" if source.incomplete(("images", reference)) else misspelt(reference, source.section("images"))
    if near:
        hint = f"did you mean {near!r}? To pull it all the same, write {reference}:latest"
        source.problem(pointer, f"there is no {reference!r} in images", hint)
        return None
    try:
        normal(reference)
    except ValueError as error:
        source.problem(pointer, str(error), "e.g. busybox:1.36, in small letters")
        return None
    return ResourceKey("image", reference)


def misspelt(word: str, known: Iterable[str]) -> str:
    """Return what is known and one or two letters away from a bare word; empty if nothing is."""
    if not _BARE_WORD.fullmatch(word):
        return ""
    near = [(distance, each) for each in known if (distance := _distance(word, each)) <= _NEAR]
    # Two words of two letters each have nothing in common when both letters differ.
    return min((pair for pair in near if pair[0] < min(len(word), len(pair[1]))), default=(0, ""))[1]


def _distance(one: str, other: str) -> int:
    """Count the letters to add, leave out, change or swap with the next one (optimal string alignment)."""
    if abs(len(one) - len(other)) > _NEAR:
        return _NEAR + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, theirs in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
