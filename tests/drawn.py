"""Topologies and transitions at random, for the laws.

What there is, is drawn, so that a failure shrinks to few resources; what each is like comes from a seed, which is fast.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from entries import NAME, Entries, Entry, spec_of
from hypothesis import strategies as st
from memory import FIRST_CHOICE, HALF, KINDS, Thing, World, claims_of

from reconciler.model import Claim, FrozenMap, ResourceKey

FOREIGN: Entries = {
    "ground/ext": {"owner": ""},
    "box/stranger": {"owner": "", "stands_on": ["ground/ext"], "holds": [("z", 0, 9)]},
    "seat/neighbour": {"owner": "another", "stands_on": ["ground/ext"], "holds": [("y", 0, 9)]},
}
"""What is not ours, and is there in every test of a law."""

_NAMES = {
    "volume": ["a"],
    "image": ["a", "b"],
    "ground": ["a", "b", "c"],
    "box": ["a", "b", "c"],
    "part": ["a1", "a2", "b1"],
    "leaf": ["a", "b", "c"],
    "seat": ["a", "b"],
    "pointer": ["a", "b"],
    "guest": ["a", "b"],
}
_LAYERS = list(_NAMES)
_KEYS = ["ground/ext", *(f"{kind}/{name}" for kind, names in _NAMES.items() for name in names)]
_MAY_STAND_ON = {
    "image": ["image"],
    "box": ["image", "volume", "ground", "box"],
    "part": ["ground"],
    "leaf": ["part", "ground"],
    "seat": ["ground"],
    "guest": ["box"],
}
_MAY_REFER_TO = ["ground", "box", "image", "seat"]
_HOLDERS = ["ground", "box", "part", "leaf", "seat"]
assert set(_LAYERS) == set(KINDS)


def entry(key: str, chance: random.Random) -> Entry:
    """Make up what a resource is like; `sound` takes out of it what cannot be."""
    kind = key.partition("/")[0]
    if key == "ground/ext":
        return {"external": True}
    found: dict[str, Any] = {
        "color": chance.choice(["red", "red", "blue", "black"]),
        "shape": chance.choice(["round", "round", "square"]),
        "stands_on": _some(_MAY_STAND_ON.get(kind, []), 3, chance),
    }
    if kind == "image":
        found["inputs"] = chance.choice(["x", "x,", "x,,", "y"])
    if kind in _HOLDERS:
        found["holds"] = [_held(chance) for _ in range(chance.randrange(3))]
        found["options"] = chance.choice([{}, {"u": "1"}, {"u": "2", "v": "1"}])
    if kind in ("image", "ground", "box", "seat"):
        found["name"] = chance.choice(["", "n1", "n2"])
    if kind in ("box", "leaf"):
        found["after"] = {each: chance.choice(["", "healthy"]) for each in _some(["box"], 2, chance)}
        found["ready"] = chance.choice(["", "healthy"])
    if kind == "pointer":
        found["refers_to"] = _some(_MAY_REFER_TO, 2, chance)
    return found


def _some(kinds: list[str], most: int, chance: random.Random) -> list[str]:
    keys = [key for key in _KEYS if key.partition("/")[0] in kinds]
    return chance.sample(keys, chance.randint(0, min(most, len(keys))))


def _held(chance: random.Random) -> tuple[str, int, int]:
    """A small interval; those of the pool `s` lie where the host chooses, too."""
    pool, low = chance.choice("pqs"), chance.randrange(3)
    low += FIRST_CHOICE if pool == "s" else 0
    return pool, low, low + chance.randrange(2)


def sound(entries: Entries) -> dict[str, dict[str, Any]]:
    """Take out what a file may not say: needs that are not there or circular, names and claims that are not unique."""
    found: dict[str, dict[str, Any]] = {}
    claims: list[Claim] = []
    for key in sorted(entries, key=lambda each: (_LAYERS.index(each.partition("/")[0]), each)):
        kind, _, name = key.partition("/")
        entry = {
            **entries[key],
            "stands_on": [*entries[key].get("stands_on", ()), *([f"box/{name[0]}"] * (kind == "part"))],
        }
        if kind == "part" and f"box/{name[0]}" not in found:
            continue
        for attribute in ("stands_on", "refers_to"):
            entry[attribute] = [each for each in entry.get(attribute, ()) if each in found]
        entry["after"] = {each: how for each, how in entry.get("after", {}).items() if each in found}
        _give_up_what_is_taken(kind, entry, claims)
        claims += claims_of(kind, spec_of(ResourceKey.of(key), entry))
        found[key] = entry
    return found


def _give_up_what_is_taken(kind: str, entry: dict[str, Any], claims: list[Claim]) -> None:
    holds: list[tuple[str, int, int]] = []
    for pool, low, high in entry.pop("holds", ()):
        wanted = Claim(f"pool {pool}", low, high)
        taken = [*claims, *(Claim(f"pool {pool}", low, high) for pool, low, high in holds)]
        if not any(wanted.overlaps(each) for each in taken):
            holds.append((pool, low, high))
    entry["holds"] = holds
    if not entry.get("name") or any(each.scope == f"{kind} name {entry['name']}" for each in claims):
        entry.pop("name", None)


def _made_up(keys: list[str], seed: int) -> dict[str, Entry]:
    return {key: entry(key, random.Random(f"{seed} {key}")) for key in keys}


_seeds = st.integers(0, 2**32 - 1)


@st.composite
def topologies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a topology."""
    return sound(_made_up([key for key in _KEYS if draw(st.integers(0, 2))], draw(_seeds)))


