"""A container's inspection as a spec: what equals the image's or the engine's default is as undeclared; pure."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.container import healthcheck, limits, settings, volumes
from reconciler.kinds.container.config import LOGGING
from reconciler.kinds.container.environment import of_engine as environment
from reconciler.kinds.container.live_network import network
from reconciler.kinds.container.quantities import Bytes, Duration
from reconciler.kinds.container.seen import Json, Seen, own_entries, unless_default
from reconciler.kinds.container.spec import SHM_SIZE, STOP_GRACE_PERIOD, ContainerSpec, Logging
from reconciler.kinds.image.references import key_or_reference, may_be_of
from reconciler.kinds.labelled import SECRET, unmarked, veiled_as_noted
from reconciler.kinds.namespace.sysctls import as_shown, lasting
from reconciler.model import EMPTY, FrozenMap
from reconciler.secret import Secret, veiled

_TERM = "SIGTERM"
"""What the engine sends to stop a container where neither it nor its image says anything else."""
_NEVER = "0001-"
"""How the year of a time begins that never was."""
_SHORT_ID = 12
_LABEL_DISABLE = "label=disable"
"""What the engine adds to the security options of a privileged container."""


def spec_of(seen: Seen) -> ContainerSpec:
    """Read a container."""
    spec = ContainerSpec(
        name=seen.found["Name"].removeprefix("/"),
        image=_image(seen),
        reference=seen.found["Image"],
        state=_state(seen),
        **_commands(seen),
        **_process(seen),
        **network(seen),
        **_mounted(seen),
        **_confinement(seen),
        **limits.of_engine(seen.host_config, seen.info, seen.want),
    )
    return veiled_as_noted(spec, seen.config.get("Labels"))


def _image(seen: Seen) -> str:
    """The image that is wanted if it is that one; where there is none yet, if it may come out as that one.

    Another one is told by its id, and by the name that it had when the container was made.
    """
    live, said, want = str(seen.found["Image"]), str(seen.config.get("Image") or ""), seen.want
    may_be = may_be_of(said, want.image.removeprefix("image/"), want.reference)
    if want.image and (seen.current == live or (not seen.current and may_be)):
        return want.image
    identity = live.removeprefix("sha256:")
    is_name = said and not identity.startswith(said.removeprefix("sha256:"))
    return identity[:_SHORT_ID] + (f" ({key_or_reference(said)})" if is_name else "")


def _state(seen: Seen) -> str:
    """`created` where that is wanted and it never ran; `dead` where only its removal helps."""
    state = seen.found["State"]
    if state.get("Dead"):
        return "dead"
    if not seen.want.state:
        return ""
    return "created" if str(state.get("StartedAt", _NEVER)).startswith(_NEVER) else str(state["Status"])


def _commands(seen: Seen) -> dict[str, Any]:
    """An entrypoint of its own drops the image's command."""
    live, theirs = (settings.emptied(_argv(each, "Entrypoint")) for each in (seen.config, seen.image))
    entrypoint = unless_default(live, theirs, seen.want.entrypoint)
    default = _argv(seen.image, "Cmd") if entrypoint is None else ()
    command = unless_default(_argv(seen.config, "Cmd"), default, seen.want.command)
    return {"entrypoint": entrypoint, "command": command}


def _argv(config: Json, name: str) -> tuple[str, ...]:
    return tuple(config.get(name) or ())


def _process(seen: Seen) -> dict[str, Any]:
    config, image, want = seen.config, seen.image, seen.want
    signal, default_signal = (settings.signal(each.get("StopSignal")) or _TERM for each in (config, image))
    timeout = config.get("StopTimeout")
    return {
        "environment": _environment(seen),
        "labels": own_entries(unmarked(config.get("Labels")), image.get("Labels") or {}, want.labels),
        "user": unless_default(config.get("User") or "", image.get("User") or "", want.user),
        "working_dir": unless_default(_directory(config), _directory(image), want.working_dir),
        "tty": bool(config.get("Tty")),
        "stdin_open": bool(config.get("OpenStdin")),
        "init": _init(seen),
        "restart": settings.restart_of_engine(seen.host_config.get("RestartPolicy")),
        "healthcheck": healthcheck.of_engine(config.get("Healthcheck"), image.get("Healthcheck"), want.healthcheck),
        "stop_signal": unless_default(signal, default_signal, want.stop_signal),
        "stop_grace_period": STOP_GRACE_PERIOD if timeout is None else Duration(timeout * 10**9),
        "ulimits": settings.ulimits_of_engine(seen.host_config.get("Ulimits")),
        "logging": _logging(seen),
    }


def _init(seen: Seen) -> bool | None:
    """Read whether it has an init; of one that has what the engine's settings say, only its process tells which."""
    said: bool | None = seen.host_config.get("Init")
    return seen.has_init() if said is None and seen.want.init is not None else said


def _environment(seen: Seen) -> FrozenMap[str]:
    """Read the variables; secret are those that look so, and where nothing is noted of them all but the declared."""
    live, image = environment(seen.config.get("Env")), environment(seen.image.get("Env"))
    want = seen.want.environment
    noted = SECRET in (seen.config.get("Labels") or {})
    return FrozenMap(
        {
            name: veiled(name, each) if noted or name in want else Secret(each)
            for name, each in own_entries(live, image, want).items()
        }
    )


def _directory(config: Json) -> str:
    return settings.directory(config.get("WorkingDir")) or ""


def _logging(seen: Seen) -> Logging:
    found = seen.host_config.get("LogConfig") or {}
    declared = set(((seen.config.get("Labels") or {}).get(LOGGING) or "").split(","))
    options = {name: each for name, each in (found.get("Config") or {}).items() if name in declared}
    driver = unless_default(found.get("Type") or "", seen.info.get("LoggingDriver") or "", seen.want.logging.driver)
    return Logging(driver, FrozenMap(options) if options else EMPTY)


def _mounted(seen: Seen) -> dict[str, Any]:
    host_config = seen.host_config
    return {
        "volumes": volumes.of_engine(host_config),
        "tmpfs": FrozenMap(host_config.get("Tmpfs")),
        "shm_size": Bytes(host_config.get("ShmSize") or SHM_SIZE),
        "read_only": bool(host_config.get("ReadonlyRootfs")),
    }


def _confinement(seen: Seen) -> dict[str, Any]:
    host_config = seen.host_config
    privileged = bool(host_config.get("Privileged"))
    added = {_LABEL_DISABLE} - set(seen.want.security_opt) if privileged else set()
    return {
        "cap_add": settings.capabilities(host_config.get("CapAdd")),
        "cap_drop": settings.capabilities(host_config.get("CapDrop")),
        "privileged": privileged,
        "devices": settings.devices_of_engine(host_config.get("Devices")),
        "sysctls": _sysctls(seen),
        "security_opt": tuple(sorted(set(host_config.get("SecurityOpt") or ()) - added)),
    }


def _sysctls(seen: Seen) -> FrozenMap[str]:
    """Read the sysctls as it was made with them; one of its network that is another by now as it is."""
    given: dict[str, str] = seen.host_config.get("Sysctls") or {}
    now = {name: live for name in given if lasting(name) and (live := seen.sysctls.get(name))}
    return FrozenMap({**given, **{name: live for name, live in now.items() if live != as_shown(name, given[name])}})
