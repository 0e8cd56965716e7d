"""The nameless images below one that was built: they go with it, where nothing else is built on them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host.engine.errors import CONFLICT
from reconciler.kinds.calls import status
from reconciler.kinds.image.rows import tags

if TYPE_CHECKING:
    from reconciler.host.engine import Engine

ONE_AT_A_TIME = threading.Lock()
"""Between a look at an image or a tag and its removal nothing of ours may change it: two images can swap a tag."""
Rows = Mapping[str, Mapping[str, Any]]


def listed(engine: Engine) -> dict[str, Mapping[str, Any]]:
    """Return all images by id, nameless ones between two others among them."""
    return {row["Id"]: row for row in engine.images.list(nameless=True)}


def lineage(rows: Rows, identities: Iterable[str]) -> list[str]:
    """Return images, each followed by those that it was built on here."""
    return [each for identity in identities for each in _upwards(rows, identity)]


def upon(rows: Rows, identities: Iterable[str]) -> list[str]:
    """Return the nameless images that were built on others here, the last ones first."""
    found: list[str] = []
    known = set(identities)
    while new := [each for each, row in rows.items() if row.get("ParentId") in known and each not in known]:
        found += (each for each in new if not tags(rows[each]))
        known.update(new)
    return found[::-1]


def roots(rows: Rows, identities: Iterable[str], own: Iterable[str]) -> list[str]:
    """Return those of some images on which others of them stand: nameless or named by us alone, and on none such."""
    ours = [each for each in dict.fromkeys(identities) if set(tags(rows[each])).issubset(own)]
    below = {rows[each].get("ParentId") for each in ours}
    return [each for each in ours if each in below and rows[each].get("ParentId") not in ours]


def sweep(engine: Engine, candidates: Iterable[str]) -> None:
    """Remove what has no name, nothing built on it and nothing that runs it.

    The engine's own pruning is not asked: the newest ones take a parent away from its other children. After each
    removal is another look: whoever removes the last child, in whatever process, sees that it was the last.
    """
    left, before = list(candidates), 0
    while left and len(left) != before:
        left, before = _left(engine, left), len(left)


def _left(engine: Engine, candidates: Iterable[str]) -> list[str]:
    """Remove what can be removed by now, and return the rest."""
    left = []
    with ONE_AT_A_TIME:
        rows = listed(engine)
        children = Counter(row.get("ParentId") or "" for row in rows.values())
        for identity in candidates:
            if identity in rows and (children[identity] or not _removed(engine, identity)):
                left.append(identity)
            elif identity in rows:
                children[rows.pop(identity).get("ParentId") or ""] -= 1
    return left


def _removed(engine: Engine, identity: str) -> bool:
    """Remove an image, and tell whether it is gone: one that is in use stays, and one that has a name by now."""
    if tags(engine.images.inspect(identity)):
        return False
    try:
        engine.images.remove(identity)
    except Exception as error:
        if status(error) == CONFLICT:
            return False
        # Of two deletions at once the engine may answer one with 500 "unrecognized image ID".
        if engine.images.inspect(identity):
            raise
    return True


def _upwards(rows: Rows, identity: str) -> Iterator[str]:
    while identity in rows:
        yield identity
        identity = rows[identity].get("ParentId") or ""
