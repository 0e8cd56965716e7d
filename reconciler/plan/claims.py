"""Who holds what only one may hold: conflicts before the first step, and order among the steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.claims import Held, has_place_of, released, taken
from reconciler.errors import Conflict
from reconciler.host.marks import is_from
from reconciler.kinds.base import Kind
from reconciler.model import Action, Change, Changes, How, Resource, Step, StepKey, Topology, Verb

_KEPT = "keep its key, or declare it external"
"""What to do about what is deleted only when asked for: removing it is the last thing that a person wants."""

_OTHER = "choose another for yours"
_RENAMED = "or, if that is what this file was called, `reconciler destroy --name {0}` first, or `--name {0}` here"
_OFF = "take it off that first, or remove it"


def conflicts(changes: Changes, *, kinds: Mapping[str, Kind]) -> tuple[Conflict, ...]:
    """Return what stays, and holds what a pending change is to take, or stands on what is to be unmade."""
    staying = [each for each in changes.observed if not each.owned or each.key not in changes.by_key]
    return (*_held_by(staying, changes, kinds), *_stood_on_by(staying, changes))


def _held_by(staying: Iterable[Resource], changes: Changes, kinds: Mapping[str, Kind]) -> Iterator[Conflict]:
    held = Held((claim, each) for each in staying for claim in each.claims)
    for change in changes.pending if held else ():
        for claim in taken(change):
            for holder in sorted((each for _, each in held.overlapping(claim)), key=lambda each: each.key):
                name, why = _named(holder, changes.desired.name)
                hint = _way_out(change, holder, kinds, changes.desired)
                yield Conflict(f"{change.key}: {claim} is held by {name}, {why}: {hint}")


def _way_out(change: Change, holder: Resource, kinds: Mapping[str, Kind], desired: Topology) -> str:
    """Say what to do about a holder: what may be of value to somebody is removed last, if at all.

    Observing what is foreign may have told that in a `hint`.
    """
    if hint := holder.live.get("hint"):
        return str(hint)
    kind = kinds.get(holder.key.kind)  # none has what stands for an interface of others
    if holder.owned and kind and kind.kept:
        return _KEPT
    if topology := _another(holder, desired.name):
        renamed = is_from(desired.source, holder.live.get("source", ""))
        return f"{_OTHER}, {_RENAMED.format(topology)}" if renamed else _OTHER
    if kind and not kind.part_of and change.observed is None and has_place_of(holder, change.resource):
        if not kind.replaceable:
            return f"declare it external, or {_OTHER}"
        return f"remove that, {_OTHER}, or take it over with `--adopt {change.key}`"
    return f"remove that, or {_OTHER}"


def _stood_on_by(staying: Iterable[Resource], changes: Changes) -> Iterator[Conflict]:
    """Tell what stands on what is to go."""
    going = {each.key for each in changes.pending if each.action in (Action.REPLACE, Action.DELETE)}
    for each in staying if going else ():
        for need in each.needs:
            if need.how is How.STANDS_ON and need.key in going:
                name, why = _named(each, changes.desired.name)
                yield Conflict(f"{need.key}: {name}, {why}, stands on what is to go: {_OFF}")


def _another(holder: Resource, topology: str) -> str:
    """Return the topology that something is of, if that is another one: a copy of ours by hand has our mark, too."""
    found = str(holder.live.get("topology") or "")
    return found if found != topology else ""


def _named(staying: Resource, topology: str) -> tuple[str, str]:
    """Say what it is, and whose; observing what is foreign may have told `who` that is, and of which `topology`."""
    if staying.owned:
        return str(staying.key), "which this run leaves alone"
    who = staying.live.get("who") or f"{staying.key.kind} {staying.key.name.removeprefix('@')}"
    other = _another(staying, topology)
    return str(who), f"which is of topology {other}" if other else "which is not ours"


def release_before_taking(
    steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]
) -> Iterator[tuple[StepKey, StepKey]]:
    """Yield the edges from each step that releases a claim to those that take what overlaps it."""
    makers = (each for each in steps.values() if each.verb in (Verb.CREATE, Verb.UPDATE))
    takers = [(each.key, claims) for each in makers if (claims := taken(each.change))]
    releasers = (each for each in steps.values() if takers and each.verb in (Verb.UPDATE, Verb.DELETE))
    held = Held((claim, each.key) for each in releasers for claim in released(each.change))
    for key, claims in takers if held else ():
        for claim in claims:
            for _, releaser in held.overlapping(claim):
                moves = releaser.key.kind == key.key.kind and kinds[key.key.kind].create_before_delete
                if releaser.key != key.key and not moves:
                    yield releaser, key
