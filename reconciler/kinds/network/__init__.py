"""Docker networks: nothing of them can be changed in place, but that the bridge of one is down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host.engine.errors import FORBIDDEN, NOT_FOUND
from reconciler.host.marks import topology_of
from reconciler.host.netlink import Socket, set_link
from reconciler.host.scope import in_reach
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.effects import insist, mark_of, one_by_one, seen, wanted
from reconciler.kinds.labelled import secrets_label, whose
from reconciler.kinds.network import beside
from reconciler.kinds.network.live import facts, interface, observed_spec
from reconciler.kinds.network.parse import networks
from reconciler.kinds.network.spec import BRIDGE, DOWN, UP, NetworkSpec, claims
from reconciler.kinds.source import Source
from reconciler.model import Claim, Resource, ResourceKey, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_HINTS = {
    "Pool overlaps": "another network has a part of its subnet: choose another subnet",
    "non-overlapping IPv6": "this engine has no IPv6 subnets to give: declare one in ipam.config",
    "non-overlapping IPv4": "the engine's own subnets are used up: declare one in ipam.config, or remove networks",
    "not a swarm manager": "a network with this driver needs a swarm: `docker swarm init`, or the driver bridge",
}


class NetworkKind(Kind):
    """A Docker network."""

    name = "network"
    spec = NetworkSpec
    section = "networks"
    uses = frozenset(("engine",))

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `networks`, and the network `default` where a container joins it."""
        return networks(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by their labels; externals by name; what is foreign and has a declared name, subnet or interface."""
        declared = scope.desired.of_kind("network")
        wanted = [each for desired in declared for each in desired.claims]
        bridged = {each for desired in declared if _is_a_bridge(desired) for each in desired.claims}
        there: set[Claim] = set()
        for key, owned, row in whose(scope, "network", scope.networks.values()):
            spec = observed_spec(row, scope.mark(row.get("Labels")))
            held = tuple(sorted(claims(spec)))
            there.update(held if owned else ())
            if owned or key in scope.desired.resources or _overlap(held, wanted):
                live = facts(row, spec) if owned else {**facts(row, spec), **topology_of(row.get("Labels"))}
                yield Resource(key, _with_interface(scope, key, spec, live), claims=held, owned=owned, live=live)
        yield from beside.holders(scope, sorted(bridged - there))

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """A bridge that is down can be set up again, unless it has lost IPv6 addresses by that."""
        del desired
        have = NetworkSpec.of(observed)
        return path == "interface" and have.interface == DOWN and not have.enable_ipv6

    def former(self, observed: Resource) -> Resource:
        """With its bridge."""
        return replace(observed, spec=replace(NetworkSpec.of(observed), interface=UP))

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Its bridge, once it has one: the engine tells nothing of what becomes of that."""
        bridge = resource.live.get("bridge")
        return (bridge,) if bridge and resource.owned else ()

    def tell(self, resource: Resource) -> Told:
        """Its name, its subnets, and its bridge in the host."""
        spec = NetworkSpec.of(resource)
        bridge = resource.live.get("bridge")
        subnets = map(str, resource.live.get("subnets", ()))
        return Told((spec.name, *subnets, f"bridge {bridge}" if bridge else spec.driver))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make each with its labels."""
        return one_by_one(host, steps, lambda step: _created(host, step))

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Set its bridge up."""
        return one_by_one(host, steps, lambda step: _set_up(seen(step).live["bridge"]))

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove each; endpoints that are about to go are waited for."""
        return one_by_one(host, steps, lambda step: _deleted(host, step))


def _with_interface(scope: Scope, key: ResourceKey, spec: NetworkSpec, live: Mapping[str, Any]) -> NetworkSpec:
    """Return a network with what became of its bridge, as far as the file has it and the kernel is in reach."""
    desired = scope.desired.resources.get(key)
    if not (desired and desired.owned and live.get("bridge")):
        return spec
    kernel = in_reach(scope)
    return replace(spec, interface=interface(kernel.host.link(live["bridge"]))) if kernel else spec


def _set_up(bridge: str) -> Status:
    with Socket() as socket:
        insist(socket.send([set_link(bridge, up=True)]))
    return Status.DONE


def _is_a_bridge(resource: Resource) -> bool:
    return NetworkSpec.of(resource).driver == BRIDGE


def _overlap(held: Iterable[Claim], wanted: Sequence[Claim]) -> bool:
    return any(ours.overlaps(theirs) for theirs in held for ours in wanted)


def _created(host: Host, step: Step) -> Result:
    resource = wanted(step)
    spec = NetworkSpec.of(resource)
    try:
        host.engine.networks.create(
            {
                "Name": spec.name,
                "Driver": spec.driver,
                "Options": dict(spec.driver_opts),
                "IPAM": _ipam(spec),
                "CheckDuplicate": True,
                "Internal": spec.internal,
                "Labels": {**spec.labels, **mark_of(step, host).labels(), **secrets_label(spec)},
                "EnableIPv6": spec.enable_ipv6,
                "Attachable": spec.attachable,
            }
        )
    except Exception as error:
        raise _hinted(step, host.explain(error)) from error
    return Status.DONE


def _ipam(spec: NetworkSpec) -> dict[str, Any]:
    pools = [
        {
            "Subnet": subnet,
            "IPRange": each.ip_range or None,
            "Gateway": each.gateway,
            "AuxiliaryAddresses": dict(each.aux_addresses),
        }
        for subnet, each in spec.ipam.config.pools()
    ]
    return {"Driver": spec.ipam.driver, "Config": pools, "Options": dict(spec.ipam.options)}


def _hinted(step: Step, error: ReconcilerError) -> ReconcilerError:
    hint = next((hint for text, hint in _HINTS.items() if text in str(error)), "")
    return StepFailed(f"{step.key.key}: {hint} ({error})") if hint else error


def _deleted(host: Host, step: Step) -> Result:
    resource, networks = seen(step), host.engine.networks
    identity = resource.live["id"]
    try:
        patiently(host.engine, lambda: networks.remove(identity), passing=lambda error: status(error) == FORBIDDEN)
    except Exception as error:
        if status(error) == NOT_FOUND:
            return Status.DONE
        if "active endpoints" not in str(error):
            raise
        names = _connected(host, identity)
        why = _BUSY if names else _MISCOUNTED
        raise StepFailed(why.format(key=resource.key, names=names, name=_name(resource))) from error
    return Status.DONE


_BUSY = (
    "{key}: {names} still on it: disconnect it with `docker network disconnect {name}"
    " CONTAINER`, or remove that container, then run again"
)

_MISCOUNTED = (
    "{key}: the engine has lost count: it keeps {name} for endpoints that it does not have any more; restart the"
    " engine, then run again"
)
"""Engines before 28.1 do so now and then, when many containers come and go at once (host/engine/networks.py)."""


def _connected(host: Host, identity: str) -> str:
    found = host.engine.networks.inspect(identity).get("Containers") or {}
    names = sorted(each.get("Name") or short[:12] for short, each in found.items())
    return f"container {names[0]} is" if len(names) == 1 else f"containers {', '.join(names)} are" if names else ""


def _name(resource: Resource) -> str:
    return NetworkSpec.of(resource).name


KIND = NetworkKind()
