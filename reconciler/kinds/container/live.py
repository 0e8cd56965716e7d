"""A container's inspection as a spec: what equals the image's or the engine's default is as undeclared; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeVar

from reconciler.kinds.addresses import plain
from reconciler.kinds.container import healthcheck, limits, ports, settings, volumes
from reconciler.kinds.container.config import LOGGING
from reconciler.kinds.container.environment import of_engine as environment
from reconciler.kinds.container.quantities import Bytes, Duration
from reconciler.kinds.container.spec import SHM_SIZE, STOP_GRACE_PERIOD, ContainerSpec, Logging
from reconciler.kinds.image.references import key_or_reference, may_be_of
from reconciler.kinds.labelled import SECRET, unmarked, veiled_as_noted
from reconciler.kinds.namespace.sysctls import as_shown, lasting
from reconciler.kinds.networking import BRIDGE, SHARED
from reconciler.model import EMPTY, FrozenMap
from reconciler.secret import Secret, veiled
from reconciler.value import dataclass

T = TypeVar("T")
Json = Mapping[str, Any]
_TERM = "SIGTERM"
"""What the engine sends to stop a container where neither it nor its image says anything else."""
_NEVER = "0001-"
"""How the year of a time begins that never was."""
_SHORT_ID = 12
_LABEL_DISABLE = "label=disable"
"""What the engine adds to the security options of a privileged container."""


@dataclass(frozen=True)
class Seen:
    """An inspection, and what it is read against: what is wanted, the image's configuration, the engine's settings.

    `named` says which container a live name or an id is: its name in the file, or `@NAME` of a foreign one;
    `live_name` what the one with an id is called. `linked` are those that ours have links to on Docker's own bridge.
    `bridged` are the externals on it. `answers` tells whether a container has the name that a link gave it, which it
    loses when it is made anew.
    `sysctls` are those of its network namespace as they are now, where that was looked into. `mac` tells whether the
    engine gives a MAC address only where a container is made, `mac_of_endpoint` that it is the endpoint's all the
    same: gone with it, whatever the container's configuration goes on to say. `has_init` tells whether the engine's
    init is its first process, None where that is out of sight.
    """

    found: Json
    want: ContainerSpec = field(default_factory=ContainerSpec)
    image: Json = field(default_factory=dict)
    info: Json = field(default_factory=dict)
    current: str = ""
    named: Callable[[str], str] = str
    live_name: Callable[[str], str] = str
    linked: Collection[str] = ()
    bridged: Collection[str] = ()
    answers: Callable[[str, str], bool] = lambda _, __: True
    sysctls: Mapping[str, str] = EMPTY
    mac: bool = False
    mac_of_endpoint: bool = False
    has_init: Callable[[], bool | None] = lambda: None

    @property
    def config(self) -> Json:
        """Its Config."""
        found: Json = self.found["Config"]
        return found

    @property
    def host_config(self) -> Json:
        """Its HostConfig."""
        found: Json = self.found["HostConfig"]
        return found


def unless_default(live: T, default: T, want: T | None) -> T | None:
    """Return a value, or None where it is the default and nothing else is wanted."""
    return None if live == default and want is None else live


def own_entries(live: Mapping[str, str], default: Mapping[str, str], want: Mapping[str, str]) -> FrozenMap[str]:
    """Return the entries that are declared or differ from the image's."""
    return FrozenMap({name: each for name, each in live.items() if name in want or default.get(name) != each})


