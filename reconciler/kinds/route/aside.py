"""Our default routes make way while the engine connects a running container: it does not put its own beside them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host import netns
from reconciler.host.kernel.peer import elsewhere, stranger
from reconciler.host.marks import PROTOCOL
from reconciler.host.netlink import Route, Socket, delete_route, get_routes, replace_route
from reconciler.kinds.route.spec import DEFAULTS

if TYPE_CHECKING:
    from reconciler.host import Host


@contextlib.contextmanager
def defaults_aside(host: Host, inspected: Mapping[str, Any]) -> Iterator[None]:
    """Take our default routes out of a container's namespace, and put them back in the place of the engine's."""
    with contextlib.ExitStack() as stack:
        pid = inspected["State"]["Pid"]
        if pid and not (stranger(host) or elsewhere(host, [inspected])):
            fd = netns.open_process(pid)
            stack.callback(os.close, fd)
            socket = stack.enter_context(Socket(fd))
            ours = [each for each in socket.dump(get_routes(protocol=PROTOCOL)) if each.destination in DEFAULTS]
            socket.send([delete_route(each.destination, metric=each.metric, protocol=PROTOCOL) for each in ours])
            stack.callback(_put_back, socket, ours)
        yield


def _put_back(socket: Socket, ours: list[Route]) -> None:
    for route in ours:
        displace(socket, route.destination, route.metric)
        message = replace_route(
            route.destination,
            via=route.gateways,
            devices=route.devices,
            metric=route.metric,
            protocol=PROTOCOL,
            source=route.source,
        )
        socket.send([message])


def displace(socket: Socket, destination: str, metric: int) -> None:
    """Remove the engine's route where its metric would let it stand beside ours."""
    for each in socket.dump(get_routes()):
        if each.destination == destination and each.protocol != PROTOCOL and each.metric != metric:
            socket.send([delete_route(destination, metric=each.metric, protocol=each.protocol)])
