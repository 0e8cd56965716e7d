"""Which image a container runs; pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.image.loaded import archives
from reconciler.kinds.image.references import is_tag, normal
from reconciler.kinds.source import Pointer, Source
from reconciler.model import ResourceKey

_BARE_WORD = re.compile(r"[\w.-]+", re.ASCII)
_NEAR = 2


def image_of(source: Source, container: str, entry: Mapping[str, Any]) -> ResourceKey | None:
    """Return the image that a container runs; None, and a problem noted, if it says none that can be.

    An entry of `images`, what a container of that name builds, one that declares the reference as a tag, or a plain
    reference, which is its own name.
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
    if name := made_here(source, reference):
        return ResourceKey("image", name)
    return _plain(source, (*pointer, "image"), reference)


def made_here(source: Source, reference: str) -> str:
    """Return the name of the image of the file that a reference means, by its name or a tag; empty if it is none."""
    if reference in source.section("images") or is_built(source, reference):
        return reference
    return source.once(tagged).get(normal(reference), "") if is_tag(reference) else ""


def tagged(source: Source) -> dict[str, str]:
    """Map the tags that images of the file have to the images' names."""
    containers = source.section("containers").items()
    built = {name: built_entry(each) for name, each in containers if is_built(source, name)}
    return {
        tag: name
        for name, entry in {**built, **source.section("images")}.items()
        if not entry.get("external")
        for tag in tags_of(source, name, entry)
    }


def tags_of(source: Source, name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags that an entry gives its image: those that it says, and those in the archive that it loads."""
    said = {normal(tag) for tag in (*(entry.get("tags") or ()), entry.get("name", "")) if is_tag(tag)}
    archive = source.once(archives).get(name) if "load" in entry else None
    return tuple(sorted(said.union(archive.references if archive else ())))


def referred(source: Source) -> dict[str, str]:
    """Map the references of the entries that are pulled or external, in their normal form, to the entries' names."""
    found: dict[str, str] = {}
    for name, entry in source.section("images").items():
        pull = entry.get("pull", "")
        said = (
            entry.get("name", name) if entry.get("external") else pull["image"] if isinstance(pull, Mapping) else pull
        )
        with contextlib.suppress(ValueError):  # told where the entry is read
            found.setdefault(normal(said), name)
    return found


def built_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what would stand in `images` for a container that builds: its `image` is a tag then, as in Compose."""
    return {"build": entry["build"], "tags": [entry["image"]] if "image" in entry else []}


def is_built(source: Source, container: str) -> bool:
    """Tell whether a container of that name has its image built."""
    entry = source.section("containers").get(container) or {}
    return bool(entry.get("build")) and not entry.get("external")


def _plain(source: Source, pointer: Pointer, reference: str) -> ResourceKey | None:
    near = "" if source.incomplete(("images", reference)) else _near(source, reference)
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


def _near(source: Source, reference: str) -> str:
    """Return the entry of `images` that a reference is nearly like; each reference is looked at once."""
    images, found = source.section("images"), source.once(_found)
    if reference not in found:
        found[reference] = misspelt(reference, images) if source.patient(len(images)) else ""
    return found[reference]


def _found(_source: Source) -> dict[str, str]:
    return {}


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
