"""Who holds what only one may hold at a time; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from reconciler.model import Action, Change, Claim, Resource

T = TypeVar("T")


class Held(Generic[T]):
    """Claims and their holders; finds the overlapping ones without a look at all of a scope."""

    def __init__(self, held: Iterable[tuple[Claim, T]]) -> None:
        self._held: dict[str, list[tuple[Claim, T]]] = defaultdict(list)
        for claim, holder in held:
            self._held[claim.scope].append((claim, holder))
        for each in self._held.values():
            each.sort(key=lambda entry: entry[0].low)
        self._lows = {scope: [claim.low for claim, _ in each] for scope, each in self._held.items()}
        self._reach = {
            scope: list(accumulate((claim.high for claim, _ in each), max)) for scope, each in self._held.items()
        }

    def __bool__(self) -> bool:
        return bool(self._held)

    def overlapping(self, wanted: Claim) -> Iterator[tuple[Claim, T]]:
        """Yield what overlaps a claim, with its holder."""
        if wanted.scope not in self._held:
            return
        held, reach = self._held[wanted.scope], self._reach[wanted.scope]
        at = bisect_right(self._lows[wanted.scope], wanted.high)
        while at and reach[at - 1] >= wanted.low:
            at -= 1
            if held[at][0].high >= wanted.low:
                yield held[at]

    def overlap(self, claims: Iterable[Claim]) -> bool:
        """Tell whether any of some claims overlaps one of these."""
        return any(any(self.overlapping(each)) for each in claims)


def of_nobody(claims: Iterable[Claim]) -> Held[None]:
    """Return claims of which it does not matter whose they are."""
    return Held((each, None) for each in claims)


def has_place_of(foreign: Resource, wanted: Resource) -> bool:
    """Tell whether the foreign has the place of the wanted: its live name or, where a kind has none, its claims."""
    if foreign.owned or foreign.key.kind != wanted.key.kind or not foreign.key.name.startswith("@"):
        return False
    name = getattr(wanted.spec, "name", "")
    if name:
        return foreign.key.name == f"@{name}"
    return any(theirs.overlaps(ours) for theirs in foreign.claims for ours in wanted.claims)


def taken(change: Change) -> tuple[Claim, ...]:
    """The claims that a change takes and that its resource does not hold already."""
    if change.desired is None or change.action is Action.NOOP:
        return ()
    held = change.observed.claims if change.observed and change.action is not Action.REPLACE else ()
    if not held:
        return change.desired.claims
    return _without(change.desired.claims, held)


def released(change: Change) -> tuple[Claim, ...]:
    """The claims that a change lets go; an update keeps what the host chose."""
    if change.observed is None or change.action is Action.NOOP:
        return ()
    if change.action is not Action.UPDATE or change.desired is None:
        return change.observed.claims
    return tuple(each for each in _without(change.observed.claims, change.desired.claims) if not each.chosen)


def held_by_chance(change: Change) -> tuple[Claim, ...]:
    """The claims that a resource keeps through a change though the file does not say so: the host chose them."""
    if change.observed is None or change.desired is None or change.action is Action.REPLACE:
        return ()
    if change.observed.claims == change.desired.claims:
        return ()
    held = _without(change.observed.claims, change.desired.claims)
    return tuple(each for each in held if each.chosen or change.action is Action.NOOP)


def _without(claims: Iterable[Claim], others: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return claims without others; a range of ports may be thousands."""
    known = frozenset(others)
    return tuple(each for each in claims if each not in known)
