"""Looking at single images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.host.engine import Engine


def inspected(engine: Engine, reference: str) -> Mapping[str, Any]:
    """Inspect an image; an empty mapping if there is none."""
    return engine.images.inspect(reference)


def image_id(engine: Engine, reference: str) -> str:
    """Return the id of an image; empty if there is none."""
    return str(inspected(engine, reference).get("Id", ""))


def tags(row: Mapping[str, Any]) -> list[str]:
    """Return the tags of an image that was listed or inspected."""
    return [tag for tag in row.get("RepoTags") or () if not tag.startswith("<none>")]
