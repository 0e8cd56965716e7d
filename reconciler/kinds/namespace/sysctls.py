"""The sysctls that the file declares for a namespace; pure, but for how fast the clock of this kernel ticks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.host.kernel.sysctls import EVERYWHERE, hertz, is_mask, without_zeros
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import mapping, ranges, steps
from reconciler.secret import alike

_PER_INTERFACE = {("net", family, what) for family in ("ipv4", "ipv6") for what in ("conf", "neigh")}
_PARTS = 4
_BITMAPS = ("net.ipv4.ip_local_reserved_ports", "net.ipv6.icmp.ratemask")
"""Those that the kernel shows in an order of its own (proc_do_large_bitmap): ranges that neither overlap nor touch."""
_MILLISECONDS = (
    "_time_ms",
    ".gc_min_interval_ms",
    ".icmp_ratelimit",
    ".icmp.ratelimit",
    ".tcp_invalid_ratelimit",
    ".mldv1_unsolicited_report_interval",
    ".mldv2_unsolicited_report_interval",
)
"""How the names end of those that the kernel keeps in ticks of its clock, rounded up (proc_dointvec_ms_jiffies)."""
_HUNDREDTHS = (".anycast_delay", ".locktime", ".proxy_delay", ".ipv4.neigh.lo.retrans_time")
"""The same of those that are in hundredths of a second, rounded down (proc_dointvec_userhz_jiffies)."""
_SWITCHES = "net.bridge.bridge-nf-"
"""How those begin that are on with any number but 0, and then 1."""
_NUMBER = "(0|[1-9][0-9]{0,4})"
_RANGE = re.compile(f"{_NUMBER}(?:-{_NUMBER})?")
_DIGITS = re.compile("-?[0-9]{1,19}")
_INTEGER = re.compile("(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+))|-?[0-9]+")
"""A number as the kernel reads it (strtoul_lenient): hexadecimal, octal, or any other."""
_FASTOPEN, _FASTOPEN_KEY = "net.ipv4.tcp_fastopen_key", re.compile("-".join(["([0-9a-fA-F]{1,8})"] * 4))
_FORWARDING = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding")
"""Two names of one value."""


def declared(source: Source, pointer: Pointer, given: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    """Read a mapping or a list of `name=value`; names get dots, as in sysctl(8)."""
    found: dict[str, str] = {}
    for name, value in mapping(given).items():
        key = name.strip().replace("/", ".")
        normal = as_shown(key, str(value))
        message, hint = _wrong(key) or _contradicted({**found, key: normal}, key) or _again(found, key) or ("", "")
        if message:
            source.problem((*pointer, steps(given)[name]), message, hint)
        found[key] = normal
    return found


def lasting(key: str) -> bool:
    """Tell whether a sysctl is of a network namespace itself, and not of an interface that may come and go."""
    return _wrong(key) is None


def as_shown(key: str, value: str) -> str:
    """Write a value as the kernel does; what the kernel will refuse stays as it is, so that it says so."""
    return alike(_shown(key, " ".join(value.split())), value)


def _shown(key: str, value: str) -> str:
    if key == _FASTOPEN:
        return ",".join(map(_fastopen_key, value.split(",")))
    if key in _BITMAPS:
        return _bitmap(value)
    if is_mask(key):
        return without_zeros(value)
    return _address(value) or " ".join(_kept(key, _integer(each)) for each in value.split())


def _kept(key: str, number: str) -> str:
    """Write a number as the kernel has it once it is set."""
    if not _DIGITS.fullmatch(number):
        return number
    if key.startswith(_SWITCHES):
        return str(int(int(number) != 0))
    if number.startswith("-"):
        return number
    if key.endswith(_MILLISECONDS):
        return str(_rounded_up(_rounded_up(int(number) * hertz(), 1000) * 1000, hertz()))
    if key.endswith(_HUNDREDTHS):
        return str(int(number) * hertz() // 100 * (10**9 // hertz()) // 10**7)
    return number


def _rounded_up(number: int, by: int) -> int:
    return -(-number // by)


def _integer(text: str) -> str:
    """Write a number in full as the kernel does, who takes one that begins with 0 for an octal one."""
    found = _INTEGER.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return text
    return found[1] + str(int(found[2], 16) if found[2] else int(found[3], 8))


def _fastopen_key(text: str) -> str:
    found = _FASTOPEN_KEY.fullmatch(text)
    return "-".join(each.lower().zfill(8) for each in found.groups()) if found else text


def _address(value: str) -> str:
    """Write an IPv6 address in full, as the kernel shows one; empty if it is none."""
    try:
        return ipaddress.IPv6Address(value).exploded
    except ValueError:
        return ""


def _bitmap(value: str) -> str:
    found = [_RANGE.fullmatch(each) for each in value.split(",")]
    numbers = [(int(each[1]), int(each[2] or each[1])) for each in found if each]
    if len(numbers) < len(found) or any(first > last for first, last in numbers):
        return value
    return ranges(numbers)


def _wrong(key: str) -> tuple[str, str] | None:
    parts = key.split(".")
    if parts[0] != "net" or "" in parts:
        return f"{key} is not of a network namespace", "only sysctls under net. are"
    if parts[-1] == "flush":
        return f"{key} has no value: writing to it empties a cache", "use exec"
    if tuple(parts[:3]) in _PER_INTERFACE and len(parts) > _PARTS and parts[3] not in EVERYWHERE:
        every = ".".join((*parts[:3], "default", parts[-1]))
        return f"{key}: the interface {'.'.join(parts[3:-1])} is made after the namespace", f"set {every}, or use exec"
    return None


def _contradicted(declared: Mapping[str, str], key: str) -> tuple[str, str] | None:
    one, other = (declared.get(each) for each in _FORWARDING)
    if key not in _FORWARDING or None in (one, other) or one == other:
        return None
    return f"{' and '.join(_FORWARDING)} are one value", "leave one out"


def _again(declared: Mapping[str, str], key: str) -> tuple[str, str] | None:
    return (f"{key} is declared twice: with dots and with slashes", "leave one out") if key in declared else None
