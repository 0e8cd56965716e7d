"""The numbers under which a network namespace knows others (RTM_*NSID): what is heard of them carries these."""

import struct

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import as_int, as_s32, attributes, message, u32
from reconciler.host.netlink.query import Query

NOT_ASSIGNED = -1
_RTGENMSG = bytes(4)  # struct rtgenmsg: family, padded
_S32 = struct.Struct("=i")
_WANTED = frozenset((c.NETNSA_NSID,))


def get_nsid(namespace_fd: int) -> Query[int]:
    """Ask under which number the namespace of a descriptor is known; NOT_ASSIGNED if under none."""
    return Query(message(c.RTM_GETNSID, 0, _RTGENMSG, u32(c.NETNSA_FD, namespace_fd)), nsid)


def new_nsid(namespace_fd: int) -> bytes:
    """Let the kernel choose a number for the namespace of a descriptor; "File exists" if it has one."""
    anyone = as_int(_S32.pack(NOT_ASSIGNED))
    return message(c.RTM_NEWNSID, 0, _RTGENMSG, u32(c.NETNSA_FD, namespace_fd), u32(c.NETNSA_NSID, anyone))


def nsid(buffer: bytes, start: int, end: int) -> int:
    """An RTM_NEWNSID or RTM_DELNSID: the number."""
    return as_s32(attributes(buffer, start + len(_RTGENMSG), end, _WANTED)[c.NETNSA_NSID])
