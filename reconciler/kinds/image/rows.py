"""What is read of single images as the engine lists and inspects them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.host.engine import Engine


def image_id(engine: Engine, reference: str) -> str:
    """Return the id of an image; empty if there is none."""
    return str(engine.images.inspect(reference).get("Id", ""))


def tags(row: Mapping[str, Any]) -> list[str]:
    """Return the tags of an image that was listed or inspected."""
    return [tag for tag in row.get("RepoTags") or () if not tag.startswith("<none>")]
