"""Ports of the host that are taken: by containers that are not ours, and by processes of the host itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.claims import of_nobody
from reconciler.host.engine_scope import live_name
from reconciler.host.marks import topology_of
from reconciler.kinds.container.ports import claim
from reconciler.kinds.process.sockets import endpoints, sockets
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.model import Claim, Need, Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

_TCP, _UDP = (partial(sockets, protocol=name, state=state) for name, state in (("tcp", "0A"), ("udp", "07")))
"""The state is that of a socket that listens (TCP_LISTEN, TCP_CLOSE)."""
_TABLES: Mapping[str, Callable[[str], Iterator[tuple[Claim, str]]]] = {
    "tcp": _TCP,
    "tcp6": _TCP,
    "udp": _UDP,
    "udp6": _UDP,
    "sctp/eps": endpoints,
}
"""Files in /proc/PID/net, and how each is read."""


def foreign(scope: Scope, own: Collection[str]) -> Iterator[Resource]:
    """Yield what is not ours and holds a port of the host that the file publishes; `own` are the ids of ours."""
    wanted = of_nobody(claim for each in scope.desired.of_kind("process") if each.owned for claim in each.claims)
    if not wanted:
        return
    # Who is on its way out may listen still.
    published = of_nobody(each for row in scope.listed for each in published_by(row))
    for row in scope.container_rows:
        held = set(published_by(row))
        if row["Id"] not in own and wanted.overlap(held):
            yield _container(scope, row, held)
    for held_by_host, inode in listeners(scope.host.engine.pid):
        if wanted.overlap([held_by_host]) and not published.overlap([held_by_host]):
            name = held_by_host.label.removeprefix("host port ")
            key, live = ResourceKey("process", f"@{name}"), {"who": f"{_program(inode)} at {name}"}
            yield Resource(key, ProcessSpec(), claims=(held_by_host,), owned=False, live=live)


def published_by(row: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield the claims of a listed container."""
    for each in row.get("Ports") or ():
        if each.get("PublicPort"):
            yield claim(each["PublicPort"], each["Type"], each.get("IP") or "")


def _container(scope: Scope, row: Mapping[str, Any], held: Iterable[Claim]) -> Resource:
    live = live_name(row)
    container = scope.wanted.get(("container", live)) or ResourceKey("container", f"@{live}")
    return Resource(
        ResourceKey("process", f"@{live}"),
        ProcessSpec(row.get("State") or "running", container=live),
        needs=(Need(container, "container"),),
        claims=tuple(sorted(held)),
        owned=False,
        part_of=ResourceKey("container", f"@{live}"),
        live={"id": row["Id"], "who": f"container {live}", **topology_of(row.get("Labels"))},
    )


def listeners(engine: int | None) -> Iterator[tuple[Claim, str]]:
    """Yield the ports at which processes listen in the engine's network namespace, each with its socket's inode.

    There are none where that namespace is out of sight.
    """
    for name, read in _TABLES.items():
        try:
            text = Path(f"/proc/{engine}/net/{name}").read_text(encoding="ascii")
        except OSError:
            continue
        yield from read(text)


def _program(inode: str) -> str:
    """Name the process that has a socket, as far as it can be seen."""
    for process in Path("/proc").glob("[0-9]*"):
        for descriptor in _descriptors(process):
            with contextlib.suppress(OSError):  # gone meanwhile
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return f"process {(process / 'comm').read_text().strip()} (pid {process.name})"
    return "a process of the host"


def _descriptors(process: Path) -> list[Path]:
    """The descriptors of a process; none of one that is gone, or not ours to look into."""
    try:
        return list((process / "fd").iterdir())
    except OSError:
        return []
