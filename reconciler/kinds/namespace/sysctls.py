"""The sysctls that the file declares for a namespace; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import mapping, steps

_PER_INTERFACE = {("net", family, what) for family in ("ipv4", "ipv6") for what in ("conf", "neigh")}
_EVERYWHERE = ("all", "default", "lo")
_PARTS = 4


def declared(source: Source, pointer: Pointer, given: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    """Read a mapping or a list of `name=value`; names get dots, as in sysctl(8)."""
    found: dict[str, str] = {}
    for name, value in mapping(given).items():
        key = name.strip().replace("/", ".")
        message, hint = _wrong(key)
        if message:
            source.problem((*pointer, steps(given)[name]), message, hint)
        found[key] = " ".join(str(value).split())
    return found


def _wrong(key: str) -> tuple[str, str]:
    parts = key.split(".")
    if parts[0] != "net" or "" in parts:
        return f"{key} is not of a network namespace", "only sysctls under net. are"
    if tuple(parts[:3]) in _PER_INTERFACE and len(parts) > _PARTS and parts[3] not in _EVERYWHERE:
        every = ".".join((*parts[:3], "default", *parts[4:]))
        return f"{key}: the interface {parts[3]} is made after the namespace", f"set {every}, or use exec"
    return "", ""
