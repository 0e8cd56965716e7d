"""Which processes there are, as far as they concern the topology."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host.engine_scope import live_name
from reconciler.host.scope import in_reach
from reconciler.kinds.connect.look import keys_of
from reconciler.kinds.container.ours import externals, names, ours
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.networking import RUNS, SHARED, UP
from reconciler.kinds.process.listeners import foreign
from reconciler.kinds.process.live import claims, facts, spec_of, state_of
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.model import How, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Json = Mapping[str, Any]


def seen_processes(scope: Scope) -> Iterator[Resource]:
    """Yield ours, those of declared externals that run, and foreign ones that hold a declared port."""
    own, known, endpoints = ours(scope), names(scope), keys_of(scope)
    for key, inspected in own.items():
        needs = _needs(inspected, _target(scope, inspected), known)
        yield _own(scope, key, inspected, [*needs, *map(_after, endpoints[key])])
    for key, inspected in externals(scope).items():
        state = _state_of_external(scope, key, inspected)
        if state:
            yield Resource(
                ResourceKey("process", key.name),
                ProcessSpec(state, container=inspected["Name"][1:]),
                needs=(Need(key, "container"),),
                owned=False,
                part_of=key,
                live=facts(inspected),
            )
    yield from foreign(scope, {each["Id"] for each in own.values()})


def without_network(scope: Scope) -> Iterator[tuple[ResourceKey, str]]:
    """Say which are to share the network of a container that the file does not declare, and that does not run.

    It is said of the container where that would be made first, and else of what is to run in it.
    """
    own = ours(scope)
    rows = {name: row for row in scope.container_rows for name in (live_name(row), row["Id"])}
    for each in scope.desired.of_kind("container"):
        mode, _, name = ContainerSpec.of(each).network_mode.partition(":")
        if mode == "container":
            process = ResourceKey("process", each.key.name)
            row = rows.get(name)
            if row is None:
                yield each.key, f"network_mode: there is no container {name!r}: start it first"
            elif row["State"] not in UP and ProcessSpec.of(scope.desired.resources[process]).state in RUNS:
                live = own[each.key]["HostConfig"]["NetworkMode"] if each.key in own else ""
                key = process if live == f"container:{row['Id']}" else each.key
                yield key, f"network_mode: the container {name!r} does not run: start it first"


def _after(endpoint: ResourceKey) -> Need:
    return Need(endpoint, "networks", How.AFTER)


def _state_of_external(scope: Scope, key: ResourceKey, inspected: Json) -> str:
    """Tell the state of an external; empty if it does not run, nor ever ran where its end is waited for."""
    live, want = str(inspected["State"]["Status"]), _wanted(scope, key)
    if live in UP:
        return live
    ended = want == "completed" and live == "exited"
    return state_of(inspected, want, now=lambda: scope.now) if ended else ""


def _wanted(scope: Scope, key: ResourceKey) -> str:
    desired = scope.desired.resources.get(ResourceKey("process", key.name))
    return desired.spec.state if desired and isinstance(desired.spec, ProcessSpec) else ""


def _own(scope: Scope, key: ResourceKey, inspected: Json, needs: Iterable[Need]) -> Resource:
    owner = _owner(scope, inspected)
    spec = spec_of(
        inspected,
        _wanted(scope, key),
        owner,
        now=lambda: scope.now,
        trial=scope.host.trial,
        shares=_shares(scope, inspected, owner),
    )
    return Resource(
        ResourceKey("process", key.name),
        spec,
        needs=tuple(sorted({Need(key, "container"), *needs})),
        claims=tuple(sorted(claims(inspected))),
        part_of=key,
        live=MappingProxyType(facts(inspected)),
    )


def _target(scope: Scope, inspected: Json) -> Json | None:
    """The inspection of the container whose network namespace is shared: we name it by its id to the engine."""
    mode = inspected["HostConfig"]["NetworkMode"]
    if not mode.startswith(SHARED):
        return None
    identity = mode.partition(":")[2]
    return scope.containers.get(identity) or scope.shared_with.get(identity)


def _owner(scope: Scope, inspected: Json) -> Json | None:
    """The inspection of the container that the network namespace belongs to: it may be shared by way of others."""
    found, further = None, _target(scope, inspected)
    while further:
        found, further = further, _target(scope, further)
    return found


def _shares(scope: Scope, inspected: Json, owner: Json | None) -> bool | None:
    """Tell whether two containers are in one network namespace; None where that is out of sight."""
    if owner is None or in_reach(scope) is None:
        return None
    try:
        mine, theirs = (Path(f"/proc/{each['State']['Pid']}/ns/net").stat() for each in (inspected, owner))
    except OSError:  # one of them does not run, or does no more
        return None
    return mine.st_ino == theirs.st_ino


def _needs(inspected: Json, target: Json | None, known: Mapping[str, str]) -> Iterator[Need]:
    if target:
        name = known.get(target["Id"], f"@{target['Name'][1:]}")
        yield Need(ResourceKey("process", name), "network_mode")
    for link in inspected["HostConfig"].get("Links") or ():
        live = link.partition(":")[0].removeprefix("/")
        yield Need(ResourceKey("process", known.get(live, f"@{live}")), "links", How.AFTER)
