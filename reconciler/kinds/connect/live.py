"""The endpoints of a container as its inspection tells them; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from reconciler.host.kernel.space import Space
from reconciler.host.netlink import Link
from reconciler.kinds.addresses import plain
from reconciler.kinds.connect.spec import MAC_AT_CREATE, ConnectSpec
from reconciler.kinds.nodes import interface_claim, label
from reconciler.model import Claim, ResourceKey

Json = Mapping[str, Any]
_SHORT_ID = 12
_MADE = "02:42:"


def is_up(inspected: Json) -> bool:
    """Tell whether a container has a network namespace: it runs, or is paused."""
    state = inspected["State"]
    return bool(state.get("Running")) and bool(state.get("Pid"))


def has_completed(inspected: Json) -> bool:
    """Tell whether a container has run to exit code 0: one that is to complete is not started again."""
    state = inspected["State"]
    return bool(state["Status"] == "exited" and state.get("ExitCode") == 0)


def holds(endpoint: Json, inspected: Json, space: Space | None) -> bool:
    """Tell whether an endpoint is what it says: that of a container with a namespace has its interface there.

    A connect that failed half-way leaves one without an id, or one whose interface never came; a hand takes that down,
    or its addresses from it. Whoever puts them on another interface there, such as a bridge that this one is a port of,
    has them. The engine tells an IPv6 address even where the container has IPv6 off, and the kernel none. `space` is
    the namespace, None where nobody looked.
    """
    if not is_up(inspected):
        return True
    return bool(endpoint.get("EndpointID")) and (
        space is None or _is_in(space, endpoint, ipv6=not _lacks_ipv6(inspected))
    )


def _lacks_ipv6(inspected: Json) -> bool:
    sysctls = inspected["HostConfig"].get("Sysctls") or {}
    return any(sysctls.get(f"net.ipv6.conf.{each}.disable_ipv6", "0") != "0" for each in ("all", "default"))


def _is_in(space: Space, endpoint: Json, *, ipv6: bool) -> bool:
    link = link_of(endpoint, space)
    there = {plain(each.address.partition("/")[0]) for some in space.addresses.values() for each in some}
    is_up = not endpoint.get("MacAddress") or bool(link and link.up)
    return is_up and there.issuperset(each for each in addresses(endpoint) if ipv6 or ":" not in each)


def spec_of(name: str, endpoint: Json, inspected: Json, want: ConnectSpec, *, version: tuple[int, int]) -> ConnectSpec:
    """Read an endpoint on a network, known by its live name, as an engine of an API version tells it."""
    ipam = endpoint.get("IPAMConfig") or {}
    up, first = is_up(inspected), inspected["HostConfig"].get("NetworkMode") == name
    return ConnectSpec(
        network=name,
        aliases=tuple(sorted(_aliases(endpoint, inspected, want))),
        ipv4_address=_static(ipam.get("IPv4Address"), endpoint.get("IPAddress") if up else None),
        ipv6_address=_static(ipam.get("IPv6Address"), endpoint.get("GlobalIPv6Address") if up else None),
        link_local_ips=tuple(sorted(map(plain, ipam.get("LinkLocalIPs") or ()))),
        mac_address=_mac(endpoint, want) if up else _mac_asleep(inspected, want, first=first, version=version),
        links=tuple(sorted(endpoint.get("Links") or ())),
        first=first,
        container=inspected["Name"].removeprefix("/"),
    )


def _aliases(endpoint: Json, inspected: Json, want: ConnectSpec) -> set[str]:
    """The aliases without those that the engine adds by itself: short id, hostname, name."""
    wanted = set(want.aliases)
    own = {inspected["Id"][:_SHORT_ID], inspected["Config"].get("Hostname"), inspected["Name"].removeprefix("/")}
    found = set(endpoint.get("Aliases") or ()) | (set(endpoint.get("DNSNames") or ()) & wanted)
    return found - (own - wanted)


def _mac(endpoint: Json, want: ConnectSpec) -> str | None:
    """The MAC address; one that an older engine made of the address is as undeclared, unless it is declared."""
    mac, address = endpoint.get("MacAddress") or None, endpoint.get("IPAddress")
    made_of_it = _MADE + ip_address(address).packed.hex(":") if address else None
    return None if mac == made_of_it != want.mac_address else mac


def _mac_asleep(inspected: Json, want: ConnectSpec, *, first: bool, version: tuple[int, int]) -> str | None:
    """The MAC address of what does not run: as declared, but an older engine tells what the container was made with."""
    if version >= MAC_AT_CREATE:
        return want.mac_address
    return inspected["Config"].get("MacAddress") or None if first else None


def _static(declared: str | None, live: str | None) -> str | None:
    """The address in force, if it is one that was asked for."""
    return plain(live or declared) if declared else None


def interfaces(container: ResourceKey, endpoint: Json, space: Space | None) -> Iterator[Claim]:
    """Yield the claim on the name of an endpoint's interface, which the engine chose: a veth may want it."""
    link = link_of(endpoint, space)
    if link:
        yield interface_claim(label(container), link.name, chosen=True)


def link_of(endpoint: Json, space: Space | None) -> Link | None:
    """Return the interface of an endpoint; None where it is not there, or nobody looked."""
    return space.endpoint(endpoint.get("MacAddress") or "", addresses(endpoint)) if space else None


def stand_in(name: str, networks: Sequence[tuple[str, str]], endpoints: Json, space: Space) -> Link | None:
    """Return the interface that is meant by a name of the engine's of which none is there.

    It gives the names to the `networks` at a start, in order; what is connected later gets another one.
    """
    links = [link_of(endpoints.get(network) or {}, space) for _, network in networks]
    names = [each for each, _ in networks]
    free = (each for each in names if not space.link(each))
    others = (each for each in links if each is None or each.name not in names)  # one that is not there has its turn
    return dict(zip(free, others, strict=False)).get(name)


def subnets(network: Json) -> tuple[str, ...]:
    """Return the subnets of a network as the engine tells it."""
    return tuple(each["Subnet"] for each in (network.get("IPAM") or {}).get("Config") or () if each.get("Subnet"))


def addresses(endpoint: Json) -> list[str]:
    """Return the addresses that an endpoint has now."""
    return [plain(each) for name in ("IPAddress", "GlobalIPv6Address") if (each := endpoint.get(name))]
