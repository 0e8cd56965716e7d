"""Nodes as the kinds of the kernel read them out of the file: what an interface, a route or a command is in; pure."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from reconciler.host.kernel.space import Where
from reconciler.host.marks import cut
from reconciler.kinds import networking
from reconciler.kinds.entry import entry_of
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import labels
from reconciler.model import HOST, Claim, Need, ResourceKey

INTERFACE_MAX = 15
"""How many characters an interface's name may have (IFNAMSIZ less one)."""
ALTNAME_MAX = 127
"""How many characters a further name of an interface may have (ALTIFNAMSIZ less one)."""
SECTIONS = {"container": "containers", "namespace": "namespaces", "bridge": "bridges", "network": "networks"}
_DIGEST = 6
_ETH, _PREFIX = "eth", "com.docker.network.container_iface_prefix"
_SETTINGS = ("all", "default")
"""What stands beside the interfaces in /proc/sys/net/ipv4/conf, so that the kernel makes none of that name."""
_UNFIT = re.compile(r"[/:%\s]")


def entry(source: Source, key: ResourceKey) -> Mapping[str, Any]:
    """Return what the file says of a node; empty for the host and for a bare key."""
    found: Mapping[str, Any] = source.section(SECTIONS[key.kind]).get(key.name) or {} if key != HOST else {}
    return found


def external(source: Source, key: ResourceKey) -> bool:
    """Tell whether a node is declared external."""
    return bool(entry(source, key).get("external"))


def where(source: Source, key: ResourceKey) -> Where:
    """Say how a node is found at the host."""
    if key == HOST:
        return Where(HOST)
    live = bridge_name(source, key.name)[0] if key.kind == "bridge" else source.live(SECTIONS[key.kind], key.name)
    return Where(key, live, "" if external(source, key) else source.name)


def label(key: ResourceKey) -> str:
    """Write a node as it stands in claims and messages: the host is just `host`."""
    return "host" if key == HOST else str(key)


def interface_claim(node: str, name: str, *, chosen: bool = False) -> Claim:
    """Return the claim on the name of an interface in a node, known by its label."""
    return Claim(f"interface {node}:{name}", label=f"interface {name} in {node}", chosen=chosen)


def ground(key: ResourceKey, via: str, *, owned: bool = True) -> tuple[Need, ...]:
    """Return what something inside a node stands on: a container's process, a namespace; nothing in the host."""
    if key == HOST:
        return ()
    return (Need(ResourceKey("process", key.name) if key.kind == "container" and owned else key, via),)


def _holder(source: Source, key: ResourceKey) -> ResourceKey | None:
    """Return the container whose network namespace a container shares, if it shares one; HOST for the host's."""
    mode = str(entry(source, key).get("network_mode") or "")
    if mode == "host":
        return HOST
    if mode.startswith(networking.SHARED):
        return ResourceKey("container", mode.partition(":")[2])
    return None


def at_last(source: Source, key: ResourceKey) -> ResourceKey:
    """Return the node whose network namespace a node is in; where containers share in a circle any one of them."""
    if key.kind != "container":
        return key
    holder = ResourceKey("container", source.once(networking.holders)[key.name])
    return _holder(source, holder) or holder


def has_own_network(source: Source, pointer: Pointer, key: ResourceKey, what: str) -> bool:
    """Tell whether a node has a network namespace of its own; a problem is noted if it has none."""
    shared = at_last(source, key)
    if shared == key:
        return True
    instead = "'host'" if shared == HOST else repr(shared.name)
    source.problem(pointer, f"container {key.name!r} has no network of its own: give {what} to {instead}")
    return False


def state(source: Source, key: ResourceKey) -> str:
    """Return the state that a container is to have; what is no container just runs."""
    return networking.state(entry_of(source, key.name)) if key.kind == "container" else "running"


def docker_networks(source: Source, key: ResourceKey) -> tuple[str, ...]:
    """Return the names in the file of the Docker networks of a container."""
    if key.kind != "container" or external(source, key):
        return ()
    return tuple(networking.networks(entry_of(source, key.name)))


def docker_interfaces(source: Source, key: ResourceKey) -> Mapping[str, Mapping[str, str]]:
    """Return what Docker names the interfaces of a container at a start, by what their names begin with.

    Each, eth0 say, comes with the live name of its network.
    """
    if entry(source, key).get("network_mode") == networking.BRIDGE:
        return {_ETH: {f"{_ETH}0": networking.BRIDGE}}
    networks = source.section("networks")
    order = sorted(
        (bool((networks.get(each) or {}).get("internal")), source.live("networks", each), _prefix(source, each))
        for each in docker_networks(source, key)
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for _, live, prefix in order:  # the internal ones come last
        found[prefix][f"{prefix}{len(found[prefix])}"] = live
    return found


def _prefix(source: Source, network: str) -> str:
    """Return what the names of the interfaces of a network begin with, as the bridge driver can be told."""
    found = source.section("networks").get(network) or {}
    named = labels(found.get("driver_opts")).get(_PREFIX) if found.get("driver", "bridge") == "bridge" else None
    return named or _ETH


def bridge_name(source: Source, name: str) -> tuple[str, str]:
    """Return the live name of a bridge and, where that had to be shortened, the full one."""
    found = source.section("bridges").get(name) or {}
    own = found.get("name") or found.get("external") or found.get("namespace")
    full = str(found.get("name") or name) if own else source.live("bridges", name)
    if own or len(full) <= INTERFACE_MAX:
        return full, ""
    return shortened(name, full), cut(full, ALTNAME_MAX)


def shortened(readable: str, full: str) -> str:
    """Make a short name that can be read and is always the same for the full one."""
    digest = hashlib.sha256(full.encode()).hexdigest()[:_DIGEST]
    return f"{readable[: INTERFACE_MAX - _DIGEST - 1]}-{digest}"


def node_of_bridge(source: Source, name: str) -> ResourceKey:
    """Return the node in which a bridge is: its namespace or the host."""
    namespace = (source.section("bridges").get(name) or {}).get("namespace")
    return ResourceKey("namespace", namespace) if namespace else HOST


def interface_problem(name: str, longest: int = INTERFACE_MAX) -> str:
    """Say what is wrong with the name of an interface; empty if nothing is (dev_valid_name in the kernel)."""
    if len(name.encode()) > longest:
        return f"the interface name {name!r} is longer than {longest} characters"
    if name in ("", ".", "..") or not name.isprintable() or _UNFIT.search(name):
        return f"{name!r} cannot be the name of an interface"
    if name in _SETTINGS:
        return f"{name!r} cannot be the name of an interface: its settings are those of all"
    return f"{name!r} is there in every network namespace" if name == "lo" else ""
