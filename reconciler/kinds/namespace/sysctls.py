"""The sysctls that the file declares for a namespace; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import mapping, ranges, steps
from reconciler.secret import alike

_PER_INTERFACE = {("net", family, what) for family in ("ipv4", "ipv6") for what in ("conf", "neigh")}
_EVERYWHERE = ("all", "default", "lo")
_PARTS = 4
_BITMAPS = ("net.ipv4.ip_local_reserved_ports", "net.ipv6.icmp.ratemask")
"""Those that the kernel shows in an order of its own (proc_do_large_bitmap): ranges that neither overlap nor touch."""
_NUMBER = "(0|[1-9][0-9]{0,4})"
_RANGE = re.compile(f"{_NUMBER}(?:-{_NUMBER})?")


def declared(source: Source, pointer: Pointer, given: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    """Read a mapping or a list of `name=value`; names get dots, as in sysctl(8)."""
    found: dict[str, str] = {}
    for name, value in mapping(given).items():
        key = name.strip().replace("/", ".")
        message, hint = _wrong(key)
        if message:
            source.problem((*pointer, steps(given)[name]), message, hint)
        found[key] = as_shown(key, str(value))
    return found


def lasting(key: str) -> bool:
    """Tell whether a sysctl is of a network namespace itself, and not of an interface that may come and go."""
    return not _wrong(key)[0]


def as_shown(key: str, value: str) -> str:
    """Write a value as the kernel does; what the kernel will refuse stays as it is, so that it says so."""
    return alike(_shown(key, " ".join(value.split())), value)


def _shown(key: str, value: str) -> str:
    if key not in _BITMAPS:
        return value
    found = [_RANGE.fullmatch(each) for each in value.split(",")]
    numbers = [(int(each[1]), int(each[2] or each[1])) for each in found if each]
    if len(numbers) < len(found) or any(first > last for first, last in numbers):
        return value
    return ranges(numbers)


def _wrong(key: str) -> tuple[str, str]:
    parts = key.split(".")
    if parts[0] != "net" or "" in parts:
        return f"{key} is not of a network namespace", "only sysctls under net. are"
    if tuple(parts[:3]) in _PER_INTERFACE and len(parts) > _PARTS and parts[3] not in _EVERYWHERE:
        every = ".".join((*parts[:3], "default", *parts[4:]))
        return f"{key}: the interface {parts[3]} is made after the namespace", f"set {every}, or use exec"
    return "", ""
