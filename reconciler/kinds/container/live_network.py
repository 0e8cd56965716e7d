"""The network of a container as its inspection tells it: ports, links, names, whose namespace it is in; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.kinds.addresses import plain
from reconciler.kinds.container import ports, settings
from reconciler.kinds.container.seen import Seen, unless_default
from reconciler.kinds.networking import BRIDGE, SHARED
from reconciler.model import FrozenMap


def network(seen: Seen) -> dict[str, Any]:
    """Read what is declared of a container's network, but for its endpoints."""
    config, host_config = seen.config, seen.host_config
    published = ports.of_engine(host_config.get("PortBindings"))
    mode, target = _network_mode(seen)
    theirs = seen.image.get("ExposedPorts") or {}
    exposed = {port for port in config.get("ExposedPorts") or () if port not in theirs or port in seen.want.expose}
    linked = [_link(seen, each) for each in host_config.get("Links") or () if seen.answers(*each.split(":", 1))]
    left_out = dict(_left_out(seen))
    return {
        "hostname": _hostname(seen, mode),
        "ports": published,
        "expose": tuple(sorted(exposed - published.keys())),
        "network_mode": mode,
        "target": target,
        "links": tuple(sorted({f"{target}:{alias}" for target, _, alias in linked} | left_out.keys())),
        "link_targets": FrozenMap(dict(left_out.values()) | {target: live for target, live, _ in linked}),
        "unsure_links": seen.want.unsure_links,
        **_mac(seen),
        "dns": tuple(map(plain, host_config.get("Dns") or ())),
        "dns_search": tuple(host_config.get("DnsSearch") or ()),
        "dns_opt": tuple(host_config.get("DnsOptions") or ()),
        "extra_hosts": settings.hosts_of_engine(host_config.get("ExtraHosts")),
    }


def _left_out(seen: Seen) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the links that cannot be on Docker's own bridge, as their targets are not, with what these are called."""
    for link in seen.want.links:
        target = link.rpartition(":")[0]
        if target in seen.want.unsure_links and target not in seen.bridged:
            yield link, (target, seen.want.link_targets[target])


def _mac(seen: Seen) -> dict[str, str | None]:
    """Read the MAC address, and the network that it is for: an old engine gives it where a container was made only.

    Of an endpoint none can tell whether its address was declared: it only counts where one is wanted.
    """
    if not seen.mac:
        return {"mac_address": seen.want.mac_address, "mac_network": seen.want.mac_network}
    network, address = seen.host_config["NetworkMode"], seen.config.get("MacAddress") or None
    if seen.mac_of_endpoint and seen.want.mac_address:
        endpoint = (seen.found["NetworkSettings"].get("Networks") or {}).get(network)
        address = None if endpoint is None else endpoint.get("MacAddress") or seen.want.mac_address
    return {"mac_address": address, "mac_network": network if address else seen.want.mac_network}


def _network_mode(seen: Seen) -> tuple[str, str]:
    """Read the mode, and the live name of the container that is shared with.

    The engine's mode only tells how a container was made. It can leave Docker's own bridge or `none`, and come there;
    but not where links are, at either end: they point to addresses that are written down when their owner starts.
    """
    live, want = str(seen.host_config["NetworkMode"]), seen.want.network_mode
    if live.startswith(SHARED):
        target = live.partition(":")[2]
        name = seen.named(target)
        return (f"container:{name[1:]}" if name.startswith("@") else f"service:{name}"), seen.live_name(target)
    if live == "host":
        return live, ""
    networks = set(seen.found["NetworkSettings"].get("Networks") or ())
    if want in ("", BRIDGE) and BRIDGE not in networks and _has_links(seen):
        return "none", ""
    if want == BRIDGE and BRIDGE not in networks:
        return "", ""
    if want in ("", "none", BRIDGE) and seen.want.name:
        return want, ""
    return (BRIDGE if live in (BRIDGE, "default") else live if live == "none" and networks <= {"none"} else ""), ""


def _has_links(seen: Seen) -> bool:
    return bool(seen.host_config.get("Links")) or seen.found["Name"].removeprefix("/") in seen.linked


def _hostname(seen: Seen, mode: str) -> str | None:
    if mode.startswith(SHARED):
        return None
    live = seen.config.get("Hostname") or ""
    if mode == "host":
        return unless_default(live, seen.info.get("Name") or "", seen.want.hostname)
    return live


def _link(seen: Seen, text: str) -> tuple[str, str, str]:
    """Read `/target:/source/alias` into the target's name in the file, its live name, and the alias."""
    target, _, alias = text.partition(":")
    live = target.removeprefix("/")
    return seen.named(live), live, alias.rpartition("/")[2]
