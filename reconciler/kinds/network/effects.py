"""What is done to Docker networks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError, StepFailed
from reconciler.host.engine.errors import FORBIDDEN, NOT_FOUND, EngineError
from reconciler.host.engine_scope import own_labels_of
from reconciler.host.marks import of_labels
from reconciler.host.netlink import Socket, set_link
from reconciler.kinds.base import Result
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.effects import insist, mark_of, seen, wanted
from reconciler.kinds.labelled import secrets_label
from reconciler.kinds.network.spec import NetworkSpec
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

_HINTS = {
    "Pool overlaps": "another network has a part of its subnet: choose another subnet",
    "non-overlapping IPv6": "this engine has no IPv6 subnets to give: declare one in ipam.config",
    "non-overlapping IPv4": "the engine's own subnets are used up: declare one in ipam.config, or remove networks",
    "not a swarm manager": "a network with this driver needs a swarm: `docker swarm init`, or the driver bridge",
}


def set_up(step: Step, host: Host) -> Result:
    """Set the bridge of a network up."""
    del host
    with Socket() as socket:
        insist(socket.send([set_link(seen(step).live["bridge"], up=True)]))
    return Status.DONE


def created(step: Step, host: Host) -> Result:
    """Make a network with its labels."""
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


def deleted(step: Step, host: Host) -> Result:
    """Remove a network; one that is gone already is no error."""
    resource = seen(step)
    identity = resource.live["id"]
    try:
        _remove(host, step, identity)
    except Exception as error:
        if status(error) == NOT_FOUND:
            return Status.DONE
        if "active endpoints" not in str(error):
            raise
        names = _connected(host, identity)
        why = _BUSY if names else _MISCOUNTED
        raise StepFailed(why.format(key=resource.key, names=names, name=_name(resource))) from error
    return Status.DONE


def _remove(host: Host, step: Step, identity: str) -> None:
    networks = host.engine.networks
    try:
        networks.remove(identity)
    except Exception as error:
        if status(error) != FORBIDDEN:
            raise
        _let_go_of_ours(host, step, identity)
        patiently(host.engine, lambda: networks.remove(identity), passing=lambda error: status(error) == FORBIDDEN)


def _let_go_of_ours(host: Host, step: Step, identity: str) -> None:
    """Take containers of ours off a network that is to go: what is left of an endpoint that has lost its interface.

    Those that were whole have been disconnected before.
    """
    for container in host.engine.networks.inspect(identity).get("Containers") or {}:
        found = host.engine.containers.find(container)
        mark = of_labels(own_labels_of(found)) if found else None
        if mark and mark.topology == step.topology:
            with contextlib.suppress(EngineError):
                host.engine.networks.disconnect(identity, container)


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
