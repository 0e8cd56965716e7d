"""What no schema can say: names used twice, cycles, claims that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from reconciler.errors import Problem
from reconciler.kinds.source import NODES, Pointer, Source
from reconciler.model import Claim, Need, Resource, ResourceKey

_CIRCLES = 100
"""How many circles are told; who breaks these has broken most of the others."""

_OVERLAPS = 1000
"""How many overlaps are told."""


def problems(resources: Sequence[Resource], source: Source) -> Iterator[Problem]:
    """Yield what is wrong with the resources of a file taken together."""
    yield from _node_names(source)
    by_key = {each.key: each for each in resources}
    yield from _twice(resources, source)
    yield from _cycles(by_key, source)
    yield from islice(_overlaps(by_key.values(), source), _OVERLAPS)


def _node_names(source: Source) -> Iterator[Problem]:
    seen: dict[str, str] = {"host": "the host"}
    for section in NODES:
        for name in source.section(section):
            if name in seen:
                yield source.file.problem((section, name), f"{name!r} is also the name of {seen[name]}", "rename one")
            seen.setdefault(name, f"one of {section}")


def _twice(resources: Iterable[Resource], source: Source) -> Iterator[Problem]:
    seen: set[ResourceKey] = set()
    for each in resources:
        if each.key in seen:
            place = source.places[each.key]
            # Entries of a list are told apart by what is in them, unless they have names.
            hint = "give one of them a `name:` of its own" if isinstance(place[1], int) else ""
            yield source.file.problem(place, f"{each.key} is declared twice", hint)
        seen.add(each.key)


def _cycles(by_key: Mapping[ResourceKey, Resource], source: Source) -> Iterator[Problem]:
    """Name each circle of needs once, from its least key on; a part is told as what it is a part of."""
    for circle in sorted({_folded(each, by_key) for each in _circles(by_key)}):
        path = " → ".join(each.name if each.kind == circle[0].kind else str(each) for each in (*circle, circle[0]))
        yield source.file.problem(source.places[circle[0]], f"these need each other: {path}", "break the circle")


def _folded(circle: Sequence[ResourceKey], by_key: Mapping[ResourceKey, Resource]) -> tuple[ResourceKey, ...]:
    """Tell a circle by wholes; one within a whole by its parts, which are what there is to look at."""
    wholes = [by_key[each].part_of or each for each in circle]
    folded = [each for each, before in zip(wholes, [wholes[-1], *wholes], strict=False) if each != before]
    return _from_the_least(folded or circle)


def _circles(by_key: Mapping[ResourceKey, Resource]) -> set[tuple[ResourceKey, ...]]:
    found: set[tuple[ResourceKey, ...]] = set()
    done: set[ResourceKey] = set()
    for start in sorted(by_key):
        trail: dict[ResourceKey, None] = {}
        stack: list[tuple[ResourceKey, Iterator[Need]]] = []
        _push(start, by_key, stack, trail, done)
        while stack:
            need = next(stack[-1][1], None)
            if need is None:
                stack.pop()
                done.add(trail.popitem()[0])
            elif need.key in trail:
                found.add(_rotated(list(trail), need.key))
                if len(found) == _CIRCLES:
                    return found
            elif need.key in by_key:
                _push(need.key, by_key, stack, trail, done)
    return found


def _push(
    key: ResourceKey,
    by_key: Mapping[ResourceKey, Resource],
    stack: list[tuple[ResourceKey, Iterator[Need]]],
    trail: dict[ResourceKey, None],
    done: set[ResourceKey],
) -> None:
    if key not in done:
        stack.append((key, iter(by_key[key].needs)))
        trail[key] = None


def _rotated(trail: list[ResourceKey], start: ResourceKey) -> tuple[ResourceKey, ...]:
    return _from_the_least(trail[trail.index(start) :])


def _from_the_least(circle: Sequence[ResourceKey]) -> tuple[ResourceKey, ...]:
    first = circle.index(min(circle))
    return (*circle[first:], *circle[:first])


def _overlaps(resources: Iterable[Resource], source: Source) -> Iterator[Problem]:
    """Tell what two places of the file claim both, of all that these two do the first."""
    by_scope: dict[str, list[tuple[Claim, Resource]]] = defaultdict(list)
    for resource in resources:
        for claim in resource.claims:
            by_scope[claim.scope].append((claim, resource))
    told: set[tuple[Pointer, Pointer]] = set()
    for held in (each for each in by_scope.values() if len(each) > 1):
        held.sort(key=lambda each: (each[0].low, each[0].high, each[1].key))
        widest = held[0]
        for each in held[1:]:
            if each[0].overlaps(widest[0]) and each[1].key != widest[1].key:
                places = _place(widest, source), _place(each, source)
                if places not in told:
                    yield _overlap(each, widest, source)
                told.add(places)
            if each[0].high > widest[0].high:
                widest = each


def _overlap(later: tuple[Claim, Resource], earlier: tuple[Claim, Resource], source: Source) -> Problem:
    places = {each[1].key: _place(each, source) for each in (later, earlier)}
    lines = {key: source.file.problem(place, "").position for key, place in places.items()}
    first, second = sorted((later, earlier), key=lambda each: (lines[each[1].key], each[1].key))
    message = f"{second[0]} is taken already by {first[1].part_of or first[1].key}"
    return source.file.problem(places[second[1].key], message, f"declared at {lines[first[1].key]}")


def _place(held: tuple[Claim, Resource], source: Source) -> Pointer:
    claim, resource = held
    return source.claimed[resource.key].get(claim, source.places[resource.key])
