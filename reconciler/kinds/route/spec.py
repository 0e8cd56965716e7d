"""The attributes of a route."""

from __future__ import annotations

import ipaddress

from reconciler.host.kernel import NOWHERE, Where
from reconciler.kinds.nodes import label
from reconciler.model import EMPTY, HOST, Claim, FrozenMap, ResourceKey, Spec, chosen, uncompared
from reconciler.value import dataclass

IPV6_METRIC = 1024
"""What the kernel gives to an IPv6 route that names no metric."""
DEFAULTS = {"0.0.0.0/0": "default", "::/0": "default6"}


@dataclass(frozen=True)
class RouteSpec(Spec):
    """A route of a node: `to` is a prefix, `via` the next hops in numerical order, none for what is on the link.

    `noted` says that nothing but a note tells whose it is: a route of the host by some interface that is not ours. `by`
    names the interface that reaches each of the next hops, where the file tells of exactly one; `ours` are the keys of
    what makes the interfaces that are ours, by their names. A live one is not the `first` where one that is not ours
    stands before it in its place, so that the kernel uses that.

    Where `dev` is a name that the engine gives at a container's start, `networks` are all such names of that prefix, in
    order (eth0, eth1 and so on), each with the live name of its network.
    """

    node: ResourceKey = HOST
    to: str = ""
    via: tuple[str, ...] = ()
    dev: str | None = chosen()
    metric: int = 0
    source: str = ""
    marked: bool = True
    first: bool = True
    noted: bool = uncompared(default=False)
    by: tuple[str, ...] = uncompared(())
    ours: FrozenMap[str] = uncompared(EMPTY)
    at: Where = uncompared(NOWHERE)
    networks: tuple[tuple[str, str], ...] = uncompared(())

    def said(self, path: str) -> str:
        """Say what is wrong where no value differs."""
        return "another stands before it" if path == "first" else ""

    @property
    def is_default(self) -> bool:
        """Tell whether it is the default route of its family."""
        return self.to in DEFAULTS


def normal_metric(to: str, metric: int) -> int:
    """Return the metric as the kernel shows it."""
    return metric or (IPV6_METRIC if ":" in to else 0)


def in_order(via: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Sort next hops: their order has no meaning, and the kernel keeps it for IPv4 only."""
    return tuple(sorted(via, key=lambda each: (":" in each, int(ipaddress.ip_address(each)) if each else -1)))


def claim(node: ResourceKey, to: str, metric: int) -> Claim:
    """Return the claim on a destination: a node has one route to it of each metric."""
    where = label(node)
    return Claim(f"route {where}:{to}", metric, metric, f"the route to {DEFAULTS.get(to, to)} in {where}")
