"""Which endpoints there are, as far as they concern the topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.host.engine_scope import live_name
from reconciler.host.marks import topology_of
from reconciler.kinds.connect.live import addresses, has_completed, holds, interfaces, link_of, spec_of, subnets
from reconciler.kinds.connect.networks import Networks
from reconciler.kinds.connect.spec import ConnectSpec, address_claims, key_of
from reconciler.kinds.container.ours import ours, spaces, veths
from reconciler.kinds.networking import BRIDGE, RUNS
from reconciler.model import Claim, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.kernel import Space
    from reconciler.host.scope import Scope

Json = Mapping[str, Any]
_NO_NETWORKS = ("none", "host")


class Seen(NamedTuple):
    """An endpoint: the live name of its network, what the engine tells, its namespace where that was looked into."""

    name: str
    endpoint: Json
    space: Space | None


def endpoints(scope: Scope) -> Iterator[Resource]:
    """Yield the endpoints of our containers, and the foreign ones that are in the way."""
    networks = Networks(scope)
    within = spaces(scope)
    for key, inspected in ours(scope).items():
        for name, endpoint in (inspected["NetworkSettings"].get("Networks") or {}).items():
            space = within.get(key)
            if _counts(scope, key, name) and holds(endpoint, inspected, space):
                yield from _observed(scope, networks, key, inspected, Seen(name, endpoint, space))
    yield from _foreign(scope, networks)


def keys_of(scope: Scope) -> dict[ResourceKey, tuple[ResourceKey, ...]]:
    """Return the keys of the endpoints that each of our containers says it has."""
    networks = Networks(scope)
    return {
        key: tuple(
            key_of(key.name, networks.key(name, endpoint).name)
            for name, endpoint in (inspected["NetworkSettings"].get("Networks") or {}).items()
            if _counts(scope, key, name)
        )
        for key, inspected in ours(scope).items()
    }


def _counts(scope: Scope, key: ResourceKey, name: str) -> bool:
    """Tell whether an endpoint is one of this kind: on Docker's own bridge it belongs to a container of that mode."""
    if name in _NO_NETWORKS:
        return False
    desired = scope.desired.resources.get(key)
    return name != BRIDGE or bool(desired and getattr(desired.spec, "network_mode", "") in ("", "none"))


def _observed(scope: Scope, networks: Networks, key: ResourceKey, inspected: Json, seen: Seen) -> Iterator[Resource]:
    name, endpoint, space = seen
    identity = networks.identity(name, endpoint)
    network = networks.key(name, endpoint)
    own = key_of(key.name, network.name)
    desired = scope.desired.resources.get(own)
    want = desired.spec if desired and isinstance(desired.spec, ConnectSpec) else _undeclared(inspected)
    spec = replace(
        spec_of(name, endpoint, inspected, want, version=scope.host.engine.version),
        ours=identity in networks.ours,
        subnets=subnets(scope.networks.get(identity, {})),
        spares=veths(scope, space),
    )
    if _is_to_run(scope, key, inspected) and networks.held_by_another(identity, inspected, spec):
        return
    yield Resource(
        own,
        spec,
        needs=tuple(sorted((Need(key, "container"), Need(network, "network")))),
        claims=tuple(sorted({*_claims(network, endpoint, spec), *interfaces(key, endpoint, space)})),
        part_of=key,
        live=_facts(seen, inspected),
    )


def _undeclared(inspected: Json) -> ConnectSpec:
    """Where nothing is declared the hostname counts as an alias: as a rule the name in the file is both."""
    return ConnectSpec(aliases=(inspected["Config"].get("Hostname") or "",))


def _is_to_run(scope: Scope, key: ResourceKey, inspected: Json) -> bool:
    process = scope.desired.resources.get(ResourceKey("process", key.name))
    want = getattr(process and process.spec, "state", "")
    return want in RUNS and not (want == "completed" and has_completed(inspected))


def _claims(network: ResourceKey, endpoint: Json, spec: ConnectSpec) -> Iterator[Claim]:
    for each in addresses(endpoint):
        yield from address_claims(network.name, [each], chosen=each not in (spec.ipv4_address, spec.ipv6_address))


def _facts(seen: Seen, inspected: Json) -> Mapping[str, Any]:
    name, endpoint, space = seen
    link = link_of(endpoint, space)
    return MappingProxyType(
        {
            "container": inspected["Id"],
            "name": name,
            "network": endpoint.get("NetworkID") or "",
            "addresses": tuple(addresses(endpoint)),
            "mac": endpoint.get("MacAddress") or "",
            "interface": link.name if link else "",
        }
    )


def _foreign(scope: Scope, networks: Networks) -> Iterator[Resource]:
    """Yield what others have on a network that may go, a declared address, or the name of a container of ours."""
    wanted = {(claim.scope, claim.low) for each in scope.desired.of_kind("connect") for claim in each.claims}
    names = {name for kind, name in scope.wanted.keys() - scope.externals if kind == "container"}
    own = {each["Id"] for each in ours(scope).values()}
    others = [row for row in scope.container_rows if row["Id"] not in own]
    for row in others:
        for name, endpoint in ((row.get("NetworkSettings") or {}).get("Networks") or {}).items():
            identity = networks.identity(name, endpoint)
            network = networks.keys.get(identity)
            held = tuple(address_claims(network.name, addresses(endpoint))) if network else ()
            concerns = identity in networks.may_go or live_name(row) in names
            if network and (concerns or any((each.scope, each.low) in wanted for each in held)):
                yield _of_another(row, network, held)


def _of_another(row: Json, network: ResourceKey, held: tuple[Claim, ...]) -> Resource:
    live = live_name(row)
    return Resource(
        key_of(f"@{live}", network.name),
        ConnectSpec(),
        needs=(Need(network, "network"),),
        claims=held,
        owned=False,
        part_of=ResourceKey("container", f"@{live}"),
        live=MappingProxyType({"who": f"container {live}", **topology_of(row.get("Labels"))}),
    )
