"""Published and exposed ports: Compose's short and long forms, the engine's bindings, the claims on the host; pure."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds.addresses import plain
from reconciler.kinds.entry import Entry
from reconciler.kinds.source import Pointer
from reconciler.model import Claim, FrozenMap
from reconciler.value import dataclass

_PROTOCOLS = ("tcp", "udp", "sctp")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_HIGHEST = 65535
_V6 = 1 << 32
"""In claims the IPv6 addresses stand behind the IPv4 ones."""
EVERYWHERE = (0, _V6 + (1 << 128) - 1)
"""All addresses of a host, of both versions."""
ANY_V6 = "::"

_NOTHING: list[tuple[str, str]] = []

Ports = FrozenMap[tuple[str, ...]]
"""Container port with protocol → where it is published: `[HOST_IP:]HOST_PORT`, empty for a free port."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Ports as the file publishes them: ranges, as texts."""

    target: str
    published: str = ""
    host_ip: str = ""
    protocol: str = "tcp"


def ports(entry: Entry) -> Ports:
    """Read `ports`."""
    found: dict[str, list[str]] = defaultdict(list)
    for number, each in entry.items("ports"):
        for port, binding in entry.read(("ports", number), _bindings, each, instead=_NOTHING):
            if binding and binding in found[port]:
                entry.problem(("ports", number), f"port {port} is published at {binding} twice", "remove one")
            found[port].append(binding)
    _check(entry)
    return FrozenMap({port: tuple(sorted(bindings)) for port, bindings in found.items()})


def expose(entry: Entry, published: Mapping[str, Any]) -> tuple[str, ...]:
    """Read `expose`, without what is published anyway."""
    found: set[str] = set()
    for number, each in entry.items("expose"):
        port, _, protocol = str(each).partition("/")
        span = entry.read(("expose", number), numbers, port, instead=range(0))
        found |= {f"{each}/{protocol.lower() or 'tcp'}" for each in span}
    return tuple(sorted(found - published.keys()))


def _bindings(value: Any) -> list[tuple[str, str]]:
    return list(expanded(publication(value)))


def publication(value: Any) -> Publication:
    """Read one entry of `ports`; a ValueError if it is none."""
    if isinstance(value, Mapping):
        published = str(value.get("published", "")).strip()
        protocol = value.get("protocol", "tcp").lower()
        return Publication(str(value["target"]), published, _address(value.get("host_ip", "")), protocol)
    text, _, protocol = str(value).partition("/")
    address, published, target = _parts(text)
    if (protocol := protocol.lower() or "tcp") not in _PROTOCOLS:
        raise ValueError(f"{value!r}: the protocol is one of {', '.join(_PROTOCOLS)}")
    return Publication(target, published, _address(address), protocol)


def _parts(text: str) -> tuple[str, str, str]:
    """Split `[HOST_IP:][HOST_PORT:]PORT`; an IPv6 address may stand in brackets."""
    *front, target = text.rsplit(":", 2)
    if not front:
        return "", "", target
    return ("", front[0], target) if len(front) == 1 else (front[0], front[1], target)


def _address(text: str) -> str:
    if not text:
        return ""
    try:
        return str(ipaddress.ip_address(text[1:-1] if text[0] + text[-1] == "[]" else text))
    except ValueError:
        raise ValueError(f"{text!r} is not an address of the host, such as 127.0.0.1 or [::1]") from None


def expanded(found: Publication) -> Iterator[tuple[str, str]]:
    """Yield each container port with its binding; a ValueError where the ranges do not fit."""
    targets = numbers(found.target)
    host = range(0) if found.published in ("", "0") else numbers(found.published)
    if len(host) not in (0, len(targets)) and len(targets) > 1:
        raise ValueError(f"{len(host)} ports of the host cannot be mapped to {len(targets)} of the container")
    for at, target in enumerate(targets):
        one = found.published if len(targets) == 1 and len(host) > 1 else str(host[at]) if host else ""
        yield f"{target}/{found.protocol}", binding(found.host_ip, one)


