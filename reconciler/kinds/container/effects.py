"""Creating, updating, renaming and removing containers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.host.engine_scope import GOING
from reconciler.host.kernel import Reach, Where
from reconciler.host.marks import ID
from reconciler.kinds.base import Result
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.connect.effects import join, refuse_mac
from reconciler.kinds.connect.live import subnets
from reconciler.kinds.connect.spec import MAC_AT_CONNECT, MAC_AT_CREATE, ConnectSpec, endpoint
from reconciler.kinds.container import limits, settings
from reconciler.kinds.container.config import config
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.container.stop import stopping
from reconciler.kinds.effects import mark_of, seen, wanted
from reconciler.kinds.namespace import values
from reconciler.kinds.namespace.sysctls import as_shown, lasting
from reconciler.kinds.networking import BRIDGE, SHARED
from reconciler.kinds.route.aside import routes_aside
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

Json = dict[str, Any]
_NONE = "none"


def created(step: Step, host: Host) -> Result:
    """Create a container on its first network, with its mark."""
    resource, containers = wanted(step), host.engine.containers
    spec = _with_sure_links(host, ContainerSpec.of(resource))
    version = host.engine.version
    body = config(
        replace(spec, mac_address=None) if version >= MAC_AT_CONNECT else spec,
        labels={**mark_of(step, host).labels(), ID: secrets.token_hex(8)},
        endpoints=_endpoints(host, step),
        target=_target(host, resource, spec),
        entrypoint=_entrypoint(host, spec),
    )
    if version >= MAC_AT_CREATE:
        body.pop("MacAddress", None)
    try:
        patiently(
            host.engine, lambda: containers.create(spec.name, body), passing=lambda error: _passes(host, spec, error)
        )
    except Exception as error:
        raise StepFailed(f"{resource.key}: {host.explain(error)}{_hint(error, spec)}") from error
    return Status.DONE


def _with_sure_links(host: Host, spec: ContainerSpec) -> ContainerSpec:
    """Leave out the links whose targets are not on Docker's own bridge: the engine starts nothing that has one."""
    found = {each: host.engine.containers.inspect(spec.link_targets[each]) for each in spec.unsure_links}
    absent = {target for target, each in found.items() if BRIDGE not in each["NetworkSettings"]["Networks"]}
    return replace(spec, links=tuple(each for each in spec.links if each.rpartition(":")[0] not in absent))


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
        return str(host.engine.containers.inspect(spec.target)["Id"])
    except Exception as error:
        if status(error) != NOT_FOUND:
            raise
        raise StepFailed(
            f"{resource.key}: network_mode: there is no container {spec.target!r}: start it first"
        ) from error


def _entrypoint(host: Host, spec: ContainerSpec) -> list[str] | None:
    if spec.command != () or spec.entrypoint is not None:
        return None
    found: list[str] | None = (host.engine.images.inspect(spec.reference).get("Config") or {}).get("Entrypoint")
    return found


def _passes(host: Host, spec: ContainerSpec, error: Exception) -> bool:
    """Tell whether the name is held only by a container that is about to be gone."""
    if status(error) != CONFLICT:
        return False
    try:
        return bool(host.engine.containers.inspect(spec.name)["State"].get("Status") == GOING)
    except Exception as gone:  # noqa: BLE001 - the next attempt tells
        return status(gone) == NOT_FOUND


_NO_COMMAND = "no command specified"
_HINTS = {
    "No such image": "pull it, or declare it in images",
    _NO_COMMAND: "the image has no command: declare `command`",
    "Minimum memory": "the engine wants at least 6m",
    "interface specific sysctl": "say `default` in the place of the interface, which this engine sets on all of them",
}


def _hint(error: Exception, spec: ContainerSpec) -> str:
    text = str(error).lower()
    emptied = [f"`{name}`" for name in ("entrypoint", "command") if getattr(spec, name) == ()]
    if emptied and _NO_COMMAND in text:
        return f": the file leaves {' and '.join(emptied)} empty: say in `command` what is to run"
    return next((f": {hint}" for words, hint in _HINTS.items() if words.lower() in text), "")


def updated(step: Step, host: Host) -> Result:
    """Send one docker update, a rename, a connect to Docker's own bridge, and sysctls, as far as they are due."""
    spec, identity, containers = ContainerSpec.of(wanted(step)), seen(step).live["id"], host.engine.containers
    paths = step.change.paths
    quota = paths & {"cpu_quota"}
    for some in (quota, paths - quota) if "cpus" in paths else (paths,):
        body = limits.update(spec, some)
        if "restart" in some:
            body["RestartPolicy"] = settings.restart_to_engine(spec.restart)
        if body:
            containers.update(identity, body)
    if "name" in paths:
        containers.rename(identity, spec.name)
    if "network_mode" in paths:
        _to_default_bridge(host, identity, spec)
    if "sysctls" in paths:
        _set_sysctls(host, Where(step.key.key, identity, step.topology), spec)
    return Status.DONE


def _to_default_bridge(host: Host, identity: str, spec: ContainerSpec) -> None:
    inspected, networks = host.engine.containers.inspect(identity), host.engine.networks
    with routes_aside(host, inspected, subnets(networks.inspect(BRIDGE))):
        if _NONE in (inspected["NetworkSettings"].get("Networks") or {}):
            networks.disconnect(_NONE, identity)
        join(host, identity, BRIDGE, {}, spares=spec.spares)


def _set_sysctls(host: Host, where: Where, spec: ContainerSpec) -> None:
    declared = {name: as_shown(name, each) for name, each in spec.sysctls.items() if lasting(name)}
    with Reach(host) as reach:
        netns.call(reach.fd(where), values.write, declared)


def deleted(step: Step, host: Host) -> Result:
    """Stop a container as it asks, remove it, and see that it is gone; its anonymous volumes go with ours only."""
    live, ours = seen(step).live, ContainerSpec.of(seen(step)).marked

    def removed() -> Status:
        remove = lambda: _remove(host, live["id"], volumes=ours)  # noqa: E731 - it is said where it is used
        patiently(host.engine, remove, passing=lambda error: status(error) == CONFLICT)
        return Status.DONE

    if host.kill or (not ours and live.get("anonymous_volumes") and _goes_with_its_end(host, live["id"])):
        return removed()
    return stopping(host, live, removed)


def _goes_with_its_end(host: Host, identity: str) -> bool:
    """Tell whether the engine removes a container as soon as it ends, with its anonymous volumes (`--rm`)."""
    return bool((host.engine.containers.find(identity) or {}).get("HostConfig", {}).get("AutoRemove"))


def _remove(host: Host, identity: str, *, volumes: bool) -> None:
    """Remove a container; one that another call is removing is a conflict until it is gone."""
    try:
        host.engine.containers.remove(identity, volumes=volumes)
    except Exception as error:
        if status(error) != NOT_FOUND:
            raise
