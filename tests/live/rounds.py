"""Rounds of an attribute: its value is changed for another and then taken out; the plan names each way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from live.boxes import U
from live.lab import Lab
from reconciler.model import Action


@dataclass(frozen=True)
class Way:
    """A text, and what the plan for it must say of a resource."""

    text: str
    key: str
    action: str
    paths: tuple[str, ...] = ()


Round = tuple[str, str, list[Way]]
"""What it is called, the first text, and the way on."""


def walk(lab: Lab, first: str, ways: Sequence[Way]) -> None:
    """Apply one text after the other; `@` stands for the topology's name."""
    lab.apply(first.replace("@", lab.name))
    for each in ways:
        lab.drifted(
            each.text.replace("@", lab.name),
            each.key,
            Action(each.action),
            *(path.replace("@", lab.name) for path in each.paths),
        )


def values(template: str, name: str, key: str, path: str, *entries: str) -> Round:
    """An attribute's round: with one value, with another, without it; always changed in place."""
    first, *others = (template.replace("%", each) for each in (*entries, ""))
    return name, first, [Way(each, key, U, (path,)) for each in others]
