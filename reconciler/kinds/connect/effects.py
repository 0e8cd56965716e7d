"""Connecting and disconnecting."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from reconciler.errors import HostRefuses, StepFailed
from reconciler.host.engine.errors import NOT_FOUND, EngineError
from reconciler.host.kernel import Reach, Where
from reconciler.host.netlink import Link, get_link
from reconciler.kinds.base import Result
from reconciler.kinds.calls import status
from reconciler.kinds.connect.live import is_up, subnets
from reconciler.kinds.connect.spec import MAC_AT_CONNECT, ConnectSpec, endpoint
from reconciler.kinds.effects import seen, wanted
from reconciler.kinds.route.aside import insist_on_way_back, routes_aside
from reconciler.kinds.still_ours import insist, network_now
from reconciler.model import Resource, ResourceKey, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

_NONE = "none"
_ATTEMPTS = 8
_NAME_TAKEN = "file exists"
"""What the engine says when the next ethN is there already: at the next attempt an old one counts on.

So it does where that is the name of a veth of the container which is about to be made.
"""
_NAMES_INTERFACES = (1, 49)
"""From this API version on the engine has to be told another name."""
_INTERFACE = "com.docker.network.endpoint.ifname"
_FROM = 16
_HINTS = {
    "Address already in use": "something else has that address: choose another, or disconnect it",
    "conflicts with existing route": "something else has put that route into the container: remove it there",
    "no available IPv4": "the subnet is used up: declare a larger one",
}
_OLD = (
    "{key}: an engine before 29.3 gives a MAC address on one network of a container only, "
    "with links on Docker's own bridge on that: declare no other"
)


def connected(step: Step, host: Host) -> Result:
    """Connect with the whole configuration; what a failed attempt left behind is disconnected first."""
    resource = wanted(step)
    spec = ConnectSpec.of(resource)
    refuse_mac(resource, host.engine.version)
    inspected = host.engine.containers.inspect(spec.container)
    insist(step, inspected, ResourceKey("container", resource.key.name.partition("--")[0]))
    key = next(each.key for each in resource.needs if each.key.kind == "network")
    network = network_now(host, Where(key, spec.network, step.topology if spec.ours else ""))
    live = inspected["NetworkSettings"].get("Networks") or {}
    with routes_aside(host, inspected, subnets(network)):
        for stale in {_NONE, spec.network} & live.keys():
            _let_go(host, inspected["Id"], stale)
        _connect(host, resource, inspected["Id"])
    return Status.DONE


def refuse_mac(resource: Resource, version: tuple[int, int]) -> None:
    """Raise where the engine cannot give the endpoint its MAC address."""
    spec = ConnectSpec.of(resource)
    if spec.mac_address and not spec.first and version < MAC_AT_CONNECT:
        raise HostRefuses(_OLD.format(key=resource.key))


def _connect(host: Host, resource: Resource, container: str) -> None:
    spec = ConnectSpec.of(resource)
    try:
        join(host, container, spec.network, endpoint(spec, host.engine.version), spares=spec.spares)
    except Exception as error:
        raise _hinted(resource, host.explain(error)) from error


def join(host: Host, container: str, network: str, config: Mapping[str, Any], *, spares: Sequence[str]) -> None:
    """Connect; in a container that runs its interface gets a name that is none of those that are spared."""
    last = _ATTEMPTS + len(spares) - 1
    free = (name for number in count(_FROM) if (name := f"eth{number}") not in spares)
    for attempt in range(last + 1):
        named = attempt and host.engine.version >= _NAMES_INTERFACES
        options = {"DriverOpts": {_INTERFACE: next(free)}} if named else {}
        try:
            host.engine.networks.connect(network, container, {**config, **options})
        except Exception as error:
            _let_go(host, container, network)
            if _NAME_TAKEN not in str(error) or attempt == last:
                raise
        else:
            if attempt == last or not _takes_a_name(host, container, network, spares):
                return
            _let_go(host, container, network)


def _takes_a_name(host: Host, container: str, network: str, spares: Sequence[str]) -> bool:
    """Tell whether the engine has given the interface, in a container that runs, the name of one of its veths."""
    inspected = host.engine.containers.inspect(container) if spares else None
    if inspected is None or not is_up(inspected):
        return False
    mac = inspected["NetworkSettings"]["Networks"].get(network, {}).get("MacAddress")
    with Reach(host) as reach:
        socket = reach.socket(Where(ResourceKey("container", container), inspected["Id"]))
        found = socket.ask([get_link(each) for each in spares])
    return any(isinstance(each, Link) and each.mac == mac for each in found)


def _hinted(resource: Resource, error: Exception) -> StepFailed:
    hint = next((hint for text, hint in _HINTS.items() if text in str(error)), "")
    return StepFailed(f"{resource.key}: {error}" + (f": {hint}" if hint else ""))


def disconnected(step: Step, host: Host) -> Result:
    """Disconnect; the network may be gone already."""
    resource, engine = seen(step), host.engine
    container, network = resource.live["container"], resource.live["name"]
    try:
        inspected = engine.containers.inspect(container)
        if step.change.desired:
            again = _subnets_again(ConnectSpec.of(step.change.desired), engine.networks.inspect(network))
            insist_on_way_back(host, inspected, again, resource.live["interface"])
        with routes_aside(host, inspected):
            engine.networks.disconnect(network, container)
    except Exception as error:
        if status(error) != NOT_FOUND and "is not connected to" not in str(error):
            raise
    return Status.DONE


def _subnets_again(spec: ConnectSpec, network: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the subnets to connect to again: the declared ones, and of a family that has none those that are live.

    The network may be about to be replaced.
    """
    families = {":" in each for each in spec.subnets}
    return (*spec.subnets, *(each for each in subnets(network) if (":" in each) not in families))


def _let_go(host: Host, container: str, network: str) -> None:
    # A phantom of a running container cannot be disconnected: it goes when a connect succeeds.
    with contextlib.suppress(EngineError):
        host.engine.networks.disconnect(network, container)
