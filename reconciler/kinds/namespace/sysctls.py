"""The sysctls that the file declares for a namespace; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.source import Pointer, Source

_PER_INTERFACE = {("net", family, what) for family in ("ipv4", "ipv6") for what in ("conf", "neigh")}
_EVERYWHERE = ("all", "default", "lo")
_PARTS = 4


def declared(source: Source, pointer: Pointer, given: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    """Read a mapping or a list of `name=value`; names get dots, as in sysctl(8)."""
    pairs = given.items() if isinstance(given, Mapping) else (_pair(each) for each in given or ())
    found: dict[str, str] = {}
    for name, value in pairs:
        key = str(name).strip().replace("/", ".")
        message, hint = _wrong(key)
        if message:
            source.problem(pointer, message, hint)
        found[key] = " ".join(str(value).split())
    return found


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _wrong(key: str) -> tuple[str, str]:
    parts = key.split(".")
    if parts[0] != "net" or "" in parts:
        return f"{key} is not of a network namespace", "only sysctls under net. are"
    if tuple(parts[:3]) in _PER_INTERFACE and len(parts) > _PARTS and parts[3] not in _EVERYWHERE:
        every = ".".join((*parts[:3], "default", *parts[4:]))
        return f"{key}: the interface {parts[3]} is made after the namespace", f"set {every}, or use exec"
    return "", ""
