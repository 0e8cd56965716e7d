"""The plainer attributes of a container: commands, capabilities, devices, names, limits of the shell, logging; pure."""

from __future__ import annotations

import ipaddress
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds import units
from reconciler.kinds.addresses import parsed
from reconciler.kinds.container.spec import Logging
from reconciler.kinds.entry import Entry
from reconciler.kinds.reading import read_file
from reconciler.kinds.source import home
from reconciler.model import EMPTY, FrozenMap
from reconciler.secret import alike

GATEWAY = "host-gateway"
"""In extra_hosts, the host's own address, whatever it is."""
_PERMISSIONS = frozenset("rwm")
_DEVICE_PARTS = 3


def command(entry: Entry, attribute: str) -> tuple[str, ...] | None:
    """Read `command` or `entrypoint`: None is the image's, nothing at all empties it."""
    value = entry.get(attribute)
    if value is None or value == {}:
        return None
    if isinstance(value, str):
        words: list[str] = entry.read((attribute,), _words, value, instead=[])
        found = tuple(alike(each, value) for each in words)
    else:
        found = tuple(map(str, value))
    return emptied(found) if attribute == "entrypoint" else found


def _words(text: str) -> list[str]:
    """Split a command as a shell does; a ValueError where that cannot be done."""
    try:
        return shlex.split(text)
    except ValueError as error:
        quote = "quotation" in str(error)
        raise ValueError("a quote is left open" if quote else "nothing follows the last backslash") from None


def emptied(entrypoint: tuple[str, ...]) -> tuple[str, ...]:
    """Return an entrypoint, of which the engine takes one empty word for none."""
    return () if entrypoint == ("",) else entrypoint


def restart(value: str | None) -> str:
    """Normalise a restart policy."""
    name, _, times = (value or "no").partition(":")
    return f"{name}:{int(times)}" if int(times or 0) else name


def restart_of_engine(policy: Mapping[str, Any] | None) -> str:
    """Read RestartPolicy: no policy is "" on 20.10 and "no" later."""
    policy = policy or {}
    return restart(f"{policy.get('Name') or 'no'}:{policy.get('MaximumRetryCount') or 0}")


def restart_to_engine(text: str) -> dict[str, Any]:
    """Write RestartPolicy."""
    name, _, times = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(times or 0)}


def capabilities(names: Iterable[str] | None) -> tuple[str, ...]:
    """Normalise capabilities, which may be written in any case, with or without CAP_."""
    return tuple(sorted({each.upper().removeprefix("CAP_") for each in names or ()}))


def signal(name: str | None) -> str | None:
    """Normalise a signal, which may be written with or without SIG; a number stays one."""
    if not name or name.isdigit():
        return name or None
    return f"SIG{name.upper().removeprefix('SIG')}"


def directory(path: str | None) -> str | None:
    """Normalise a path, which the engine keeps without a slash at its end."""
    return units.path(path) if path else None


def devices(entry: Entry) -> tuple[str, ...]:
    """Read `devices`, as SOURCE:TARGET:PERMISSIONS."""
    read = (entry.read(("devices", number), _device, each, instead="") for number, each in entry.items("devices"))
    return tuple(sorted({each for each in read if each}))


def _device(value: Any) -> str:
    source, target, permissions = _device_parts(value)
    if not source.startswith("/"):
        raise ValueError(f"{source!r} is not a device of the host, such as /dev/net/tun")
    if target is not None and not target.startswith("/"):
        raise ValueError(f"{target!r} is not an absolute path in the container")
    if permissions is not None and not set(permissions) <= _PERMISSIONS:
        raise ValueError(f"{permissions!r} is not permissions, of the letters r, w and m")
    return alike(device(source, target, permissions), source, target or "")


def _device_parts(value: Any) -> tuple[str, str | None, str | None]:
    if isinstance(value, Mapping):
        return value["source"], value.get("target"), value.get("permissions")
    source, *rest = units.parts(value)
    if len(rest) == 1 and set(rest[0]) <= _PERMISSIONS:
        return source, None, rest[0]
    target, permissions = (*rest, None, None)[:2]
    return source, target, permissions


def device(source: str, target: str | None, permissions: str | None) -> str:
    """Write a device."""
    return f"{source}:{target or source}:{''.join(each for each in 'rwm' if each in (permissions or 'rwm'))}"


