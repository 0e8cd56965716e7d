"""Creating, updating, renaming and removing containers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host.marks import ID
from reconciler.kinds.base import Result
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.connect.effects import connect, refuse_mac
from reconciler.kinds.connect.spec import MAC_AT_CONNECT, ConnectSpec, endpoint
from reconciler.kinds.container import limits, settings
from reconciler.kinds.container.config import config
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.container.stop import stop
from reconciler.kinds.effects import mark_of, seen, wanted
from reconciler.kinds.networking import BRIDGE, SHARED
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from docker.api.client import APIClient

    from reconciler.host import Host

Json = dict[str, Any]
_NOT_FOUND, _CONFLICT = 404, 409
_GOING = "removing"
_NONE = "none"


def created(host: Host, step: Step) -> Result:
    """Create a container on its first network, with its mark."""
    resource, api = wanted(step), host.engine.api
    spec = _spec(resource)
    by_connect = host.engine.version >= MAC_AT_CONNECT
    body = config(
        replace(spec, mac_address=None) if by_connect else spec,
        labels={**mark_of(step, host).labels(), ID: secrets.token_hex(8)},
        endpoints=_endpoints(host, step),
        target=_target(host, resource, spec),
        entrypoint=_entrypoint(api, spec),
    )
    try:
        patiently(
            lambda: api.create_container_from_config(body, spec.name), passing=lambda error: _passes(api, spec, error)
        )
    except Exception as error:
        raise StepFailed(f"{resource.key}: {host.explain(error)}{_hint(error)}") from error
    return Status.DONE


def _endpoints(host: Host, step: Step) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for each in step.carries:
        if each.desired and isinstance(each.desired.spec, ConnectSpec):
            refuse_mac(each.desired, host.engine.version)
            found[each.desired.spec.network] = endpoint(each.desired.spec, host.engine.version)
    return found


def _target(host: Host, resource: Resource, spec: ContainerSpec) -> str:
    """The id of the container whose namespace is shared: it can be renamed."""
    if not spec.network_mode.startswith(SHARED):
        return ""
    try:
        return str(host.engine.api.inspect_container(spec.target)["Id"])
    except Exception as error:
        if status(error) != _NOT_FOUND:
            raise
        raise StepFailed(
            f"{resource.key}: network_mode: there is no container {spec.target!r}: start it first"
        ) from error


def _entrypoint(api: APIClient, spec: ContainerSpec) -> list[str] | None:
    if spec.command != () or spec.entrypoint is not None:
        return None
    found: list[str] | None = api.inspect_image(spec.reference)["Config"].get("Entrypoint")
    return found


def _passes(api: APIClient, spec: ContainerSpec, error: Exception) -> bool:
    """Tell whether the name is held only by a container that is about to be gone."""
    if status(error) != _CONFLICT:
        return False
    try:
        return bool(api.inspect_container(spec.name)["State"].get("Status") == _GOING)
    except Exception as gone:  # noqa: BLE001 - the next attempt tells
        return status(gone) == _NOT_FOUND


_HINTS = {
    "No such image": "pull it, or declare it in images",
    "no command specified": "the image has no command: declare `command`",
    "Minimum memory": "the engine wants at least 6m",
}


def _hint(error: Exception) -> str:
    text = str(error)
    return next((f": {hint}" for words, hint in _HINTS.items() if words.lower() in text.lower()), "")


def updated(host: Host, step: Step) -> Result:
    """Send one docker update, a rename, and a connect to Docker's own bridge, as far as they are due."""
    spec, identity, api = _spec(wanted(step)), seen(step).live["id"], host.engine.api
    paths = step.change.paths
    quota = paths & {"cpu_quota"}
    for some in (quota, paths - quota) if "cpus" in paths else (paths,):
        body = limits.update(spec, some)
        if "restart" in some:
            body["RestartPolicy"] = settings.restart_to_engine(spec.restart)
        if body:
            update(api, identity, body)
    if "name" in paths:
        api.rename(identity, spec.name)
    if "network_mode" in paths:
        _to_default_bridge(api, identity)
    return Status.DONE


def update(api: APIClient, identity: str, body: Mapping[str, Any]) -> None:
    """Send POST /containers/ID/update, of which the client's own method knows but a part."""
    import docker.errors
    import requests

    url = f"{api.base_url}/v{api.api_version}/containers/{identity}/update"
    response = api.post(url, json=body, timeout=api.timeout)
    try:
        response.raise_for_status()
    except requests.exceptions.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)


def _to_default_bridge(api: APIClient, identity: str) -> None:
    networks = api.inspect_container(identity)["NetworkSettings"].get("Networks") or {}
    if _NONE in networks:
        api.disconnect_container_from_network(identity, _NONE, force=True)
    connect(api, identity, BRIDGE, {})


def deleted(host: Host, step: Step) -> Result:
    """Stop a container as it asks, remove it with its anonymous volumes, and see that it is gone."""
    api, live = host.engine.api, seen(step).live
    if not host.kill:
        stop(host, live)
    patiently(lambda: _remove(api, live["id"]), passing=lambda error: status(error) == _CONFLICT)
    return Status.DONE


def _remove(api: APIClient, identity: str) -> None:
    """Remove a container; one that another call is removing is a conflict until it is gone."""
    try:
        api.remove_container(identity, v=True, force=True)
    except Exception as error:
        if status(error) != _NOT_FOUND:
            raise


def _spec(resource: Resource) -> ContainerSpec:
    assert isinstance(resource.spec, ContainerSpec)  # noqa: S101 - the spec of this kind
    return resource.spec


__all__ = ["created", "deleted", "update", "updated"]
