"""Which images of a file another one is built on; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reconciler.kinds.image.references import normal


class Known(Protocol):
    """The images of a file, as far as a Dockerfile can name them."""

    def named(self, name: str) -> bool:
        """Tell whether there is an entry of that name."""

    def tagged(self) -> Mapping[str, str]:
        """Map the tags that entries declare to the entries' names."""


def bases_of(known: Known, name: str, text: str, args: Mapping[str, str]) -> dict[str, str]:
    """Map what a Dockerfile says to the entry it means; an entry is never its own base."""
    from reconciler.kinds.image.dockerfile import uses

    tagged = known.tagged()
    found = {}
    for use in uses(text, args):
        entry = use.reference if known.named(use.reference) else tagged.get(_normal(use.reference), "")
        if entry and entry != name:
            found[use.reference] = entry
    return found


def _normal(reference: str) -> str:
    try:
        return normal(reference)
    except ValueError:
        return ""
