"""What an end of a pair is told once it is there; pure."""

from __future__ import annotations

from reconciler.host.marks import Mark
from reconciler.host.netlink import set_bridge_port, set_link
from reconciler.kinds.readdress import addresses
from reconciler.kinds.veth.spec import Endpoint


def settings(index: int, end: Endpoint, mark: Mark, master: int | None) -> tuple[bytes, ...]:
    """Return the messages for a new end: all that its creation does not set, harmless where it did."""
    messages = [set_link(index, alias=mark.alias(), master=master, up=end.up)]
    if master is not None:
        messages.append(port(index, end))
    return (*messages, *addresses(index, end.addresses))


def port(index: int, end: Endpoint) -> bytes:
    """Return the message that sets the attributes of a bridge's port."""
    return set_bridge_port(index, path_cost=end.path_cost, priority=end.priority, hairpin=end.hairpin)
