"""Everything of a host that a topology could leave a trace in, without counters, read by other means than ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ENGINE_ROOTS = ("/var/lib/docker", "/run/docker", "/var/run/docker", "/var/lib/containerd", "/run/containerd")
"""Where engines keep their own things: Debian's defaults; the engine under test names its data root itself."""
UNSTABLE = re.compile(r"_count$|/nf_conntrack_max$|random|/stat/|tcp_fastopen_key$|/flush$|neigh/.*/gc_")
"""Parameters that move by themselves or may not be read twice."""
IP_VOLATILE = {"ifindex", "link_index", "preferred_life_time", "valid_life_time", "cache", "expires"}


def snapshot(engine: Any | None) -> dict[str, Any]:
    """Read the host; two snapshots are equal where nothing was left behind."""
    found: dict[str, Any] = {
        "links": _ip("link"),
        "addresses": _ip("addr"),
        "routes": _ip("route", "show", "table", "all"),
        "routes6": _ip("-6", "route", "show", "table", "all"),
        "rules": _ip("rule"),
        "namespaces": sorted(_words("ip", "netns", "list")),
        "sysctls": dict(_sysctls(Path("/proc/sys/net"))),
        "firewall": [*_firewall("iptables-save"), *_firewall("ip6tables-save")],
    }
    if engine is not None:
        found |= _engine(engine)
    return found


def files(excluded: Iterable[str], *, below: Iterable[str] = ("/",)) -> dict[str, tuple[int, int]]:
    """Every file outside the engine's roots and `excluded`, with its size and time of change."""
    skipped = {"/proc", "/sys", "/dev", *ENGINE_ROOTS, *excluded}
    return {path: each for folder in below for path, each in _files(folder, skipped)}


def settled(before: dict[str, Any], engine: Any | None, *, apart_from: Iterable[str] = ()) -> dict[str, Any]:
    """Look again for a moment: the engine gives back its interfaces and rules a little after its answers."""
    deadline = time.monotonic() + 5
    while differences(before, after := snapshot(engine)).keys() - set(apart_from) and time.monotonic() < deadline:
        time.sleep(0.1)
    return after


def at_rest(engine: Any | None) -> dict[str, Any]:
    """Look until nothing moves any more: duplicate addresses are detected, carriers found."""
    before: dict[str, Any] = {}
    while (after := snapshot(engine)) != before:
        before = after
        time.sleep(2)
    return after


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What differs between two snapshots, by part, so that a failure is readable."""
    return {
        part: {"gone": _minus(before[part], after[part]), "new": _minus(after[part], before[part])}
        for part in before
        if before[part] != after[part]
    }


def _minus(some: Any, others: Any) -> Any:
    if isinstance(some, dict):
        return {key: value for key, value in some.items() if others.get(key) != value}
    left, missing = list(others), []
    for each in some:
        if each in left:
            left.remove(each)
        else:
            missing.append(each)
    return missing


def _ip(*arguments: str) -> list[Any]:
    output = subprocess.run(["ip", "-j", *arguments], capture_output=True, text=True, check=True).stdout
    return sorted((_stable(each) for each in json.loads(output or "[]")), key=str)


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stable(each) for key, each in value.items() if key not in IP_VOLATILE}
    return [_stable(each) for each in value] if isinstance(value, list) else value


def _words(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


_ON_TOP = "-A FORWARD -j DOCKER-USER"
"""The engine takes it away, and puts it back on top, for each network; of two at once it may put it there twice."""


def _firewall(command: str) -> list[str]:
    try:
        lines = _words(command)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []
    found = [re.sub(r"\[\d+:\d+\]", "", line) for line in lines if not line.startswith("#")]
    return [line for at, line in enumerate(found) if line != _ON_TOP or _ON_TOP not in found[:at]]


def _sysctls(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not UNSTABLE.search(str(path)):
            try:
                yield str(path), path.read_text(errors="replace")
            except OSError:
                continue


def _engine(engine: Any) -> dict[str, Any]:
    return {
        "containers": sorted((each["Id"], each["State"]) for each in engine.containers(all=True)),
        "networks": sorted((each["Id"], each["Name"]) for each in engine.networks()),
        "volumes": sorted(each["Name"] for each in engine.volumes()["Volumes"] or []),
        "images": sorted((each["Id"], sorted(each["RepoTags"] or [])) for each in engine.images(all=True)),
    }


def _files(folder: str, skipped: set[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.path in skipped or entry.name in ("__pycache__", ".hypothesis"):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, skipped)
        else:
            status = entry.stat(follow_symlinks=False)
            yield entry.path, (status.st_size, status.st_mtime_ns)
