"""The nameless images below one that was built: they go with it, where nothing else is built on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.kinds.calls import status

if TYPE_CHECKING:
    from docker.api.client import APIClient

_NOT_FOUND, _IN_USE = 404, 409
Rows = Mapping[str, Mapping[str, Any]]


def listed(api: APIClient) -> dict[str, Mapping[str, Any]]:
    """Return all images by id, nameless ones between two others among them."""
    return {row["Id"]: row for row in api.images(all=True)}


def lineage(rows: Rows, identities: Iterable[str]) -> list[str]:
    """Return images, each followed by those that it was built on here."""
    return [each for identity in identities for each in _upwards(rows, identity)]


def sweep(api: APIClient, candidates: Iterable[str]) -> None:
    """Remove what has no name, nothing built on it and nothing that runs it.

    The engine's own pruning is not asked: the newest ones take a parent away from its other children.
    """
    rows = listed(api)
    children = Counter(row.get("ParentId") or "" for row in rows.values())
    for identity in candidates:
        row = rows.get(identity)
        if row and not tags(row) and not children[identity] and removed(api, identity):
            del rows[identity]
            children[row.get("ParentId") or ""] -= 1


def removed(api: APIClient, identity: str) -> bool:
    """Remove an image, and tell whether it is gone; one that is in use stays."""
    try:
        api.remove_image(identity, noprune=True)
    except Exception as error:
        if status(error) not in (_NOT_FOUND, _IN_USE):
            raise
        return status(error) == _NOT_FOUND
    return True


def tags(row: Mapping[str, Any]) -> list[str]:
    """Return the tags of a listed image."""
    return [tag for tag in row.get("RepoTags") or () if not tag.startswith("<none>")]


def _upwards(rows: Rows, identity: str) -> Iterator[str]:
    while identity in rows:
        yield identity
        identity = rows[identity].get("ParentId") or ""
