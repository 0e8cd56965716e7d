"""Topologies in few words for the kinds in memory, and hosts on which they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from memory import MemoryHost, MemorySpec, Thing, World, claims_of, part_of

from reconciler.diff import in_order_of_needs
from reconciler.model import FrozenMap, How, Need, Resource, ResourceKey, Topology

Entry = Mapping[str, Any]
"""A resource: attributes of its spec, and `after` (a mapping to conditions), `ready`, `external`, `owner`."""
Entries = Mapping[str, Entry]
NAME = "t"
SPEC = ("color", "shape", "inputs", "slot", "note")


def topology(entries: Entries) -> Topology:
    """Make a desired topology."""
    resources = {ResourceKey.of(key): _resource(ResourceKey.of(key), entry, entries) for key, entry in entries.items()}
    return Topology(NAME, MappingProxyType(resources))


def _resource(key: ResourceKey, entry: Entry, entries: Entries) -> Resource:
    spec, external = spec_of(key, entry), bool(entry.get("external"))
    after = {**dict.fromkeys(_holders_of_slots(entries), ""), **entry.get("after", {})} if key.kind == "guest" else {}
    needs = [
        *(Need(ResourceKey.of(each), "stands_on") for each in spec.stands_on),
        *(Need(ResourceKey.of(each), "refers_to", How.REFERS) for each in spec.refers_to),
        *(
            Need(ResourceKey.of(each), "after", How.AFTER, condition)
            for each, condition in {**after, **entry.get("after", {})}.items()
        ),
    ]
    claims = () if external else claims_of(key.kind, spec)
    ready = entry.get("ready", "")
    return Resource(key, spec, tuple(sorted(needs)), claims, not external, part_of(key, spec), ready)


def spec_of(key: ResourceKey, entry: Entry) -> MemorySpec:
    given = {name: entry[name] for name in SPEC if name in entry}
    bare = entry.get("external") or "owner" in entry
    return MemorySpec(
        name=entry.get("name", key.name if bare else f"{NAME}-{key.name}"),
        stands_on=tuple(sorted(entry.get("stands_on", ()))),
        refers_to=tuple(sorted(entry.get("refers_to", ()))),
        holds=tuple(sorted((pool, low, high) for pool, low, high in entry.get("holds", ()))),
        options=FrozenMap(entry.get("options", {})),
        token=FrozenMap(entry.get("token", {})),
        **given,
    )


def _holders_of_slots(entries: Entries) -> list[str]:
    """What is chosen comes after what is declared, lest it be chosen first."""
    return [key for key, entry in entries.items() if any(pool == "s" for pool, _, _ in entry.get("holds", ()))]


def host_with(entries: Entries) -> MemoryHost:
    """Make a host on which things are, unchecked; those with an `owner` are of that topology, "" of none."""
    world = World()
    resources = topology(entries).resources
    for key in in_order_of_needs(resources):
        put(world, resources[key], entries[str(key)].get("owner", NAME))
    return MemoryHost(world=world)


def put(world: World, resource: Resource, owner: str = NAME) -> Thing:
    """Put a thing into the world without any check."""
    found: dict[How, dict[ResourceKey, int]] = {how: {} for how in How}
    for need in resource.needs:
        thing = world.current(NAME, need.key)
        if thing:
            found[need.how][need.key] = thing.identity
    assert isinstance(resource.spec, MemorySpec)
    number = next(world.numbers)
    return world.add(Thing(number, resource.key, owner, resource.spec, found[How.STANDS_ON], found[How.REFERS]))


def picture(world: World, owner: str = NAME) -> dict[ResourceKey, tuple[Any, ...]]:
    """What a topology looks like, without identities."""
    keys = {each.identity: each.key for each in world.things.values()}
    return {
        each.key: (
            replace(each.spec, note="", marked=True),
            sorted((key, keys.get(identity)) for key, identity in each.grounds.items()),
            sorted((key, keys.get(identity)) for key, identity in each.referred.items()),
        )
        for each in world.things.values()
        if each.owner == owner
    }
