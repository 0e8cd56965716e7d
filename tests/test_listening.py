"""Who listens at a socket in the file system, as the kernel tells of our network namespace."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from reconciler.host.kernel.listening import files, is_heard_here

DONE, ERROR, SOCKET = 3, 2, 20


class Told:
    """A kernel that answers in these packets."""

    def __init__(self, *packets: bytes) -> None:
        self.packets, self.asked = list(packets), b""

    def send(self, data: bytes, /) -> int:
        self.asked += data
        return len(data)

    def recv(self, _size: int, /) -> bytes:
        return self.packets.pop(0)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def listener(*attributes: tuple[int, bytes]) -> bytes:
    packed = (struct.pack("=HH", 4 + len(each), kind) + each + bytes(-len(each) % 4) for kind, each in attributes)
    return message(SOCKET, bytes(16) + b"".join(packed))


def test_the_files_at_which_somebody_listens_are_read_out_of_as_many_packets_as_there_are() -> None:
    named, nameless = listener((0, b"/run/x"), (1, struct.pack("=II", 7, 9))), listener((0, b"\0abstract"))
    line = Told(named + nameless, listener((1, struct.pack("=II", 8, 9))), message(DONE, bytes(4)))
    assert [*files(line)] == [7, 8]
    assert line.asked[:6] == struct.pack("=IH", 16 + 24, SOCKET)


def test_a_kernel_that_does_not_tell_is_told_from_one_where_nobody_listens() -> None:
    with pytest.raises(OSError, match="no sock_diag"):
        list(files(Told(message(ERROR, struct.pack("=i", -2)))))
    assert [*files(Told(message(DONE, bytes(4))))] == []


def test_a_listener_of_ours_is_here_and_nobody_knows_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        before = is_heard_here(path)
        listening.listen()
        assert (before, is_heard_here(path)) in ((False, True), (None, None)), "None where the kernel has no sock_diag"
    assert is_heard_here(str(tmp_path / "nothing")) is None
