"""Mounts: Compose's short and long forms, the engine's Binds, Mounts and Tmpfs; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.kinds import units
from reconciler.kinds.container.quantities import Bytes, size
from reconciler.kinds.container.spec import Mount
from reconciler.kinds.entry import Entry
from reconciler.kinds.source import home
from reconciler.model import EMPTY, FrozenMap, Need, ResourceKey
from reconciler.secret import alike

_PATHS = (".", "/", "~")
_PROPAGATIONS = frozenset(("private", "rprivate", "shared", "rshared", "slave", "rslave"))
_CONSISTENCIES = frozenset(("consistent", "cached", "delegated"))
"""Modes of Docker's for other systems than Linux, without effect."""
_MODE = "1777"
_ANONYMOUS = re.compile("[0-9a-f]{64}")

Mounts = FrozenMap[Mount]
"""Path in the container → what is mounted there."""


def volumes(entry: Entry) -> Mounts:
    """Read `volumes`."""
    found: dict[str, Mount] = {}
    for number, each in entry.items("volumes"):
        path = ("volumes", number)
        nothing = ("", Mount("volume"))
        target, mount = entry.read(path, _mount, entry, path, each, instead=nothing)
        if target in found:
            entry.problem(path, f"two things are mounted at {target}")
        if target:
            found[target] = mount
    return FrozenMap(found)


def needs(entry: Entry) -> Iterator[Need]:
    """Yield the needs on the volumes that are mounted."""
    for name in _named(entry):
        if name in entry.source.section("volumes"):
            yield Need(ResourceKey("volume", name), "volumes")


def _named(entry: Entry) -> Iterator[str]:
    for _, each in entry.items("volumes"):
        if isinstance(each, Mapping):
            if each["type"] == "volume" and "source" in each:
                yield each["source"]
        elif ":" in each and not each.startswith(_PATHS):
            yield each.partition(":")[0]


def _mount(entry: Entry, path: tuple[str | int, ...], value: Any) -> tuple[str, Mount]:
    target, mount = _long(value) if isinstance(value, Mapping) else _short(value)
    if not target.startswith("/"):
        raise ValueError(f"{target!r} is not an absolute path in the container")
    found = replace(mount, source=_source(entry, path, mount))
    if found.type == "bind" and ":" in found.source + target:
        found = _with_colon(found, isinstance(value, Mapping) and "create_host_path" in (value.get("bind") or {}))
    return units.path(target), found


def _with_colon(mount: Mount, said: bool) -> Mount:
    """Make a bind a Mount, as the engine parts a Bind at its colons; it relabels, and makes paths, for a Bind only."""
    if mount.selinux or (said and mount.create_host_path):
        what = "relabels" if mount.selinux else "makes a missing path of the host"
        raise ValueError(f"the engine {what} only where neither source nor target has a colon")
    return replace(mount, create_host_path=False)


def _short(text: str) -> tuple[str, Mount]:
    """Read `[SOURCE:]TARGET[:MODES]`."""
    source, *rest = units.parts(text)
    if not rest:
        return text, Mount("volume")
    target, modes = (*rest, "")[:2]
    if "/" in source and not source.startswith(_PATHS):
        raise ValueError(f"{source!r} is not the name of a volume: for a path write ./{source}")
    mount = with_modes(Mount("bind" if source.startswith(_PATHS) else "volume", source), modes)
    if mount.type == "volume" and mount.propagation != Mount.propagation:
        raise ValueError(f"{mount.propagation!r} is for a bind, a path of the host: a volume has no propagation")
    if mount.type == "bind" and mount.nocopy:
        raise ValueError("'nocopy' is for a volume: nothing is copied to a path of the host")
    return target, mount


def with_modes(mount: Mount, modes: str) -> Mount:
    """Apply the modes of the short form; a ValueError for one that there is not."""
    for mode in filter(None, modes.split(",")):
        if mode in ("ro", "rw"):
            mount = replace(mount, read_only=mode == "ro")
        elif mode in ("z", "Z"):
            mount = replace(mount, selinux=mode)
        elif mode == "nocopy":
            mount = replace(mount, nocopy=True)
        elif mode in _PROPAGATIONS:
            mount = replace(mount, propagation=mode)
        elif mode not in _CONSISTENCIES:
            raise ValueError(f"{mode!r} is not a mode of a mount: ro, rw, z, Z, nocopy, or a propagation")
    return mount


def _long(value: Mapping[str, Any]) -> tuple[str, Mount]:
    kind = value["type"]
    mount = Mount(kind, value.get("source", ""), read_only=value.get("read_only", False))
    if kind == "bind" and not mount.source:
        raise ValueError("a bind needs its source, a path of the host")
    wrong = {"bind", "volume", "tmpfs"} & value.keys() - {kind}
    if wrong:
        raise ValueError(f"{min(wrong)!r} has no place in a mount of type {kind!r}")
    options = value.get(kind) or {}
    if kind == "bind":
        mount = _bind(mount, options)
    elif kind == "volume":
        mount = replace(mount, nocopy=options.get("nocopy", False))
    elif mount.source:
        raise ValueError("a tmpfs has no source")
    else:
        mount = replace(mount, size=size(options.get("size", 0)), mode=_mode(options.get("mode", _MODE)))
    return value["target"], mount