@st.composite
def transitions(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw what was and what is to be, of which most is often as it was."""
    keys = [key for key in _KEYS if draw(st.integers(0, 2))]
    before = _made_up(keys, draw(_seeds))
    changed = _made_up([key for key in _KEYS if draw(st.integers(0, 4)) == 1], draw(_seeds))
    gone = [key for key in keys if draw(st.integers(0, 6)) == 1]
    return sound(before), sound({key: each for key, each in (before | changed).items() if key not in gone})


@dataclass(frozen=True)
class Drift:
    """What somebody did by hand: to the n-th thing of ours, whichever that is."""

    what: str
    number: int
    value: int

    def __call__(self, world: World) -> None:
        mine = _in_order_of_keys(world)
        if mine:
            thing = mine[self.number % len(mine)]
            _DRIFTS[self.what](world, thing, self.value)


def _in_order_of_keys(world: World) -> list[Thing]:
    """What is ours, in an order that does not hang on which thread was first."""
    mine = [each for each in world.things.values() if each.owner == NAME]
    return sorted(mine, key=lambda each: (each.key, each.identity))


def _repaint(world: World, thing: Thing, value: int) -> None:
    world.add(replace(thing, spec=replace(thing.spec, color=("green", "black", HALF)[value % 3])))


def _reshape(world: World, thing: Thing, _value: int) -> None:
    world.add(replace(thing, spec=replace(thing.spec, shape="bent")))


def _remove(world: World, thing: Thing, _value: int) -> None:
    world.fall(thing.identity)


def _make_again(world: World, thing: Thing, _value: int) -> None:
    world.fall(thing.identity)
    world.add(replace(thing, identity=next(world.numbers)))


def _hold(world: World, thing: Thing, value: int) -> None:
    hold = ("pqs"[value % 3], value % 3 + 100 * (value % 3 == 2), value % 3 + 100 * (value % 3 == 2))
    spec = replace(thing.spec, holds=(*thing.spec.holds, hold))
    if not world.holder([Claim(f"pool {hold[0]}", *hold[1:])], lambda each: False):
        world.add(replace(thing, spec=spec))


def _let_go(world: World, thing: Thing, _value: int) -> None:
    world.add(replace(thing, spec=replace(thing.spec, holds=())))


def _add_option(world: World, thing: Thing, _value: int) -> None:
    world.add(replace(thing, spec=replace(thing.spec, options=FrozenMap({**thing.spec.options, "w": "3"}))))


def _comment(world: World, _thing: Thing, _value: int) -> None:
    """Not by hand: all images were made from a file that said the same in other words."""
    for each in [each for each in world.things.values() if each.key.kind == "image" and each.owner == NAME]:
        inputs = each.spec.inputs.removesuffix(",") if each.spec.inputs.endswith(",") else f"{each.spec.inputs},"
        world.add(replace(each, spec=replace(each.spec, inputs=inputs)))


def _move(world: World, thing: Thing, _value: int) -> None:
    """Off what it stands on, if it is a seat."""
    if thing.key.kind == "seat":
        world.add(replace(thing, grounds={}))


def _swap(world: World, thing: Thing, value: int) -> None:
    """What two that can be updated hold."""
    mine = _in_order_of_keys(world)
    holders = [each for each in mine if each.spec.holds and "holds" in KINDS[each.key.kind].mutables]
    if len(holders) > 1:
        first = mine.index(thing)
        one = holders[first % len(holders)]
        other = holders[(first + 1 + value % (len(holders) - 1)) % len(holders)]
        world.add(replace(one, spec=replace(one.spec, holds=other.spec.holds)))
        world.add(replace(other, spec=replace(other.spec, holds=one.spec.holds)))


_DRIFTS = {
    "comment": _comment,
    "move": _move,
    "repaint": _repaint,
    "reshape": _reshape,
    "remove": _remove,
    "make again": _make_again,
    "hold": _hold,
    "let go": _let_go,
    "swap": _swap,
    "add option": _add_option,
}
drifts = st.lists(
    st.builds(Drift, st.sampled_from([*sorted(_DRIFTS), "swap", "comment"]), st.integers(0, 20), st.integers(0, 5)),
    max_size=4,
)
assert set(_LAYERS) == set(KINDS)