def devices_of_engine(found: Iterable[Mapping[str, str]] | None) -> tuple[str, ...]:
    """Read Devices."""
    parts = ((each["PathOnHost"], each["PathInContainer"], each["CgroupPermissions"]) for each in found or ())
    return tuple(sorted(device(*each) for each in parts))


def devices_to_engine(found: tuple[str, ...]) -> list[dict[str, str]]:
    """Write Devices."""
    parts = (each.rsplit(":", _DEVICE_PARTS - 1) for each in found)
    return [{"PathOnHost": a, "PathInContainer": b, "CgroupPermissions": c} for a, b, c in parts]


def extra_hosts(entry: Entry) -> tuple[str, ...]:
    """Read `extra_hosts`, as NAME:ADDRESS."""
    value = entry.get("extra_hosts") or ()
    found: set[str] = set()
    for at, name, address in _hosts(value):
        path = ("extra_hosts", at)
        found.add(alike(f"{name}:{entry.read(path, _host_address, address, instead='')}", name, address))
    return tuple(sorted(found))


def _hosts(value: Any) -> Iterator[tuple[str | int, str, str]]:
    if isinstance(value, Mapping):
        for name, addresses in value.items():
            yield from ((name, name, each) for each in ([addresses] if isinstance(addresses, str) else addresses))
        return
    for at, each in enumerate(value):
        name, _, address = each.partition("=") if "=" in each else each.partition(":")
        yield at, alike(name, each), address


def _host_address(text: str) -> str:
    if text == GATEWAY:
        return text
    try:
        return str(ipaddress.ip_address(text[1:-1] if text[:1] + text[-1:] == "[]" else text))
    except ValueError:
        raise ValueError(f"{text!r} is not an address, nor {GATEWAY}") from None


def hosts_of_engine(found: list[str] | None) -> tuple[str, ...]:
    """Read ExtraHosts."""
    return tuple(sorted(found or ()))


def addresses(entry: Entry, attribute: str) -> tuple[str, ...]:
    """Read a list of addresses."""
    read = (entry.read((attribute, number), _address, str(each), instead="") for number, each in entry.items(attribute))
    return tuple(each for each in read if each)


def _address(text: str) -> str:
    return str(parsed(text))


def sysctls(value: Any) -> FrozenMap[str]:
    """Read `sysctls`; a slash may stand where there is a dot."""
    found = units.labels(value)
    return FrozenMap({name if "." in name else name.replace("/", "."): each for name, each in found.items()})


def ulimits(value: Mapping[str, Any] | None) -> FrozenMap[str]:
    """Read `ulimits`, as SOFT or SOFT:HARD."""
    return FrozenMap(
        {
            name: ulimit(each["soft"], each["hard"]) if isinstance(each, Mapping) else ulimit(each, each)
            for name, each in (value or {}).items()
        }
    )


def ulimit(soft: int, hard: int) -> str:
    """Write a limit."""
    return str(soft) if soft == hard else f"{soft}:{hard}"


def ulimits_of_engine(found: Iterable[Mapping[str, Any]] | None) -> FrozenMap[str]:
    """Read Ulimits."""
    return FrozenMap({each["Name"]: ulimit(each["Soft"], each["Hard"]) for each in found or ()})


def ulimits_to_engine(found: Mapping[str, str]) -> list[dict[str, Any]]:
    """Write Ulimits."""
    parts = ((name, *(text.split(":") * 2)[:2]) for name, text in found.items())
    return [{"Name": name, "Soft": int(soft), "Hard": int(hard)} for name, soft, hard in parts]


def logging(entry: Entry) -> Logging:
    """Read `logging`."""
    found = entry.get("logging") or {}
    return Logging(found.get("driver"), FrozenMap(units.labels(found.get("options"))) or EMPTY)


def security(entry: Entry) -> tuple[str, ...]:
    """Read `security_opt`; a seccomp profile in a file is read, as the engine wants its content."""
    found = []
    for number, each in entry.items("security_opt"):
        name, _, value = each.partition("=") if "=" in each else each.partition(":")
        profile = name == "seccomp" and value not in ("unconfined", "builtin")
        found.append(f"seccomp={_profile(entry, number, value)}" if profile else each)
    return tuple(sorted(found))


def _profile(entry: Entry, number: int, name: str) -> str:
    try:
        path = entry.source.directory(entry.pointer("security_opt", number)) / home(name)
        return json.dumps(json.loads(read_file(path)), separators=(",", ":"), sort_keys=True)
    except (OSError, RecursionError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        entry.problem(("security_opt", number), f"cannot read the seccomp profile {name!r}: {why}")
        return ""
