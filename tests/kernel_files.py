"""Files for the kinds of the kernel, read as the program reads them, without the kinds of the engine; and links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.errors import FileInvalid
from reconciler.host.netlink import Link
from reconciler.kinds import kinds
from reconciler.model import Resource, ResourceKey, Topology
from reconciler.topology import load

KINDS = ("namespace", "bridge", "veth", "route", "exec")


def topology(folder: Path, text: str, *, name: str = "t") -> Topology:
    """Load a text."""
    path = folder / "topology.yaml"
    path.write_text(f"name: {name}\n{text}")
    return load(path, kinds={name: kinds()[name] for name in KINDS}, environment={})


def resource(folder: Path, text: str, key: str, *, name: str = "t") -> Resource:
    """Load a text and return one of its resources."""
    return topology(folder, text, name=name).resources[ResourceKey.of(key)]


def spec(folder: Path, text: str, key: str, *, name: str = "t") -> Any:
    """Load a text and return the attributes of one of its resources."""
    return resource(folder, text, key, name=name).spec


def problems(folder: Path, text: str) -> list[str]:
    """Load a wrong text and return what is wrong with it, without the place."""
    try:
        topology(folder, text)
    except FileInvalid as error:
        return [f"{each.message} ({each.hint})" if each.hint else each.message for each in error.problems]
    return []


def a_link(index: int, name: str, *, alias: str = "", altnames: tuple[str, ...] = ()) -> Link:
    """Make a link as the kernel would tell of it."""
    return Link(index, name, "", "", 1500, True, "UP", None, alias, altnames, None, None, None, None)
