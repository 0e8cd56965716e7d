"""Requests about links (RTM_*LINK, RTM_*LINKPROP): pure functions that give messages; man 8 ip-link explains them."""

import socket
import struct

from reconciler.host.netlink.codec import attribute, message, nest, text, u32
from reconciler.host.netlink.codec import mac as hardware
from reconciler.host.netlink.constants import (
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_ALT_IFNAME,
    IFLA_EXT_MASK,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    IFLA_NUM_TX_QUEUES,
    IFLA_PROP_LIST,
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_EXCL,
    RTEXT_FILTER_SKIP_STATS,
    RTM_DELLINK,
    RTM_DELLINKPROP,
    RTM_GETLINK,
    RTM_NEWLINK,
    RTM_NEWLINKPROP,
    VETH_INFO_PEER,
)
from reconciler.host.netlink.nouns import Link
from reconciler.host.netlink.parse import link
from reconciler.host.netlink.query import Query

CREATE = NLM_F_CREATE | NLM_F_EXCL
VETH = "veth"
_IFINFOMSG = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_NAME_MAX = 15


def new_veth(
    name: str,
    peer_name: str,
    *,
    namespace_fd: int | None = None,
    peer_namespace_fd: int | None = None,
    index: int = 0,
    peer_index: int = 0,
    mtu: int | None = None,
    peer_mtu: int | None = None,
    mac: str | None = None,
    peer_mac: str | None = None,
    up: bool = False,
    master: int | None = None,
) -> bytes:
    """Create a veth pair, each end straight in its namespace (None: the socket's).

    Only the first end can be up or in a bridge at once: of the peer the kernel ignores the master and refuses up. An
    index of 0 lets the kernel choose. With an index of one's own, what follows in the same group can name the new link
    by it, and fails, instead of changing a stranger of the same name, when the creation failed.
    """
    near = _described(name, namespace_fd, mtu, mac)
    far = _described(peer_name, peer_namespace_fd, peer_mtu, peer_mac)
    peer = nest(VETH_INFO_PEER, ifinfomsg(peer_index), far)
    info = nest(IFLA_LINKINFO, text(IFLA_INFO_KIND, VETH), nest(IFLA_INFO_DATA, peer))
    return message(RTM_NEWLINK, CREATE, ifinfomsg(index, up=up or None), near, u32(IFLA_MASTER, master), info)


def _described(name: str, namespace_fd: int | None, mtu: int | None, mac: str | None) -> bytes:
    end = text(IFLA_IFNAME, name), u32(IFLA_NET_NS_FD, namespace_fd), u32(IFLA_MTU, mtu), hardware(IFLA_ADDRESS, mac)
    return b"".join(end)


def probe(kind: str) -> bytes:
    """Ask for a link of a type (man 8 ip-link) that cannot be: EOPNOTSUPP where the kernel does not have the type.

    Where it has it, and perhaps loads its module for that, the answer is EINVAL: no link is without a queue to send.
    """
    info = nest(IFLA_LINKINFO, text(IFLA_INFO_KIND, kind))
    return message(RTM_NEWLINK, CREATE, ifinfomsg(0), u32(IFLA_NUM_TX_QUEUES, 0), info)


def set_link(
    link: int | str,
    *,
    name: str | None = None,
    mtu: int | None = None,
    mac: str | None = None,
    up: bool | None = None,
    master: int | None = None,
    alias: str | None = None,
    group: int | None = None,
) -> bytes:
    """Change what is not None; master 0 releases, alias "" clears.

    To rename, give the index: the name would say which link is meant.
    """
    if name is not None and isinstance(link, str):
        raise ValueError(f"{link}: a link is renamed by its index")
    changes = (
        text(IFLA_IFNAME, name),
        u32(IFLA_GROUP, group),
        u32(IFLA_MTU, mtu),
        hardware(IFLA_ADDRESS, mac),
        u32(IFLA_MASTER, master),
        b"" if alias is None else attribute(IFLA_IFALIAS, alias.encode(errors="surrogateescape")),
    )
    return message(RTM_NEWLINK, 0, *selected(link, up=up), *changes)


def add_altname(link: int | str, altname: str) -> bytes:
    """Give a link one more name, of up to 127 characters (IFLA_PROP_LIST)."""
    altnames = nest(IFLA_PROP_LIST, text(IFLA_ALT_IFNAME, altname))
    return message(RTM_NEWLINKPROP, CREATE | NLM_F_APPEND, *selected(link), altnames)


def del_altname(link: int | str, altname: str) -> bytes:
    """Take one of its further names from a link."""
    return message(RTM_DELLINKPROP, 0, *selected(link), nest(IFLA_PROP_LIST, text(IFLA_ALT_IFNAME, altname)))


def delete_link(link: int | str) -> bytes:
    """Delete a link; a veth's peer goes with it."""
    return message(RTM_DELLINK, 0, *selected(link))


def delete_group(group: int) -> bytes:
    """Delete all links of a group in the socket's namespace at once, far cheaper than one by one; ENODEV for none."""
    if group == 0:
        raise ValueError("group 0 is everyone's")
    return message(RTM_DELLINK, 0, ifinfomsg(0), u32(IFLA_GROUP, group))


def get_links() -> Query[Link]:
    """All links of the namespace, for `Socket.dump`."""
    return Query(message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg(0), u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)), link)


def get_link(wanted: int | str) -> Query[Link]:
    """One link by index, name or altname, for `Socket.ask`."""
    return Query(message(RTM_GETLINK, 0, *selected(wanted), u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)), link)


def selected(link: int | str, *, up: bool | None = None) -> tuple[bytes, bytes]:
    """The head of a request about an existing link, by index, name or altname."""
    if isinstance(link, int):
        return ifinfomsg(link, up=up), b""
    kind = IFLA_IFNAME if len(link) <= _NAME_MAX else IFLA_ALT_IFNAME
    return ifinfomsg(0, up=up), text(kind, link)


def ifinfomsg(index: int, *, up: bool | None = None) -> bytes:
    """The fixed part of every request about links; 0 is no index, None leaves up or down as it is."""
    change = 0 if up is None else IFF_UP
    return _IFINFOMSG.pack(socket.AF_UNSPEC, 0, index, change if up else 0, change)
