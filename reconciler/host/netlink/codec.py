"""Netlink's grammar: messages and attributes to bytes and back (netlink(7), rtnetlink(7)); native byte order."""

import struct
import sys
from collections.abc import Iterator

from reconciler.host.netlink.constants import NLA_F_NESTED, NLA_TYPE_MASK, NLM_F_REQUEST

MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type
IFADDRMSG = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
RTMSG = struct.Struct("=BBBBBBBBI")  # struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
RTNEXTHOP = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index
_U16, _U32, _S32 = struct.Struct("=H"), struct.Struct("=I"), struct.Struct("=i")


def message(kind: int, flags: int, *parts: bytes) -> bytes:
    """A request without its sequence number, which the socket assigns."""
    body = b"".join(parts)
    return MESSAGE.pack(MESSAGE.size + len(body), kind, flags | NLM_F_REQUEST, 0, 0) + body


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes as all of them are."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nest(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | NLA_F_NESTED, b"".join(parts))


def u8(kind: int, value: int | None) -> bytes:
    """A byte, or nothing at all for None, as in all the encoders below."""
    return b"" if value is None else attribute(kind, bytes((value,)))


def u16(kind: int, value: int | None) -> bytes:
    """A number of two bytes."""
    return b"" if value is None else attribute(kind, _U16.pack(value))


def u32(kind: int, value: int | None) -> bytes:
    """A number of four bytes."""
    return b"" if value is None else attribute(kind, _U32.pack(value))


def text(kind: int, value: str | None) -> bytes:
    """A string with its terminating zero."""
    return b"" if value is None else attribute(kind, value.encode() + b"\0")


def mac(kind: int, value: str | None) -> bytes:
    """A hardware address, written with colons."""
    return b"" if value is None else attribute(kind, bytes.fromhex(value.replace(":", "")))


def attributes(buffer: bytes, start: int, end: int, wanted: frozenset[int]) -> dict[int, bytes]:
    """The wanted attributes between two offsets; the others are stepped over, which is what makes a dump fast."""
    found, unpack, head = {}, ATTRIBUTE.unpack_from, ATTRIBUTE.size
    last = end - head
    while start <= last:
        length, kind = unpack(buffer, start)
        if length < head:
            break
        if (kind := kind & NLA_TYPE_MASK) in wanted:
            found[kind] = buffer[start + head : start + length]
        start += (length + 3) & ~3
    return found


def each(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    """All attributes of a nest in order, also those of which there are several."""
    start = 0
    while start + ATTRIBUTE.size <= len(buffer):
        length, kind = ATTRIBUTE.unpack_from(buffer, start)
        if length < ATTRIBUTE.size:
            break
        yield kind & NLA_TYPE_MASK, buffer[start + ATTRIBUTE.size : start + length]
        start += (length + 3) & ~3


def as_int(payload: bytes) -> int:
    """An unsigned number of whatever length."""
    return int.from_bytes(payload, sys.byteorder)


def as_s32(payload: bytes) -> int:
    """A signed number of four bytes."""
    return int(_S32.unpack(payload)[0])


def as_text(payload: bytes) -> str:
    """A string without its terminating zero; what is not UTF-8 is kept by surrogates."""
    return payload.rstrip(b"\0").decode(errors="surrogateescape")


def as_mac(payload: bytes) -> str:
    """A hardware address with colons."""
    return payload.hex(":")
