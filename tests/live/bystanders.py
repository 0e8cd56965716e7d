"""What is not ours and stands beside a topology: made by hand, looked at by other means than ours, and never touched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from live.lab import IMAGE, run

Entries = dict[str, dict[str, Any]]


@contextmanager
def in_the_kernel() -> Iterator[str]:
    """Make a namespace, a bridge and a veth pair between them, by hand; yields their name."""
    name = f"f{uuid.uuid4().hex[:6]}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", name, "type", "bridge")
        run("ip", "link", "add", f"{name}p", "master", name, "type", "veth", "peer", "name", "e1", "netns", name)
        run("ip", "address", "add", "10.67.0.1/24", "dev", name)
        yield name
    finally:
        run("ip", "link", "del", name, check=False)
        run("ip", "netns", "del", name, check=False)


@contextmanager
def in_the_engine(api: Any) -> Iterator[str]:
    """Make a container, its network and a volume, by hand; yields their name."""
    name = f"f{uuid.uuid4().hex[:6]}"
    run("docker", "network", "create", "--subnet", "172.31.229.0/24", name)
    try:
        run(
            "docker",
            "run",
            "-d",
            "--init",
            "--name",
            name,
            "--network",
            name,
            "-v",
            f"{name}:/data",
            IMAGE,
            "sleep",
            "9999",
        )
        yield name
    finally:
        with suppress(Exception):
            api.remove_container(name, force=True)
        run("docker", "network", "rm", name, check=False)
        run("docker", "volume", "rm", name, check=False)
