"""A container's spec as the engine wants it at creation (POST /containers/create); pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.host.marks import ID
from reconciler.kinds.container import healthcheck, limits, ports, settings, volumes
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.labelled import secrets_label
from reconciler.kinds.networking import BRIDGE, SHARED

LOGGING = "reconciler.logging"
"""The label that names the declared log options: the engine adds its own to them, and does not tell which."""
EMPTY_ENTRYPOINT = [""]
"""What takes the image's entrypoint away, where an empty list would mean the image's."""


def config(
    spec: ContainerSpec,
    *,
    labels: Mapping[str, str],
    endpoints: Mapping[str, Any],
    target: str = "",
    entrypoint: list[str] | None = None,
) -> dict[str, Any]:
    """Write the body of a creation.

    `labels` are our marks; `endpoints` the configuration by network that creation takes along; `target` the id of the
    container whose namespace is shared; `entrypoint` the image's, for a command that is declared empty.
    """
    made: dict[str, Any] = {
        "Image": spec.reference,
        "Labels": {**spec.labels, **labels, **_logging_label(spec), **secrets_label(spec)},
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "Hostname": spec.hostname or "",
        "User": spec.user or "",
        "WorkingDir": spec.working_dir or "",
        "Tty": spec.tty,
        "OpenStdin": spec.stdin_open,
        "StopTimeout": spec.stop_grace_period // 10**9,
        "ExposedPorts": {port: {} for port in (*spec.ports, *spec.expose)},
        "HostConfig": {
            **_host_config(spec, _network_mode(spec, endpoints, target)),
            "ContainerIDFile": labels.get(ID, ""),
        },
        "NetworkingConfig": {"EndpointsConfig": dict(endpoints)},
        **_commands(spec, entrypoint),
    }
    check = healthcheck.to_engine(spec.healthcheck)
    optional = {"StopSignal": spec.stop_signal, "MacAddress": spec.mac_address, "Healthcheck": check}
    return made | {name: value for name, value in optional.items() if value}


def _logging_label(spec: ContainerSpec) -> dict[str, str]:
    # It stands there without options too, lest one count that came with an image, a commit of a container of ours.
    return {LOGGING: ",".join(spec.logging.options)}


def _commands(spec: ContainerSpec, entrypoint: list[str] | None) -> dict[str, Any]:
    made: dict[str, Any] = {"Cmd": list(spec.command)} if spec.command else {}
    if spec.entrypoint is not None:
        made["Entrypoint"] = list(spec.entrypoint) or EMPTY_ENTRYPOINT
    elif spec.command == ():
        made["Entrypoint"] = entrypoint or EMPTY_ENTRYPOINT
    return made


def _network_mode(spec: ContainerSpec, endpoints: Mapping[str, Any], target: str) -> str:
    if spec.network_mode.startswith(SHARED):
        return f"container:{target}"
    # Not the network that creation takes along, as engine 29 starts nothing whose mode names one that is gone; but an
    # old engine gives a container's own MAC address on that one only.
    named = BRIDGE in endpoints or spec.mac_address
    # A former one, as it was seen, may say `none` beside the network that it was on.
    stated = "" if spec.network_mode == "none" else spec.network_mode
    return stated or next((each for each in endpoints if named), "none")


def _host_config(spec: ContainerSpec, network_mode: str) -> dict[str, Any]:
    binds, mounts = volumes.to_engine(spec.volumes)
    return {
        "NetworkMode": network_mode,
        "RestartPolicy": settings.restart_to_engine(spec.restart),
        "Init": spec.init,
        "PortBindings": ports.to_engine(spec.ports),
        "Binds": binds,
        "Mounts": mounts,
        "Tmpfs": dict(spec.tmpfs),
        "Links": [f"{spec.link_targets.get(target, target)}:{alias}" for target, alias in map(_split, spec.links)],
        "CapAdd": list(spec.cap_add),
        "CapDrop": list(spec.cap_drop),
        "Privileged": spec.privileged,
        "Devices": settings.devices_to_engine(spec.devices),
        "Dns": list(spec.dns),
        "DnsSearch": list(spec.dns_search),
        "DnsOptions": list(spec.dns_opt),
        "ExtraHosts": list(spec.extra_hosts),
        "Sysctls": dict(spec.sysctls),
        "Ulimits": settings.ulimits_to_engine(spec.ulimits),
        "ShmSize": int(spec.shm_size),
        "ReadonlyRootfs": spec.read_only,
        "SecurityOpt": list(spec.security_opt) or None,
        "LogConfig": {"Type": spec.logging.driver or "", "Config": dict(spec.logging.options)},
        **limits.to_engine(spec),
    }


def _split(link: str) -> tuple[str, str]:
    target, _, alias = link.rpartition(":")
    return target, alias
