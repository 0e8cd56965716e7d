"""Read what is live on a host, as a topology of the same types as the desired one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from reconciler.errors import EngineUnreachable, HostRefuses, NotNow, ReconcilerError
from reconciler.host import Host
from reconciler.host.kernel.elsewhere import Elsewhere
from reconciler.host.marks import is_from
from reconciler.host.scope import Scope
from reconciler.kinds.base import Kind
from reconciler.model import Resource, ResourceKey, Topology
from reconciler.secret import publish

Observed = tuple[tuple[Resource, ...], tuple[tuple[ResourceKey, str], ...]] | ReconcilerError


def observe(
    host: Host,
    desired: Topology,
    *,
    kinds: Mapping[str, Kind],
    adopting: Collection[ResourceKey] = (),
    declared: Topology | None = None,
) -> Topology:
    """Observe what is ours, what the file calls external, and what stands in the way of a declared live name.

    What is in a namespace that is to be adopted is seen as what is in one of ours. A kind that cannot be observed is
    noted as unavailable, with the reason. `declared` is what the file says where less than that is desired.
    """
    of_engine = [name for name, kind in kinds.items() if "engine" in kind.uses]
    scope = Scope(host, desired, of_engine, adopting, declared)
    with ThreadPoolExecutor(max(1, len(kinds))) as pool:
        found = dict(zip(kinds, pool.map(lambda kind: _observed(kind, scope), kinds.values()), strict=True))
    seen = [part for part in found.values() if isinstance(part, tuple)]
    observed = [each for part, _ in seen for each in part]
    lacking = tuple(sorted(each for _, part in seen for each in part))
    unavailable = {name: part for name, part in found.items() if isinstance(part, ReconcilerError)}
    publish(word for each in observed for word in _public(each, kinds))
    by_key = {each.key: each for each in sorted(observed, key=lambda each: each.key)}
    resources, missing = MappingProxyType(by_key), MappingProxyType(unavailable)
    # Where what is declared cannot be looked at nobody knows whether this one is new.
    beside = () if any(map(desired.of_kind, unavailable)) else _beside(scope)
    return Topology(desired.name, resources, missing, desired.source, lacking=lacking, beside=beside)


def needed_and_unavailable(observed: Topology, host: Host, declared: Topology | None) -> dict[str, ReconcilerError]:
    """Return the kinds that could not be observed though they are declared, or for no good reason, with the reasons.

    Where nothing says what is declared they are all needed. That the engine is known to be away is a good reason: what
    is in it waits, with all that needs it.
    """
    return {
        kind: error
        for kind, error in observed.unavailable.items()
        if not (host.away and isinstance(error, EngineUnreachable))
        and (declared is None or declared.of_kind(kind) or not isinstance(error, HostRefuses | NotNow))
    }


def _public(each: Resource, kinds: Mapping[str, Kind]) -> Iterable[str]:
    """Return what of a resource is told in any case: of what is of no kind, such as an interface, its name."""
    kind = kinds.get(each.key.kind)
    return kind.public(each) if kind else (each.key.name,)


def _beside(scope: Scope) -> tuple[str, ...]:
    """Name the topologies that were made from the same file, as far as they came into sight, if this one is new."""
    found: set[str] = set()
    for mark in scope.in_sight():
        if mark.topology == scope.name:
            return ()
        if is_from(scope.desired.source, mark.source):
            found.add(mark.topology)
    return tuple(sorted(found))


def _observed(kind: Kind, scope: Scope) -> Observed:
    try:
        found = tuple(kind.observe(scope))
        if "kernel" in kind.uses:
            _insist_on_one_host(kind.name, scope, found)
        return found, tuple(kind.lacking(scope))
    except Exception as error:  # noqa: BLE001 - every reason why a kind cannot be observed is kept as a value
        return scope.host.explain(error)


def _insist_on_one_host(kind: str, scope: Scope, found: Iterable[Resource]) -> None:
    """Refuse kernel work beside an engine that lives elsewhere, or in its containers where it may do so.

    The first is the same for all kinds, so that it is told once; of the second the key is the reason. Where there is
    no file to say what belongs together, all that is ours may be in containers, or beside some.
    """
    declared = scope.declared.of_kind(kind)
    unsaid = scope.is_by_name and any(each.owned for each in found)
    if not (declared or unsaid) or (refusal := scope.kernel.stranger) is None:
        return
    beside = unsaid or any(each.key.kind in scope.of_engine for each in scope.declared)
    if isinstance(refusal, Elsewhere) and beside:
        raise refusal
    for each in declared:
        if any(need.key.kind in scope.of_engine for need in each.needs):
            raise type(refusal)(f"{each.key}: {refusal}")
