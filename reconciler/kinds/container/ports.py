"""Published and exposed ports: Compose's short and long forms, the engine's bindings, the claims on the host; pure."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from reconciler.kinds.addresses import plain
from reconciler.kinds.entry import Entry
from reconciler.kinds.room import Room
from reconciler.kinds.source import Pointer, Source
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

MOST = 65_535
"""How many ports the ranges of a file may stand for beyond those that it spells out: as many as a host has."""
_NOTHING: list[tuple[str, str]] = []
_NONE: list[str] = []

Ports = FrozenMap[tuple[str, ...]]
"""Container port with protocol → where it is published: `[HOST_IP:]HOST_PORT`, empty for a free port."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Ports as the file publishes them: ranges, as texts."""

    target: str
    published: str = ""
    host_ip: str = ""
    protocol: str = "tcp"


class Published(NamedTuple):
    """A port of a container, where it is published, the claim on that, and which element of `ports` says so."""

    port: str
    binding: str
    claim: Claim | None
    number: int


class _Declared(NamedTuple):
    """The ports of a container: those published in their order and by port, those exposed."""

    published: Sequence[Published]
    by_port: Ports
    exposed: AbstractSet[str]


def published(entry: Entry) -> Sequence[Published]:
    """Return each port that `ports` publishes, in their order."""
    return entry.source.once(_Read).of(entry).published


def ports(entry: Entry) -> Ports:
    """Return what `ports` says."""
    return entry.source.once(_Read).of(entry).by_port


def expose(entry: Entry, published: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `expose` says, without what is published anyway."""
    return tuple(sorted(entry.source.once(_Read).of(entry).exposed - published.keys()))


class _Read:
    """The ports of all containers of a file, those of each read once; ranges may stand for so many only."""

    def __init__(self, _: Source) -> None:
        self._room = Room(MOST, f"with this the ranges of ports of the file stand for more than {MOST}")
        self._found: dict[str, _Declared] = {}

    def of(self, entry: Entry) -> _Declared:
        """Return the ports of a container; what is wrong with them is noted the first time."""
        if entry.name not in self._found:
            made = [
                Published(port, binding, _claim(port, binding), number)
                for number, each in entry.items("ports")
                for port, binding in entry.read(("ports", number), self._published, each, instead=_NOTHING)
            ]
            exposed = {
                port
                for number, each in entry.items("expose")
                for port in entry.read(("expose", number), self._exposed, each, instead=_NONE)
            }
            self._found[entry.name] = _Declared(made, _by_port(entry, made), exposed)
            _check(entry, made)
        return self._found[entry.name]

    def _published(self, value: Any) -> list[tuple[str, str]]:
        found = publication(value)
        return list(expanded(found)) if self._room.takes(len(numbers(found.target)) - 1) else []

    def _exposed(self, value: Any) -> list[str]:
        port, _, protocol = str(value).partition("/")
        span = numbers(port)
        return [f"{each}/{protocol.lower() or 'tcp'}" for each in span] if self._room.takes(len(span) - 1) else []


def _by_port(entry: Entry, made: Iterable[Published]) -> Ports:
    found: dict[str, list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    told: set[int] = set()
    for port, binding, _, number in made:
        if binding and (port, binding) in seen and number not in told:
            told.add(number)
            entry.problem(("ports", number), f"port {port} is published at {binding} twice", "remove one")
        seen.add((port, binding))
        found[port].append(binding)
    return FrozenMap({port: tuple(sorted(bindings)) for port, bindings in found.items()})


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
    return {each.claim: entry.pointer("ports", each.number) for each in published(entry) if each.claim}


def claims(published: Mapping[str, Iterable[str]]) -> Iterator[Claim]:
    """Yield the claims on ports of the host; a free port, or one from a range, is claimed by nobody."""
    for port, bindings in published.items():
        yield from filter(None, (_claim(port, each) for each in bindings))


def _claim(port: str, binding: str) -> Claim | None:
    address, number = unbound(binding)
    return claim(int(number), port.partition("/")[2], address) if number.isdigit() else None


def told(published: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the numbers of ports, of the container's and of the host's: one that is a password too is told as these."""
    for port, bindings in published.items():
        yield port.partition("/")[0]
        for _, number in map(unbound, bindings):
            yield from number.split("-")


def spans(entry: Entry) -> Iterator[tuple[str, range, str]]:
    """Yield the protocol, the ports and the address of the host of what is published there, but for free ports."""
    for each in published(entry):
        address, span = unbound(each.binding)
        if span:
            yield each.port.partition("/")[2], numbers(span), address


def claim(number: int, protocol: str, address: str) -> Claim:
    """Return the claim on one port of the host."""
    low, high = interval(address)
    return Claim(f"port {protocol} {number}", low, high, f"host port {binding(address, str(number))}/{protocol}")


@lru_cache(4096)
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


def _check(entry: Entry, made: Iterable[Published]) -> None:
    """Note where two ports of one container want the same port of the host."""
    wanted = [(each.claim, at, each) for at, each in enumerate(made) if each.claim]
    if len(wanted) < 2:  # noqa: PLR2004 - one alone has nobody in its way
        return
    wanted.sort(key=lambda each: (each[0].scope, each[0].low, each[0].high, each[1]))
    widest = wanted[:1]
    told: set[int] = set()
    for each in wanted[1:]:
        if each[0].overlaps(widest[0][0]) and (each[0], each[2].port) != (widest[0][0], widest[0][2].port):
            earlier, later = sorted((widest[0][2], each[2]), key=attrgetter("number"))
            if later.number not in told:
                told.add(later.number)
                message = f"{later.claim} is published for {earlier.port} and for {later.port}"
                entry.problem(("ports", later.number), message)
        if each[0].scope != widest[0][0].scope or each[0].high > widest[0][0].high:
            widest = [each]
