"""Options of which the engine makes no network, and says so only when the one before is gone; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from reconciler.kinds.masters import BRIDGE_NAME
from reconciler.kinds.network.spec import BRIDGE
from reconciler.kinds.nodes import interface_problem
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import labels

_IPV6 = "com.docker.network.enable_ipv6"
_MTU = "com.docker.network.driver.mtu"
_BINDING = "com.docker.network.bridge.host_binding_ipv4"
_NUMBER = re.compile("[+]?[0-9]+")
_SWITCHES = tuple(
    f"com.docker.network.bridge.{name}" for name in ("enable_icc", "enable_ip_masquerade", "inhibit_ipv4")
)
_BOOLEAN = re.compile("1|t|T|TRUE|true|True|0|f|F|FALSE|false|False")
"""What the engine reads as a boolean (Go's strconv.ParseBool)."""


def check(source: Source, pointer: Pointer, entry: Mapping[str, Any]) -> None:
    """Note what is wrong with the options of a network, and else with one of the bridge driver."""
    if _IPV6 in labels(entry.get("driver_opts")):
        message = "this is no option of a network: the engine takes it out, or makes nothing of it"
        source.problem((*pointer, "driver_opts", _IPV6), message, "say `enable_ipv6: true` in its place")
    if entry.get("driver", BRIDGE) != BRIDGE or source.incomplete((*pointer, "driver")):
        return
    for name, message, hint in _wrong(labels(entry.get("driver_opts"))):
        source.problem((*pointer, "driver_opts", name), message, hint)
    for at, version in _second(entry):
        message = f"a bridge has one IPv{version} subnet, and this is another"
        source.problem((*pointer, "ipam", "config", at, "subnet"), message, "make two networks")


def _wrong(options: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name, value in options.items():
        if name == BRIDGE_NAME and value and (problem := interface_problem(value)):
            yield name, problem, "give the bridge another name"
        elif name == _MTU and not _NUMBER.fullmatch(value):
            yield name, f"{value!r} is no MTU", "a number of bytes, e.g. 1400"
        elif name in _SWITCHES and not _BOOLEAN.fullmatch(value):
            yield name, f"{value!r} is neither true nor false", "write one of these"
        elif name == _BINDING and not _is_address(value):
            yield name, f"{value!r} is not an address", "e.g. 127.0.0.1"


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _second(entry: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield which subnets are not the first of their family, with that."""
    seen: set[int] = set()
    for at, pool in enumerate((entry.get("ipam") or {}).get("config") or ()):
        version = 6 if ":" in pool["subnet"] else 4
        if version in seen:
            yield at, version
        seen.add(version)
