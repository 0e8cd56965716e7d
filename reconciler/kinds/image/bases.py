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
        """Map the tags that entries give to the entries' names."""

    def referred(self) -> Mapping[str, str]:
        """Map the references that are pulled or external, in their normal form, to the names of their images."""


def bases_of(known: Known, name: str, text: str, args: Mapping[str, str]) -> dict[str, str]:
    """Map what a Dockerfile says to the image of the file it means; none is its own base."""
    from reconciler.kinds.image.dockerfile import uses

    found = {}
    for use in uses(text, args):
        entry = use.reference if known.named(use.reference) else _meant(known, _normal(use.reference))
        if entry and entry != name:
            found[use.reference] = entry
    return found


def stands_for(said: str, reference: str) -> str:
    """Return what is to stand in a Dockerfile for what it says: that itself where it means the same."""
    return said if _normal(said) == _normal(reference) else reference


def _meant(known: Known, reference: str) -> str:
    return known.tagged().get(reference) or known.referred().get(reference, "")


def _normal(reference: str) -> str:
    try:
        return normal(reference)
    except ValueError:
        return ""
