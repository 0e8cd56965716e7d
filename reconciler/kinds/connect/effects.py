"""Connecting and disconnecting."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from reconciler.errors import HostRefuses, StepFailed
from reconciler.kinds.base import Result
from reconciler.kinds.calls import status
from reconciler.kinds.connect.spec import MAC_AT_CONNECT, ConnectSpec, endpoint
from reconciler.kinds.effects import seen, wanted
from reconciler.kinds.route.aside import defaults_aside
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from docker.api.client import APIClient

    from reconciler.host import Host

_NOT_FOUND = 404
_NONE = "none"
_ATTEMPTS = 8
_NAME_TAKEN = "file exists"
"""What the engine says when the next ethN is there already: at the next attempt an old one counts on."""
_NAMES_INTERFACES = (1, 49)
"""From this API version on the engine has to be told another name."""
_INTERFACE = "com.docker.network.endpoint.ifname"
_FROM = 15
_HINTS = {
    "Address already in use": "something else has that address: choose another, or disconnect it",
    "no available IPv4": "the subnet is used up: declare a larger one",
}
_OLD = "{key}: an engine before 25.0 gives a MAC address on one network of a container only: declare no other"


def connected(host: Host, step: Step) -> Result:
    """Connect with the whole configuration; what a failed attempt left behind is disconnected first."""
    resource = wanted(step)
    spec = _spec(resource)
    refuse_mac(resource, host.engine.version)
    api = host.engine.api
    inspected = api.inspect_container(spec.container)
    live = inspected["NetworkSettings"].get("Networks") or {}
    with defaults_aside(host, inspected):
        for stale in {_NONE, spec.network} & live.keys():
            _let_go(api, spec.container, stale)
        _connect(host, resource, spec)
    return Status.DONE


def refuse_mac(resource: Resource, version: tuple[int, int]) -> None:
    """Raise where the engine cannot give the endpoint its MAC address."""
    spec = _spec(resource)
    if spec.mac_address and not spec.first and version < MAC_AT_CONNECT:
        raise HostRefuses(_OLD.format(key=resource.key))


def _connect(host: Host, resource: Resource, spec: ConnectSpec) -> None:
    api = host.engine.api
    for attempt in range(_ATTEMPTS):
        config = endpoint(spec, host.engine.version)
        if attempt and host.engine.version >= _NAMES_INTERFACES:
            config["DriverOpts"] = {_INTERFACE: f"eth{_FROM + attempt}"}
        try:
            connect(api, spec.container, spec.network, config)
        except Exception as error:
            _let_go(api, spec.container, spec.network)
            if _NAME_TAKEN not in str(error) or attempt == _ATTEMPTS - 1:
                raise _hinted(resource, host.explain(error)) from error
        else:
            return


def _hinted(resource: Resource, error: Exception) -> StepFailed:
    hint = next((hint for text, hint in _HINTS.items() if text in str(error)), "")
    return StepFailed(f"{resource.key}: {error}" + (f": {hint}" if hint else ""))


def connect(api: APIClient, container: str, network: str, config: dict[str, Any]) -> None:
    """Connect a container to a network with an EndpointConfig."""
    ipam = config.get("IPAMConfig") or {}
    api.connect_container_to_network(
        container,
        network,
        aliases=config.get("Aliases"),
        links=[tuple(each.split(":", 1)) for each in config.get("Links") or ()] or None,
        ipv4_address=ipam.get("IPv4Address"),
        ipv6_address=ipam.get("IPv6Address"),
        link_local_ips=ipam.get("LinkLocalIPs"),
        mac_address=config.get("MacAddress"),
        driver_opt=config.get("DriverOpts"),
    )


def disconnected(host: Host, step: Step) -> Result:
    """Disconnect; the network may be gone already."""
    resource, api = seen(step), host.engine.api
    container, network = resource.live["container"], resource.live["name"]
    try:
        with defaults_aside(host, api.inspect_container(container)):
            api.disconnect_container_from_network(container, network, force=True)
    except Exception as error:
        if status(error) != _NOT_FOUND and "is not connected to" not in str(error):
            raise
    return Status.DONE


def _let_go(api: APIClient, container: str, network: str) -> None:
    import docker.errors

    # A phantom of a running container cannot be disconnected: it goes when a connect succeeds.
    with contextlib.suppress(docker.errors.APIError):
        api.disconnect_container_from_network(container, network, force=True)


def _spec(resource: Resource) -> ConnectSpec:
    assert isinstance(resource.spec, ConnectSpec)  # noqa: S101 - the spec of this kind
    return resource.spec