def _bind(mount: Mount, options: Mapping[str, Any]) -> Mount:
    found = replace(
        mount,
        propagation=options.get("propagation", mount.propagation),
        create_host_path=options.get("create_host_path", True),
        selinux=options.get("selinux", ""),
    )
    if found.selinux and not found.create_host_path:
        raise ValueError("the engine takes selinux only where it may also create the path of the host")
    return found


def _mode(value: Any) -> str:
    found = octal(value)
    if found == "0":
        raise ValueError("the engine takes mode 0 for its default: write it in `tmpfs`, as PATH:mode=0")
    return found


def octal(value: Any) -> str:
    """Normalise a file mode: octal digits, perhaps with a zero in front; a ValueError if it is none."""
    text = str(value).removeprefix("0o")
    if not text.isdigit() or set(text) & {"8", "9"}:
        raise ValueError(f'{value!r} is not a file mode in octal digits: put it in quotes, such as "0755"')
    return f"{int(text, 8):o}"


def _source(entry: Entry, path: tuple[str | int, ...], mount: Mount) -> str:
    if mount.type == "bind":
        folder = entry.source.directory(entry.pointer(*path))
        return alike(str(_absolute(folder, mount.source)), mount.source)
    if mount.type == "volume" and mount.source:
        declare = f"declare it: volumes: {{{mount.source}: }}"
        entry.source.reference(entry.pointer(*path), "volumes", mount.source, "volume", otherwise=declare)
        return entry.source.live("volumes", mount.source)
    return ""


def _absolute(folder: Path, text: str) -> Path:
    """Resolve a path without looking at the file system, apart from the home directory."""
    return Path(units.path(str(folder.absolute() / home(text))))


def to_engine(mounts: Mounts) -> tuple[list[str], list[dict[str, Any]]]:
    """Write Binds and Mounts: a Bind makes a missing path of the host, a Mount does not."""
    binds = [_written(target, each) for target, each in mounts.items() if _is_bind(each)]
    return binds, [_engine_mount(target, each) for target, each in mounts.items() if not _is_bind(each)]


def _is_bind(mount: Mount) -> bool:
    return bool(mount.type == "bind" and mount.create_host_path) or bool(mount.type == "volume" and mount.selinux)


def _written(target: str, mount: Mount) -> str:
    modes = ["ro"] * mount.read_only + [mount.selinux] * bool(mount.selinux) + ["nocopy"] * mount.nocopy
    modes += [mount.propagation] * (mount.propagation != "rprivate")
    return ":".join((mount.source, target, *([",".join(modes)] if modes else [])))


def _engine_mount(target: str, mount: Mount) -> dict[str, Any]:
    made: dict[str, Any] = {"Type": mount.type, "Source": mount.source, "Target": target, "ReadOnly": mount.read_only}
    if mount.type == "bind":
        made["BindOptions"] = {"Propagation": mount.propagation}
    elif mount.type == "volume":
        made["VolumeOptions"] = {"NoCopy": mount.nocopy}
    else:
        made["TmpfsOptions"] = {"SizeBytes": int(mount.size), "Mode": int(mount.mode, 8)}
    return made


def of_engine(host_config: Mapping[str, Any]) -> Mounts:
    """Read Binds and Mounts, as they were declared."""
    found = dict(_of_bind(each) for each in host_config.get("Binds") or ())
    found |= {units.path(each["Target"]): _of_mount(each) for each in host_config.get("Mounts") or ()}
    return FrozenMap(found) if found else EMPTY


def anonymous(found: Iterable[Mapping[str, Any]] | None, named: Mounts = EMPTY) -> FrozenMap[str]:
    """Return the volumes without a name of their own, by the path that each is mounted at, but for what is `named`.

    Such are those that are declared without a source, and those of the image. The engine calls each by 64 digits.
    """
    return FrozenMap(
        {
            target: each["Name"]
            for each in found or ()
            if each.get("Type") == "volume" and _ANONYMOUS.fullmatch(each.get("Name") or "")
            if (target := units.path(each["Destination"])) not in named or not named[target].source
        }
    )


def _of_bind(text: str) -> tuple[str, Mount]:
    source, target, modes = (*text.split(":", 2), "")[:3]
    return units.path(target), with_modes(Mount("bind" if source.startswith("/") else "volume", source), modes)


def _of_mount(found: Mapping[str, Any]) -> Mount:
    mount = Mount(found["Type"], found.get("Source", ""), read_only=found.get("ReadOnly", False))
    if mount.type == "bind":
        propagation = (found.get("BindOptions") or {}).get("Propagation") or mount.propagation
        return replace(mount, create_host_path=False, propagation=propagation)
    if mount.type == "volume":
        return replace(mount, nocopy=(found.get("VolumeOptions") or {}).get("NoCopy", False))
    options = found.get("TmpfsOptions") or {}
    mode = f"{options['Mode']:o}" if options.get("Mode") else _MODE
    return replace(mount, size=Bytes(options.get("SizeBytes", 0)), mode=mode)