def spec_of(seen: Seen) -> ContainerSpec:
    """Read a container."""
    spec = ContainerSpec(
        name=seen.found["Name"].removeprefix("/"),
        image=_image(seen),
        reference=seen.found["Image"],
        state=_state(seen),
        **_commands(seen),
        **_process(seen),
        **_network(seen),
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


def _network(seen: Seen) -> dict[str, Any]:
    config, host_config = seen.config, seen.host_config
    published = ports.of_engine(host_config.get("PortBindings"))
    mode, target = _network_mode(seen)
    theirs = seen.image.get("ExposedPorts") or {}
    exposed = {port for port in config.get("ExposedPorts") or () if port not in theirs or port in seen.want.expose}
    linked = [_link(seen, each) for each in host_config.get("Links") or () if seen.answers(*each.split(":", 1))]
    left_out = dict(_left_out(seen))
    return {
        "hostname": _hostname(seen, mode),
        "ports": published,
        "expose": tuple(sorted(exposed - published.keys())),
        "network_mode": mode,
        "target": target,
        "links": tuple(sorted({f"{target}:{alias}" for target, _, alias in linked} | left_out.keys())),
        "link_targets": FrozenMap(dict(left_out.values()) | {target: live for target, live, _ in linked}),
        "unsure_links": seen.want.unsure_links,
        **_mac(seen),
        "dns": tuple(map(plain, host_config.get("Dns") or ())),
        "dns_search": tuple(host_config.get("DnsSearch") or ()),
        "dns_opt": tuple(host_config.get("DnsOptions") or ()),
        "extra_hosts": settings.hosts_of_engine(host_config.get("ExtraHosts")),
    }


def _left_out(seen: Seen) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the links that cannot be on Docker's own bridge, as their targets are not, with what these are called."""
    for link in seen.want.links:
        target = link.rpartition(":")[0]
        if target in seen.want.unsure_links and target not in seen.bridged:
            yield link, (target, seen.want.link_targets[target])


def _mac(seen: Seen) -> dict[str, str | None]:
    """Read the MAC address, and the network that it is for: an old engine gives it where a container was made only.

    Of an endpoint none can tell whether its address was declared: it only counts where one is wanted.
    """
    if not seen.mac:
        return {"mac_address": seen.want.mac_address, "mac_network": seen.want.mac_network}
    network, address = seen.host_config["NetworkMode"], seen.config.get("MacAddress") or None
    if seen.mac_of_endpoint and seen.want.mac_address:
        endpoint = (seen.found["NetworkSettings"].get("Networks") or {}).get(network)
        address = None if endpoint is None else endpoint.get("MacAddress") or seen.want.mac_address
    return {"mac_address": address, "mac_network": network if address else seen.want.mac_network}


def _network_mode(seen: Seen) -> tuple[str, str]:
    """Read the mode, and the live name of the container that is shared with.

    The engine's mode only tells how a container was made. It can leave Docker's own bridge or `none`, and come there;
    but not where links are, at either end: they point to addresses that are written down when their owner starts.
    """
    live, want = str(seen.host_config["NetworkMode"]), seen.want.network_mode
    if live.startswith(SHARED):
        target = live.partition(":")[2]
        name = seen.named(target)
        return (f"container:{name[1:]}" if name.startswith("@") else f"service:{name}"), seen.live_name(target)
    if live == "host":
        return live, ""
    networks = set(seen.found["NetworkSettings"].get("Networks") or ())
    if want in ("", BRIDGE) and BRIDGE not in networks and _has_links(seen):
        return "none", ""
    if want == BRIDGE and BRIDGE not in networks:
        return "", ""
    if want in ("", "none", BRIDGE) and seen.want.name:
        return want, ""
    return (BRIDGE if live in (BRIDGE, "default") else live if live == "none" and networks <= {"none"} else ""), ""


def _has_links(seen: Seen) -> bool:
    return bool(seen.host_config.get("Links")) or seen.found["Name"].removeprefix("/") in seen.linked


def _hostname(seen: Seen, mode: str) -> str | None:
    if mode.startswith(SHARED):
        return None
    live = seen.config.get("Hostname") or ""
    if mode == "host":
        return unless_default(live, seen.info.get("Name") or "", seen.want.hostname)
    return live


def _link(seen: Seen, text: str) -> tuple[str, str, str]:
    """Read `/target:/source/alias` into the target's name in the file, its live name, and the alias."""
    target, _, alias = text.partition(":")
    live = target.removeprefix("/")
    return seen.named(live), live, alias.rpartition("/")[2]


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
