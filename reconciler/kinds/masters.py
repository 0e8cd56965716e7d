"""Which declared bridge or Docker network a port is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import EngineUnreachable, StepFailed
from reconciler.host.kernel import Space, Where
from reconciler.host.marks import Mark
from reconciler.host.netlink import BRIDGE, Link, Socket, get_link
from reconciler.kinds import still_ours
from reconciler.model import ResourceKey

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

BRIDGE_NAME = "com.docker.network.bridge.name"
"""The option that names the Linux bridge of a network."""
_DOCKERS = re.compile("docker0|docker_gwbridge|br-[0-9a-f]{12}")
"""What the engine calls such a bridge unless it is told otherwise."""


def master_of(scope: Scope, space: Space, link: Link) -> tuple[str, Where | None]:
    """Return the key of the bridge or network that a link is a port of, and how that is found again.

    The key is `@NAME` of a foreign one, and empty where there is none.
    """
    master = space.links.get(link.master) if link.master else None
    if master is None:
        return "", None
    mark = scope.kernel.mine(master)
    ours = scope.key_of_ours(mark.key, master.name) if mark and mark.key.kind == "bridge" else None
    bridge = ours or _external(scope, space, master)
    network = network_of(scope, space, master) if bridge is None else None
    if network:
        return str(network.key), network
    key = bridge or ResourceKey("bridge", f"@{master.name}")
    return str(bridge or f"@{master.name}"), Where(key, master.name, scope.name if mark and mark.key == key else "")


def _external(scope: Scope, space: Space, link: Link) -> ResourceKey | None:
    """Find the external bridge that is declared by the name of a link in a node, or by one of its altnames."""
    nodes, names = scope.kernel.residents.get(space.place.cookie, ()), (link.name, *link.altnames)
    for each in scope.desired.of_kind("bridge"):
        if not each.owned and getattr(each.spec, "name", "") in names and getattr(each.spec, "node", None) in nodes:
            return each.key
    return None


def network_of(scope: Scope, space: Space, link: Link) -> Where | None:
    """Find the Docker network of the topology, be it an external one, whose bridge a link is."""
    if link.kind != BRIDGE or space is not scope.kernel.host:
        return None
    found = next((each for each in _networks(scope) if bridge_of(each) == link.name), None)
    if found is None:
        return None
    mark, name = scope.mark(found.get("Labels")), found["Name"]
    key = scope.key_of_ours(mark.key, name) if mark else scope.wanted.get(("network", name))
    return Where(key, name, scope.name if mark and mark.key == key else "") if key else None


def _networks(scope: Scope) -> Iterable[Mapping[str, Any]]:
    """Return the engine's networks; none where it is out of reach."""
    try:
        return scope.networks.values()
    except Exception as error:
        if isinstance(scope.host.explain(error), EngineUnreachable):
            return ()
        raise


def is_dockers(scope: Scope, space: Space, link: Link) -> bool:
    """Tell whether a link is the bridge of a Docker network, whoever's that is: by its name where no engine says so."""
    if link.kind != BRIDGE or space is not scope.kernel.host:
        return False
    return bool(_DOCKERS.fullmatch(link.name)) or any(bridge_of(each) == link.name for each in _networks(scope))


def bridge_of(network: Mapping[str, Any]) -> str:
    """Return the name of a Docker network's Linux bridge."""
    options = network.get("Options") or {}
    return str(options.get(BRIDGE_NAME) or f"br-{network['Id'][:12]}")


def bridge_now(host: Host, at: Where, into: Where, socket: Socket) -> int:
    """Return the index of a bridge or of a Docker network's bridge, as it is now.

    StepFailed where there is none, Conflict where the name means one that is not ours by now.
    """
    name = into.live if into.key.kind == "bridge" else bridge_of(still_ours.network_now(host, into))
    found = socket.ask([get_link(name)])[0]
    if not isinstance(found, Link):
        raise StepFailed(f"there is no bridge {name} in {at}: apply again")
    if into.key.kind == "bridge" and into.topology:
        still_ours.insist_on_link(Mark(into.topology, into.key, host=host.identity), found, f"a bridge {name} in {at}")
    return found.index
