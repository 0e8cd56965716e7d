"""Looking at single images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.kinds.calls import status

if TYPE_CHECKING:
    from docker.api.client import APIClient

_NOT_FOUND = 404


def inspected(api: APIClient, reference: str) -> Mapping[str, Any]:
    """Inspect an image; an empty mapping if there is none."""
    try:
        found: Mapping[str, Any] = api.inspect_image(reference)
    except Exception as error:
        if status(error) != _NOT_FOUND:
            raise
        return {}
    return found


def image_id(api: APIClient, reference: str) -> str:
    """Return the id of an image; empty if there is none."""
    return str(inspected(api, reference).get("Id", ""))


def tags(row: Mapping[str, Any]) -> list[str]:
    """Return the tags of an image that was listed or inspected."""
    return [tag for tag in row.get("RepoTags") or () if not tag.startswith("<none>")]
