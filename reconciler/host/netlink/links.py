"""Requests about links (RTM_*LINK, RTM_*LINKPROP): pure functions that give messages; man 8 ip-link explains them."""

import socket
import struct

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import attribute, message, nest, text, u32
from reconciler.host.netlink.codec import mac as hardware
from reconciler.host.netlink.nouns import Link
from reconciler.host.netlink.parse import link
from reconciler.host.netlink.query import Query

CREATE = c.NLM_F_CREATE | c.NLM_F_EXCL
VETH = "veth"
_IFINFOMSG = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_NAME_MAX = 15
_WITHOUT_STATISTICS = u32(c.IFLA_EXT_MASK, c.RTEXT_FILTER_SKIP_STATS)


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
    peer = nest(c.VETH_INFO_PEER, ifinfomsg(peer_index), far)
    info = nest(c.IFLA_LINKINFO, text(c.IFLA_INFO_KIND, VETH), nest(c.IFLA_INFO_DATA, peer))
    return message(c.RTM_NEWLINK, CREATE, ifinfomsg(index, up=up or None), near, u32(c.IFLA_MASTER, master), info)


def _described(name: str, namespace_fd: int | None, mtu: int | None, mac: str | None) -> bytes:
    where = u32(c.IFLA_NET_NS_FD, namespace_fd)
    return text(c.IFLA_IFNAME, name) + where + u32(c.IFLA_MTU, mtu) + hardware(c.IFLA_ADDRESS, mac)


def probe(kind: str) -> bytes:
    """Ask for a link of a type (man 8 ip-link) that cannot be: EOPNOTSUPP where the kernel does not have the type.

    Where it has it, and perhaps loads its module for that, the answer is EINVAL: no link is without a queue to send.
    """
    info = nest(c.IFLA_LINKINFO, text(c.IFLA_INFO_KIND, kind))
    return message(c.RTM_NEWLINK, CREATE, ifinfomsg(0), u32(c.IFLA_NUM_TX_QUEUES, 0), info)


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
        text(c.IFLA_IFNAME, name),
        u32(c.IFLA_GROUP, group),
        u32(c.IFLA_MTU, mtu),
        hardware(c.IFLA_ADDRESS, mac),
        u32(c.IFLA_MASTER, master),
        b"" if alias is None else attribute(c.IFLA_IFALIAS, alias.encode(errors="surrogateescape")),
    )
    return message(c.RTM_NEWLINK, 0, *selected(link, up=up), *changes)


def add_altname(link: int | str, altname: str) -> bytes:
    """Give a link one more name, of up to 127 characters (IFLA_PROP_LIST)."""
    altnames = nest(c.IFLA_PROP_LIST, text(c.IFLA_ALT_IFNAME, altname))
    return message(c.RTM_NEWLINKPROP, CREATE | c.NLM_F_APPEND, *selected(link), altnames)


def del_altname(link: int | str, altname: str) -> bytes:
    """Take one of its further names from a link."""
    return message(c.RTM_DELLINKPROP, 0, *selected(link), nest(c.IFLA_PROP_LIST, text(c.IFLA_ALT_IFNAME, altname)))


def delete_link(link: int | str) -> bytes:
    """Delete a link; a veth's peer goes with it."""
    return message(c.RTM_DELLINK, 0, *selected(link))


def delete_group(group: int) -> bytes:
    """Delete all links of a group in the socket's namespace at once, far cheaper than one by one; ENODEV for none."""
    if group == 0:
        raise ValueError("group 0 is everyone's")
    return message(c.RTM_DELLINK, 0, ifinfomsg(0), u32(c.IFLA_GROUP, group))


def get_links() -> Query[Link]:
    """All links of the namespace, for `Socket.dump`."""
    return Query(message(c.RTM_GETLINK, c.NLM_F_DUMP, ifinfomsg(0), _WITHOUT_STATISTICS), link)


def get_link(wanted: int | str) -> Query[Link]:
    """One link by index, name or altname, for `Socket.ask`."""
    return Query(message(c.RTM_GETLINK, 0, *selected(wanted), _WITHOUT_STATISTICS), link)


def selected(link: int | str, *, up: bool | None = None) -> tuple[bytes, bytes]:
    """The head of a request about an existing link, by index, name or altname."""
    if isinstance(link, int):
        return ifinfomsg(link, up=up), b""
    kind = c.IFLA_IFNAME if len(link) <= _NAME_MAX else c.IFLA_ALT_IFNAME
    return ifinfomsg(0, up=up), text(kind, link)


def ifinfomsg(index: int, *, up: bool | None = None) -> bytes:
    """The fixed part of every request about links; 0 is no index, None leaves up or down as it is."""
    change = 0 if up is None else c.IFF_UP
    return _IFINFOMSG.pack(socket.AF_UNSPEC, 0, index, change if up else 0, change)