def numbers(text: str) -> range:
    """Read a port or a range of ports; a ValueError if it is none."""
    found = _RANGE.fullmatch(text)
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    if not 0 < first <= last <= _HIGHEST:
        raise ValueError(f"{text!r} is not a port from 1 to {_HIGHEST}, or a range of them")
    return range(first, last + 1)


def binding(host_ip: str, port: str) -> str:
    """Write where a port is published."""
    if not host_ip:
        return port
    return f"[{host_ip}]:{port}" if ":" in host_ip else f"{host_ip}:{port}"


def unbound(text: str) -> tuple[str, str]:
    """Split a binding into the host's address and port."""
    address, _, port = text.rpartition(":")
    return address.removeprefix("[").removesuffix("]"), port


def to_engine(published: Ports) -> dict[str, list[dict[str, str]]]:
    """Write PortBindings."""
    return {
        port: [{"HostIp": address, "HostPort": number} for address, number in map(unbound, bindings)]
        for port, bindings in published.items()
    }


def of_engine(bindings: Mapping[str, Any] | None) -> Ports:
    """Read PortBindings."""
    return FrozenMap(
        {
            port.lower() if "/" in port else f"{port}/tcp": tuple(sorted(map(_of_engine, found)))
            for port, found in (bindings or {}).items()
            if found
        }
    )


def _of_engine(found: Mapping[str, str]) -> str:
    return binding(plain(found.get("HostIp") or ""), (found.get("HostPort") or "").removeprefix("0"))


def claimed(entry: Entry) -> dict[Claim, Pointer]:
    """Return the claims on ports of the host, each with the place where it is made."""
    return {
        claim: entry.pointer("ports", number)
        for number, each in entry.items("ports")
        for port, binding in entry.read(("ports", number), _bindings, each, instead=_NOTHING)
        for claim in claims({port: [binding]})
    }


def claims(published: Mapping[str, Iterable[str]]) -> Iterator[Claim]:
    """Yield the claims on ports of the host; a free port, or one from a range, is claimed by nobody."""
    for port, bindings in published.items():
        for address, number in map(unbound, bindings):
            if number.isdigit():
                yield claim(int(number), port.partition("/")[2], address)


def told(published: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the numbers of ports, of the container's and of the host's: one that is a password too is told as these."""
    for port, bindings in published.items():
        yield port.partition("/")[0]
        for _, number in map(unbound, bindings):
            yield from number.split("-")


def spans(published: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, range, str]]:
    """Yield the protocol, the ports and the address of the host of what is published there, but for free ports."""
    for port, bindings in published.items():
        for address, span in map(unbound, bindings):
            if span:
                yield port.partition("/")[2], numbers(span), address


def claim(number: int, protocol: str, address: str) -> Claim:
    """Return the claim on one port of the host."""
    low, high = interval(address)
    return Claim(f"port {protocol} {number}", low, high, f"host port {binding(address, str(number))}/{protocol}")


def interval(address: str) -> tuple[int, int]:
    """Return which addresses of the host one stands for: 0.0.0.0 all of IPv4, :: all of IPv6, and nothing all."""
    if not address:
        return EVERYWHERE
    if address == ANY_V6:
        return _V6, EVERYWHERE[1]
    if address == "0.0.0.0":  # noqa: S104 - read, not listened at
        return 0, _V6 - 1
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    number = int(mapped or found) + (0 if mapped or found.version == 4 else _V6)  # noqa: PLR2004 - the IP version
    return number, number


def _check(entry: Entry) -> None:
    """Note where two ports of one container want the same port of the host."""
    seen: dict[str, list[tuple[Claim, str]]] = defaultdict(list)
    for number, each in entry.items("ports"):
        for port, binding in entry.read(("ports", number), _bindings, each, instead=_NOTHING):
            for mine in claims({port: [binding]}):
                other = next((each for each in seen[mine.scope] if each[0].overlaps(mine)), None)
                if other and other != (mine, port):
                    entry.problem(("ports", number), f"{mine} is published for {other[1]} and for {port}")
                seen[mine.scope].append((mine, port))
