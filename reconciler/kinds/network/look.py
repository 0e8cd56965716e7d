"""Looking at Docker networks: which of them are resources of a topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from reconciler.claims import of_nobody
from reconciler.host.kernel.elsewhere import Elsewhere, stranger
from reconciler.host.marks import topology_of
from reconciler.host.scope import in_reach
from reconciler.kinds.addresses import is_beside
from reconciler.kinds.labelled import whose
from reconciler.kinds.network import beside
from reconciler.kinds.network.live import facts, interface, observed_spec
from reconciler.kinds.network.spec import BRIDGE, PARENT, NetworkSpec, claims, parents
from reconciler.kinds.nodes import label
from reconciler.model import HOST, Claim, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope


def observe(scope: Scope) -> Iterator[Resource]:
    """Yield the networks of a topology, what is in the way of them, and those that have the subnet of an address."""
    declared = scope.desired.of_kind("network")
    wanted = of_nobody([*chain(*(each.claims for each in declared)), *_addresses_in_host(scope)])
    bridged = {each for desired in declared if _is_a_bridge(desired) for each in desired.claims}
    there: set[Claim] = set()
    for key, owned, row in whose(scope, "network", scope.networks.values()):
        spec = observed_spec(row, scope.mark(row.get("Labels")))
        held = tuple(sorted(claims(spec)))
        there.update(held if owned else ())
        if owned or key in scope.desired.resources or wanted.overlap(held):
            live = facts(row, spec) if owned else {**facts(row, spec), **topology_of(row.get("Labels"))}
            needs = tuple(_needs(scope, spec)) if owned else ()
            spec = _with_interface(scope, key, spec, live)
            yield Resource(key, spec, needs=needs, claims=held, owned=owned, live=live)
    yield from beside.holders(scope, sorted(bridged - there))


def _needs(scope: Scope, spec: NetworkSpec) -> Iterator[Need]:
    """Yield the interface of ours that a network is on, as far as the kernel is in reach."""
    found = parents(spec)
    kernel = in_reach(scope) if found else None
    mark = kernel and next(filter(None, (kernel.mine(kernel.host.link(each)) for each in found)), None)
    if mark:
        yield Need(mark.key, PARENT)


def _with_interface(scope: Scope, key: ResourceKey, spec: NetworkSpec, live: Mapping[str, Any]) -> NetworkSpec:
    """Return a network with what became of its bridge, as far as the file has it and the kernel is in reach."""
    desired = scope.desired.resources.get(key)
    if not (desired and desired.owned and live.get("bridge")):
        return spec
    kernel = in_reach(scope)
    return replace(spec, interface=interface(kernel.host.link(live["bridge"]))) if kernel else spec


def _is_a_bridge(resource: Resource) -> bool:
    return NetworkSpec.of(resource).driver == BRIDGE


def _addresses_in_host(scope: Scope) -> list[Claim]:
    """Return what is declared of the host's addresses beside networks, unless these are known to be elsewhere."""
    here = label(HOST)
    found = [claim for each in scope.desired for claim in each.claims if is_beside(claim, here)]
    return [] if found and isinstance(stranger(scope.host), Elsewhere) else found
