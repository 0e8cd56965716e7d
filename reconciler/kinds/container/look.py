"""Which containers there are, as far as they concern the topology."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host.engine_scope import live_name
from reconciler.host.marks import SOURCE, topology_of
from reconciler.host.scope import in_reach
from reconciler.kinds.connect.live import interfaces
from reconciler.kinds.connect.networks import Networks
from reconciler.kinds.connect.spec import MAC_AT_CONNECT, MAC_AT_CREATE
from reconciler.kinds.container import volumes
from reconciler.kinds.container.live import spec_of
from reconciler.kinds.container.ours import externals, names, ours, spaces, veths
from reconciler.kinds.container.parse import name_claim
from reconciler.kinds.container.seen import Seen
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.networking import BRIDGE, SHARED
from reconciler.model import Claim, FrozenMap, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.kernel import Space
    from reconciler.host.scope import Scope

Json = Mapping[str, Any]
_INIT = "docker-init\n"
"""What the engine mounts its init as, in /proc/PID/comm."""


def seen_containers(scope: Scope) -> Iterator[Resource]:
    """Yield ours, declared externals, and foreign ones that have a declared live name."""
    own, outer, known = ours(scope), externals(scope), names(scope)
    linked = {link[1:].partition(":")[0] for each in own.values() for link in each["HostConfig"].get("Links") or ()}
    bridged = {key.name for key, each in outer.items() if BRIDGE in (each["NetworkSettings"].get("Networks") or ())}
    within = spaces(scope)
    answering = {(f"/{live_name(row)}", name) for row in scope.container_rows for name in row.get("Names") or ()}
    networks = Networks(scope) if MAC_AT_CREATE <= scope.host.engine.version < MAC_AT_CONNECT else None
    for key, inspected in own.items():
        space = within.get(key)
        yield _own(
            scope,
            key,
            inspected,
            known,
            linked=linked,
            bridged=bridged,
            answering=answering,
            space=space,
            networks=networks,
        )
    for key, inspected in outer.items():
        live = MappingProxyType({"id": inspected["Id"]})
        yield Resource(key, ContainerSpec(inspected["Name"][1:]), owned=False, live=live)
    ids = {each["Id"] for each in (*own.values(), *outer.values())}
    for row in scope.container_rows:
        name = live_name(row)
        wanted = scope.wanted.get(("container", name))
        if wanted and row["Id"] not in ids:
            # Of what nobody has looked at nothing is said to differ, but that it has no mark of ours.
            spec = replace(ContainerSpec.of(scope.desired.resources[wanted]), marked=False)
            key = ResourceKey("container", f"@{name}")
            anonymous = {"anonymous_volumes": volumes.anonymous(row.get("Mounts"))}
            live = MappingProxyType({"id": row["Id"], **anonymous, **topology_of(row.get("Labels"))})
            yield Resource(key, spec, claims=(name_claim(name),), owned=False, live=live)


def _own(
    scope: Scope,
    key: ResourceKey,
    inspected: Json,
    known: Mapping[str, str],
    *,
    linked: Collection[str],
    bridged: Collection[str],
    answering: Collection[tuple[str, str]],
    space: Space | None,
    networks: Networks | None,
) -> Resource:
    desired = scope.desired.resources.get(key)
    want = desired.spec if desired and isinstance(desired.spec, ContainerSpec) else ContainerSpec()
    version = scope.host.engine.version
    seen = Seen(
        inspected,
        want,
        image=scope.inspect_image(inspected["Image"]).get("Config") or {},
        info=scope.info,
        current=scope.inspect_image(want.reference).get("Id", "") if want.reference else "",
        named=lambda name: known.get(name, f"@{name}"),
        live_name=lambda identity: scope.live_names.get(identity, identity),
        linked=linked,
        bridged=bridged,
        answers=lambda *link: link in answering,
        sysctls=space.sysctls if space else {},
        mac=version < MAC_AT_CONNECT,
        mac_of_endpoint=version >= MAC_AT_CREATE,
        has_init=lambda: _has_init(scope, inspected, want.init),
    )
    spec = replace(spec_of(seen), spares=veths(scope, space))
    return Resource(
        key,
        spec,
        needs=tuple(sorted((*_needs(scope, inspected, spec), *_mac_needs(networks, key, inspected, spec)))),
        claims=tuple(sorted({name_claim(spec.name), *_interfaces(key, inspected, spec, space)})),
        live=_facts(inspected, spec),
        handle=MappingProxyType({"sysctls": FrozenMap(inspected["HostConfig"].get("Sysctls"))}),
    )


def _has_init(scope: Scope, inspected: Json, declared: bool | None) -> bool | None:
    """Tell whether the engine's init is the first process; as declared where none runs, None if it is out of sight."""
    if in_reach(scope) is None:
        return None
    try:
        return Path(f"/proc/{inspected['State']['Pid']}/comm").read_text() == _INIT
    except OSError:  # 0, or one that has ended meanwhile
        return declared


def _interfaces(key: ResourceKey, inspected: Json, spec: ContainerSpec, space: Space | None) -> Iterator[Claim]:
    """Yield the claim on the interface on Docker's own bridge, where that belongs to the container."""
    endpoint = (inspected["NetworkSettings"].get("Networks") or {}).get(BRIDGE)
    if endpoint and spec.network_mode == BRIDGE:
        yield from interfaces(key, endpoint, space)


def _needs(scope: Scope, inspected: Json, spec: ContainerSpec) -> Iterator[Need]:
    if spec.image.startswith("image/"):
        yield Need(ResourceKey.of(spec.image), "image")
    for each in inspected.get("Mounts") or ():
        if each.get("Type") == "volume" and (volume := _volume(scope, each.get("Name") or "")):
            yield Need(volume, "volumes")
    for link in spec.links:
        yield Need(ResourceKey("container", link.rpartition(":")[0]), "links")
    if spec.network_mode.startswith(SHARED):
        yield Need(ResourceKey("container", spec.network_mode.partition(":")[2]), "network_mode")


def _mac_needs(networks: Networks | None, key: ResourceKey, inspected: Json, spec: ContainerSpec) -> Iterator[Need]:
    """Yield the endpoint whose MAC address these engines give where the container is made: a connect would lose it."""
    if spec.mac_address and networks:
        endpoint = networks.key_on(key, inspected, inspected["HostConfig"]["NetworkMode"])
        if endpoint:
            yield Need(endpoint, "mac_network")


def _volume(scope: Scope, name: str) -> ResourceKey | None:
    mark = scope.mark((scope.volumes.get(name) or {}).get("Labels"))
    return mark.key if mark and mark.key.kind == "volume" else scope.wanted.get(("volume", name))


def _source(inspected: Json) -> str:
    return str((inspected["Config"].get("Labels") or {}).get(SOURCE, ""))


def _facts(inspected: Json, spec: ContainerSpec) -> Mapping[str, Any]:
    networks = inspected["NetworkSettings"].get("Networks") or {}
    return MappingProxyType(
        {
            "id": inspected["Id"],
            "image": inspected["Image"],
            "source": _source(inspected),
            "grace": inspected["Config"].get("StopTimeout"),
            "signal": inspected["Config"].get("StopSignal") or "",
            "anonymous_volumes": volumes.anonymous(inspected.get("Mounts"), spec.volumes),
            "addresses": {name: each.get("IPAddress") or "" for name, each in sorted(networks.items())},
        }
    )
