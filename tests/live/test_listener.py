"""What the kernel tells of other network namespaces, and that it says so when it lost something."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import closing

import pytest

from live.lab import REQUIRED
from reconciler.host import netns
from reconciler.host.netlink import Listener, Message, Socket, get_nsid, new_bridge, new_nsid

pytestmark = pytest.mark.live


def heard_from(listener: Listener, number: int | None) -> list[Message]:
    return [each for each in listener.heard() if each and each.nsid == number]


def test_one_socket_hears_of_namespaces_that_have_a_number_keeps_none_alive_and_tells_of_what_was_lost() -> None:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    name = f"t{uuid.uuid4().hex[:6]}"
    netns.create(name, "")
    fd = netns.open_named(name)
    with closing(Listener()) as listener, Socket() as here:
        try:
            with Socket(fd) as inside:
                assert inside.send([new_bridge("quiet")]) == [None]
                assert not any(b"quiet\0" in each.body for each in listener.heard() if each)
                assert here.send([new_nsid(fd)]) == [None]
                (number,) = here.ask([get_nsid(fd)])
                assert isinstance(number, int)
                assert inside.send([new_bridge("loud")]) == [None]
                assert any(b"loud\0" in each.body for each in heard_from(listener, number))
                listener._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                assert inside.send([new_bridge(f"br{index}") for index in range(50)]) == [None] * 50
                assert None in list(listener.heard())
        finally:
            os.close(fd)
            netns.delete(name)
