"""The networks that endpoints are on, and who has which address there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reconciler.kinds.connect.live import addresses, is_up
from reconciler.kinds.connect.spec import ConnectSpec, key_of
from reconciler.model import ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Json = Mapping[str, Any]


class Networks:
    """The networks by id, and who has which address on them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.keys = {identity: _network_key(scope, row) for identity, row in scope.networks.items()}
        self.names = {identity: row["Name"] for identity, row in scope.networks.items()}
        self.ours = {identity for identity, row in scope.networks.items() if scope.mark(row.get("Labels"))}
        self.may_go = self.ours | {identity for identity, name in self.names.items() if _is_to_be_ours(scope, name)}

    @cached_property
    def holders(self) -> Mapping[tuple[str, str], str]:
        """The id of the container that has an address on a network."""
        return {
            (endpoint["NetworkID"], address): row["Id"]
            for row in self.scope.container_rows
            for endpoint in ((row.get("NetworkSettings") or {}).get("Networks") or {}).values()
            for address in addresses(endpoint)
        }

    def key(self, name: str, endpoint: Json) -> ResourceKey:
        """Return the key of the network that an endpoint is on."""
        return self.keys.get(self.identity(name, endpoint)) or ResourceKey("network", f"@{name}")

    def identity(self, name: str, endpoint: Json) -> str:
        """Return the id of the network that an endpoint is on: 20.10 does not tell that of one never started.

        Empty if there is no such network any more, though there may be another of that name.
        """
        told = endpoint.get("NetworkID") or next((each for each, other in self.names.items() if other == name), "")
        return told if self.names.get(told) == name else ""

    def held_by_another(self, network: str, inspected: Json, spec: ConnectSpec) -> bool:
        """Tell whether an address of a container that does not run went to another meanwhile."""
        wanted = filter(None, (spec.ipv4_address, spec.ipv6_address))
        holders = {self.holders.get((network, each)) for each in wanted}
        return not is_up(inspected) and bool(holders - {None, inspected["Id"]})

    def key_on(self, container: ResourceKey, inspected: Json, network: str) -> ResourceKey | None:
        """Return the key of a container's endpoint on a network, known by its live name; None if it has none there."""
        endpoint = (inspected["NetworkSettings"].get("Networks") or {}).get(network)
        return None if endpoint is None else key_of(container.name, self.key(network, endpoint).name)


def _is_to_be_ours(scope: Scope, name: str) -> bool:
    """Tell whether the file declares a network of a live name as ours: a foreign one may be adopted."""
    return ("network", name) in scope.wanted and ("network", name) not in scope.externals


def _network_key(scope: Scope, row: Json) -> ResourceKey:
    mark = scope.mark(row.get("Labels"))
    if mark and mark.key.kind == "network":
        return scope.key_of_ours(mark.key, row["Name"])
    return scope.wanted.get(("network", row["Name"])) or ResourceKey("network", f"@{row['Name']}")
