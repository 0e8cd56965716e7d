"""A strict little world in memory, and kinds that live in it; it refuses what a real host refuses."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import ClassVar

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host import Host
from reconciler.host.scope import Scope
from reconciler.kinds.base import Kind, Result
from reconciler.model import (
    EMPTY,
    Action,
    Change,
    Claim,
    FrozenMap,
    How,
    Need,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Verb,
    chosen,
    secret,
    uncompared,
)
from reconciler.value import dataclass

FIRST_CHOICE = 100
"""The slots that a host chooses from, from this one on."""
HALF = "half made"


class Killed(BaseException):
    """The process was killed: no step may catch this."""


@dataclass(frozen=True)
class MemorySpec(Spec):
    """What all kinds in memory have in common; a kind uses what it likes."""

    name: str = ""
    color: str = "grey"
    shape: str = "round"
    inputs: str = ""
    stands_on: tuple[str, ...] = ()
    refers_to: tuple[str, ...] = ()
    holds: tuple[tuple[str, int, int], ...] = ()
    options: FrozenMap[str] = EMPTY
    slot: int | None = chosen()
    marked: bool = True
    token: FrozenMap[str] = secret()
    note: str = uncompared("")


@dataclass(frozen=True)
class Thing:
    """One thing in the world; `grounds` and `referred` are the identities of what its needs mean."""

    identity: int
    key: ResourceKey
    owner: str
    spec: MemorySpec
    grounds: Mapping[ResourceKey, int] = field(default_factory=dict)
    referred: Mapping[ResourceKey, int] = field(default_factory=dict)
    touched: int = 0

    def claims(self) -> tuple[Claim, ...]:
        return claims_of(self.key.kind, self.spec)


def claims_of(kind: str, spec: MemorySpec) -> tuple[Claim, ...]:
    """The live name, what the spec holds, and the slot that the host chose."""
    name = Claim(f"{kind} name {spec.name}", label=f"{kind} name {spec.name}")
    held = [Claim(f"pool {pool}", low, high, f"{pool} {low}-{high}") for pool, low, high in spec.holds]
    slot = [] if spec.slot is None else [Claim("pool s", spec.slot, spec.slot, f"s {spec.slot}", chosen=True)]
    return tuple(sorted([name, *held, *slot]))


class World:
    """All things there are; `failing` names the steps that are refused once, `kill_at` the call that kills us."""

    def __init__(self) -> None:
        self.things: dict[int, Thing] = {}
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.calls = 0
        self.log: list[StepKey] = []
        self.failing: set[StepKey] = set()
        self.kill_at = 0
        self.kill_how = "before"
        self.unhealthy: set[ResourceKey] = set()

    def current(self, owner: str, key: ResourceKey) -> Thing | None:
        """Return the newest of ours under a key, else what is not ours under that live name."""
        mine = [each for each in self.things.values() if _is_mine(each, owner, key)]
        others = (each for each in self.things.values() if each.owner != owner)
        named = (each for each in others if (each.key.kind, each.spec.name) == (key.kind, key.name))
        return max(mine, key=lambda each: each.identity) if mine else next(named, None)

    def standing_on(self, identity: int) -> list[Thing]:
        return [each for each in self.things.values() if identity in each.grounds.values()]

    def add(self, thing: Thing) -> Thing:
        """Put a thing into the world, without any check."""
        self.things[thing.identity] = thing
        return thing

    def fall(self, identity: int) -> None:
        """Remove a thing by hand, with all that stands on it."""
        if self.things.pop(identity, None):
            for each in self.standing_on(identity):
                self.fall(each.identity)

    def holder(self, claims: Iterable[Claim], besides: Callable[[Thing], bool]) -> Thing | None:
        return next(
            (
                each
                for each in self.things.values()
                if not besides(each) and any(a.overlaps(b) for a in each.claims() for b in claims)
            ),
            None,
        )

    def call(self, step: Step, effect: Callable[[], Result]) -> Result:
        """Carry out one step, unless it is to fail, or we are to be killed before, in the middle or after it."""
        with self.lock:
            self.calls += 1
            self.log.append(step.key)
            dying = self.calls == self.kill_at
            if dying and self.kill_how == "before":
                raise Killed
            if step.key in self.failing:
                self.failing.remove(step.key)
                return StepFailed(f"{step.key.key}: was told to fail")
            result = effect()
            if dying and self.kill_how == "half" and step.verb is not Verb.WAIT:
                self._halve(step)
            if dying:
                raise Killed
            return result

    def _halve(self, step: Step) -> None:
        """Leave what a step made half done."""
        newest = [each for each in self.things.values() if each.owner and each.key == step.key.key]
        if newest:
            thing = max(newest, key=lambda each: each.identity)
            self.add(replace(thing, spec=replace(thing.spec, color=HALF)))


@dataclass
class MemoryHost(Host):
    """A host whose engine and kernel are a world in memory."""

    world: World = field(default_factory=World)
    topology: str = "t"

    def may_hold(self, topology: str) -> bool:
        """Tell whether it holds something of a topology."""
        return any(each.owner == topology for each in self.world.things.values())


class MemoryKind(Kind):
    """What all kinds in memory have in common."""

    spec = MemorySpec
    mutables: ClassVar[frozenset[str]] = frozenset(("color",))

    def observe(self, scope: Scope) -> Iterator[Resource]:
        world: World = _world(scope.host)
        with world.lock:
            things = [each for each in world.things.values() if each.key.kind == self.name]
            mine = [each for each in things if each.owner == scope.name and not self._is_external(each, scope)]
            yield from (self._observed(each, scope, world) for each in mine)
            yield from self._strangers([each for each in things if each not in mine], scope, world)

    def _is_external(self, thing: Thing, scope: Scope) -> bool:
        """Tell whether the file calls it external, whoever made it."""
        return (self.name, thing.spec.name) in scope.externals

    def _strangers(self, things: Sequence[Thing], scope: Scope, world: World) -> Iterator[Resource]:
        wanted = [claim for each in scope.desired for claim in each.claims]
        for each in things:
            found = self._observed(each, scope, world)
            if self._is_external(each, scope):
                key = scope.wanted[self.name, each.spec.name]
                yield replace(found, key=key, spec=scope.desired.resources[key].spec, owned=False)
            elif any(a.overlaps(b) for a in each.claims() for b in wanted) or found.needs:
                yield found

    def _observed(self, thing: Thing, scope: Scope, world: World) -> Resource:
        mine = thing.owner == scope.name
        on = tuple(sorted(str(key) for key in thing.grounds if _is_current(key, thing.grounds[key], scope.name, world)))
        seen = [key for key in thing.referred if _is_current(key, thing.referred[key], scope.name, world)]
        spec = replace(thing.spec, stands_on=on, refers_to=tuple(sorted(map(str, seen))), marked=mine)
        stands = [
            Need(key if str(key) in on else _key_seen(world.things[identity], scope.name, world), "stands_on")
            for key, identity in thing.grounds.items()
            if identity in world.things
        ]
        needs = [*stands, *(Need(each, "refers_to", How.REFERS) for each in seen)]
        live = MappingProxyType({"id": thing.identity})
        key = _key_seen(thing, scope.name, world)
        return Resource(key, spec, tuple(sorted(needs)), thing.claims(), mine, part_of(key, spec), live=live)

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Black paint cannot be painted over."""
        black = path == "color" and _spec(observed).color == "black"
        return path.partition(".")[0] in self.mutables and not black

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        return self._each(host, steps, self._created)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        return self._each(host, steps, self._updated)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        return self._each(host, steps, self._deleted)

    def wait(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        return self._each(host, steps, self._waited)

    def _each(
        self, host: Host, steps: Sequence[Step], effect: Callable[[Step, World, str], Result]
    ) -> Iterator[Result]:
        assert len(steps) <= self.batch
        assert not any(each.carried_by for each in steps), "a carried step was sent"
        world = _world(host)
        for step in steps:
            try:
                yield world.call(step, lambda step=step: effect(step, world, host.topology))  # type: ignore[misc,attr-defined]
            except ReconcilerError as error:
                yield error

    def _created(self, step: Step, world: World, owner: str) -> Result:
        same = self._come_out_the_same(step.change, world, owner)
        if same:
            return same
        for change in (step.change, *step.carries):
            world.add(self._made(change, world, owner))
        return Status.DONE

    def _made(self, change: Change, world: World, owner: str) -> Thing:
        wanted = _desired(change)
        kind = KINDS[wanted.key.kind]
        spec = _spec(wanted)

        def old(thing: Thing) -> bool:
            return kind.create_before_delete and (thing.owner, thing.key.kind) == (owner, kind.name)

        if isinstance(kind, Guest) and spec.slot is None:
            spec = replace(spec, slot=_free_slot(world))
        if not kind.create_before_delete and any(_is_mine(each, owner, wanted.key) for each in world.things.values()):
            raise StepFailed(f"{wanted.key}: there is one already")
        _refuse_held(wanted.key, claims_of(kind.name, spec), world, old)
        _take_name(kind, spec, world, owner)
        return Thing(next(world.numbers), wanted.key, owner, spec, *_resolved(wanted, world, owner))

    def _come_out_the_same(self, change: Change, world: World, owner: str) -> Status | None:
        old = world.current(owner, change.key) if self.tentative else None
        if old is None or not old.owner:
            return None
        grounds, referred = _resolved(_desired(change), world, owner)
        if _content(old.spec) != _content(_spec(_desired(change))) or old.grounds != grounds:
            return None
        spec = _spec(_desired(change))
        _take_name(self, spec, world, owner)
        world.add(replace(old, spec=spec, grounds=grounds, referred=referred, touched=old.touched + 1))
        return Status.UNCHANGED

    def _updated(self, step: Step, world: World, owner: str) -> Result:
        wanted, was = _desired(step.change), step.change.observed
        thing = world.things.get(was.live["id"]) if was else None
        if was is None or thing is None:
            raise StepFailed(f"{wanted.key}: there is none to update")
        stuck = [each for each in step.change.paths if not self.mutable(each, was, wanted)]
        if stuck:
            raise StepFailed(f"{wanted.key}: {stuck} cannot be changed in place")
        identity = thing.identity
        spec = replace(_spec(wanted), slot=thing.spec.slot if _spec(wanted).slot is None else _spec(wanted).slot)

        def old(each: Thing) -> bool:
            moves = self.create_before_delete and (each.owner, each.key.kind) == (owner, self.name)
            return each.identity == identity or moves

        _refuse_held(wanted.key, claims_of(self.name, spec), world, old)
        _take_name(self, spec, world, owner)
        grounds, referred = _resolved(wanted, world, owner)
        world.add(Thing(identity, wanted.key, owner, spec, grounds, referred, thing.touched + 1))
        return Status.DONE

    def _deleted(self, step: Step, world: World, owner: str) -> Result:
        if self._is_the_new_one(step, world):
            return Status.UNCHANGED
        gone = [each.observed.live["id"] for each in (*step.carries, step.change) if each.observed]
        for identity in gone:  # it grows on the way
            gone += [each for each in _falling_with(identity, step.change, world) if each not in gone]
        for identity in gone:
            above = [str(each.key) for each in world.standing_on(identity) if each.identity not in gone]
            if identity in world.things and above:
                raise StepFailed(f"{world.things[identity].key}: is in use by {', '.join(above)}")
        for identity in gone:
            world.things.pop(identity, None)
        return Status.DONE

    def _is_the_new_one(self, step: Step, world: World) -> bool:
        """Tell whether a replacement that was made first came out as what it replaces."""
        observed, desired = step.change.observed, step.change.desired
        old = world.things.get(observed.live["id"]) if observed and desired else None
        return self.tentative and old is not None and desired is not None and old.spec == _spec(desired)

    def _waited(self, step: Step, world: World, owner: str) -> Result:
        if world.current(owner, step.key.key) is None:
            raise StepFailed(f"{step.key.key}: there is none to wait for")
        if step.key.key in world.unhealthy:
            raise StepFailed(f"{step.key.key}: does not become {step.key.condition}")
        return Status.DONE


def _falling_with(identity: int, change: Change, world: World) -> list[int]:
    """What dies with a thing whether its step carries it or another's does: reality knows nothing of steps."""
    if identity not in world.things:
        return []
    carries = KINDS[world.things[identity].key.kind].carries
    above = world.standing_on(identity)
    return [each.identity for each in above if carries(Verb.DELETE, change, Change(each.key, Action.DELETE))]


def _world(host: Host) -> World:
    assert isinstance(host, MemoryHost)
    return host.world


def _spec(resource: Resource) -> MemorySpec:
    assert isinstance(resource.spec, MemorySpec)
    return resource.spec


def _desired(change: Change) -> Resource:
    assert change.desired is not None
    return change.desired


def _is_mine(thing: Thing, owner: str, key: ResourceKey) -> bool:
    return (thing.owner, thing.key) == (owner, key)


def _content(spec: MemorySpec) -> tuple[str, str]:
    """What comes out of the inputs: a trailing comma is a comment."""
    return spec.shape, spec.inputs.rstrip(",")


def _free_slot(world: World) -> int:
    held = [claim for each in world.things.values() for claim in each.claims()]
    free = (slot for slot in itertools.count(FIRST_CHOICE))
    return next(slot for slot in free if not any(each.overlaps(Claim("pool s", slot, slot)) for each in held))


def _refuse_held(key: ResourceKey, claims: Iterable[Claim], world: World, besides: Callable[[Thing], bool]) -> None:
    holder = world.holder(claims, besides)
    if holder:
        raise StepFailed(f"{key}: {holder.key} holds what it is to have")


def _take_name(kind: MemoryKind, spec: MemorySpec, world: World, owner: str) -> None:
    """Two of a kind that is made before it is deleted may claim one name: the newer takes it from the older."""
    for each in list(world.things.values()) if kind.create_before_delete else ():
        if (each.owner, each.key.kind, each.spec.name) == (owner, kind.name, spec.name):
            world.add(replace(each, spec=replace(each.spec, name="")))


def _resolved(wanted: Resource, world: World, owner: str) -> tuple[dict[ResourceKey, int], dict[ResourceKey, int]]:
    """The identities of what a resource stands on, and of what it refers to; a missing need is refused."""
    found: dict[How, dict[ResourceKey, int]] = {how: {} for how in How}
    for need in wanted.needs:
        thing = world.current(owner, need.key)
        if thing is None:
            raise StepFailed(f"{wanted.key}: there is no {need.key}, which it {need.how}")
        found[need.how][need.key] = thing.identity
    return found[How.STANDS_ON], found[How.REFERS]


def _is_current(key: ResourceKey, identity: int, owner: str, world: World) -> bool:
    thing = world.current(owner, key)
    return thing is not None and thing.identity == identity


def _key_seen(thing: Thing, owner: str, world: World) -> ResourceKey:
    """Under which key a thing is observed: one that a newer one has taken the place of has none of its own."""
    if thing.owner != owner:
        return ResourceKey(thing.key.kind, f"@{thing.spec.name}")
    newest = world.current(owner, thing.key)
    if newest and newest.identity != thing.identity:
        return ResourceKey(thing.key.kind, f"{thing.key.name}~{thing.identity}")
    return thing.key


def part_of(key: ResourceKey, spec: MemorySpec) -> ResourceKey | None:
    """A part is read under the box that it stands on."""
    if key.kind != "part":
        return None
    return next((ResourceKey.of(each) for each in spec.stands_on if each.startswith("box/")), None)


class Volume(MemoryKind):
    """Never deleted unless asked."""

    name = "volume"
    section = "volumes"
    kept = irrecoverable = True


class Image(MemoryKind):
    """May come out as it was; the new one is made before the old one goes."""

    name = "image"
    section = "images"
    mutables = frozenset(("color", "name"))
    irrecoverable = create_before_delete = tentative = True


class Ground(MemoryKind):
    """Its seats die with it."""

    name = "ground"
    mutables = frozenset(("color", "name", "options", "holds", "marked"))

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        return verb is Verb.DELETE and other.key.kind == "seat"


class Box(MemoryKind):
    """Is made with its first part, and dies with all its parts."""

    name = "box"
    mutables = frozenset(("color", "name", "options"))

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        return other.key.kind == "part" and (verb is Verb.DELETE or other.key.name.endswith("1"))


class Part(MemoryKind):
    """Belongs to a box; its leaves die with it."""

    name = "part"
    part_of = "box"
    mutables = frozenset(("color", "holds", "options"))

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        return verb is Verb.DELETE and other.key.kind == "leaf"


class Leaf(MemoryKind):
    """Some are made at once."""

    name = "leaf"
    batch = 3
    mutables = frozenset(("color", "holds"))


class Seat(MemoryKind):
    """May be moved from one ground to another."""

    name = "seat"
    batch = 2
    mutables = frozenset(("color", "name", "stands_on", "holds", "marked"))


class Pointer(MemoryKind):
    """Refers to others."""

    name = "pointer"
    mutables = frozenset(("color", "refers_to"))


class Guest(MemoryKind):
    """Takes the slot that the host chooses."""

    name = "guest"


KINDS: Mapping[str, MemoryKind] = MappingProxyType(
    {each.name: each() for each in (Box, Ground, Guest, Image, Leaf, Part, Pointer, Seat, Volume)}
)
