"""The kernel's links, addresses and routes over rtnetlink: requests are pure functions, a `Socket` carries them out."""

from reconciler.host.netlink.addresses import add_address, delete_address, get_addresses
from reconciler.host.netlink.bridges import BRIDGE, BridgeOptions, new_bridge, set_bridge, set_bridge_port
from reconciler.host.netlink.links import (
    VETH,
    add_altname,
    del_altname,
    delete_group,
    delete_link,
    get_link,
    get_links,
    new_veth,
    probe,
    set_link,
)
from reconciler.host.netlink.listener import Listener, Message
from reconciler.host.netlink.nouns import Address, BridgeParameters, Connected, Link, Route
from reconciler.host.netlink.nsids import NOT_ASSIGNED, get_nsid, new_nsid
from reconciler.host.netlink.query import NetlinkError, Query
from reconciler.host.netlink.routes import (
    add_route,
    append_route,
    delete_route,
    get_connected,
    get_routes,
    get_way,
    replace_route,
)
from reconciler.host.netlink.transport import Socket, sockets
from reconciler.host.netlink.verbatim import address_again, route_again, verbatim

__all__ = [
    "BRIDGE",
    "NOT_ASSIGNED",
    "VETH",
    "Address",
    "BridgeOptions",
    "BridgeParameters",
    "Connected",
    "Link",
    "Listener",
    "Message",
    "NetlinkError",
    "Query",
    "Route",
    "Socket",
    "add_address",
    "add_altname",
    "add_route",
    "address_again",
    "append_route",
    "del_altname",
    "delete_address",
    "delete_group",
    "delete_link",
    "delete_route",
    "get_addresses",
    "get_connected",
    "get_link",
    "get_links",
    "get_nsid",
    "get_routes",
    "get_way",
    "new_bridge",
    "new_nsid",
    "new_veth",
    "probe",
    "replace_route",
    "route_again",
    "set_bridge",
    "set_bridge_port",
    "set_link",
    "sockets",
    "verbatim",
]
