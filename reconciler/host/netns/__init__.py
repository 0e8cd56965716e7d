"""Network namespaces: named ones as `ip netns` keeps them, those of processes, and what is done inside them.

A namespace is always held by an open descriptor: it pins the namespace, where a process id or a name may come to mean
another.
"""

from reconciler.host.libc import inside as call
from reconciler.host.netlink import Socket
from reconciler.host.netns.every import Namespace, all_namespaces, named, visit
from reconciler.host.netns.naming import create, delete, enter_named, enter_new, forget, remains, rename
from reconciler.host.netns.seen import end_with_us
from reconciler.host.netns.ways import DIRECTORY, OWN, open_at, open_named, open_process


def cookie(fd: int) -> int:
    """Tell the identity of a namespace, which is never used again (SO_NETNS_COOKIE), unlike an inode."""
    with Socket(fd) as inside:
        return inside.cookie


__all__ = [
    "DIRECTORY",
    "OWN",
    "Namespace",
    "all_namespaces",
    "call",
    "cookie",
    "create",
    "delete",
    "end_with_us",
    "enter_named",
    "enter_new",
    "forget",
    "named",
    "open_at",
    "open_named",
    "open_process",
    "remains",
    "rename",
    "visit",
]
