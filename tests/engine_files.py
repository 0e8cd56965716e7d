"""Files for the engine's images, volumes and networks, read as the program reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.model import Resource, ResourceKey, Topology
from reconciler.topology import load

KINDS = ("image", "volume", "network")


def topology(folder: Path, text: str, **environment: str) -> Topology:
    """Load a text."""
    path = folder / "topology.yaml"
    path.write_text(f"name: t\n{text}")
    return load(path, kinds={name: kinds()[name] for name in KINDS}, environment=environment)


def resource(folder: Path, text: str, key: str, **environment: str) -> Resource:
    """Load a text and return one of its resources."""
    return topology(folder, text, **environment).resources[ResourceKey.of(key)]


def spec(folder: Path, text: str, key: str, **environment: str) -> Any:
    """Load a text and return the attributes of one of its resources."""
    return resource(folder, text, key, **environment).spec


def problems(folder: Path, text: str) -> list[str]:
    """Load a wrong text and return what is wrong with it, with its place in the file."""
    try:
        topology(folder, text)
    except FileInvalid as error:
        return [f"{each.pointer}: {each.message}{f' ({each.hint})' if each.hint else ''}" for each in error.problems]
    return []
