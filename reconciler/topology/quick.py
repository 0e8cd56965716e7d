"""A file that is as it should be, read straight from the parser's events, without places; anything else is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from reconciler.errors import FileInvalid
from reconciler.secret import Secret, looks_secret, veiled_within
from reconciler.topology.compiled import Doubtful, Plain, whole
from reconciler.topology.yaml12 import MAX_DEPTH, MAX_NODES, decoded

T = TypeVar("T", dict[str, Any], list[Any])


def quick(content: bytes, *, name: str | None) -> dict[str, Any] | None:
    """Return what a file says that includes no other, if there is nothing to be told of it; None if there may be.

    Variables, aliases, tags and secrets are left to the one who reads more slowly.
    """
    try:
        found = _document(yaml.CSafeLoader(decoded(content, "")).get_event)
        if not isinstance(found, dict) or "include" in found:
            return None
        if name is not None:
            found["name"] = name
        read: dict[str, Any] = whole()(found)
    except (Doubtful, FileInvalid, yaml.YAMLError):
        return None
    return read if "name" in read else None


def _document(event: Callable[[], Any]) -> Any:
    event()
    start = event()
    if type(start) is not yaml.DocumentStartEvent or start.version or start.tags:
        raise Doubtful
    found = _Values(event).value(event(), 0)
    if type(event()) is not yaml.DocumentEndEvent or type(event()) is not yaml.StreamEndEvent:
        raise Doubtful
    return found


class _Values:
    """Reads values from events, up to so many of them."""

    def __init__(self, event: Callable[[], Any]) -> None:
        self._event, self._left = event, MAX_NODES - 1

    def value(self, first: Any, depth: int) -> Any:
        """Read a value that begins with an event."""
        kind = type(first)
        if kind is yaml.ScalarEvent:
            return _scalar(first)
        if kind is yaml.AliasEvent or first.anchor or first.tag or depth > MAX_DEPTH:
            raise Doubtful
        return self._mapping(depth + 1) if kind is yaml.MappingStartEvent else self._list(depth + 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        event = self._event
        while type(key := event()) is yaml.ScalarEvent:
            name = key.value
            if name in found or name == "<<" or key.anchor or key.tag or 2 * len(found) > self._left:
                raise Doubtful
            found[name] = self.value(event(), depth)
            if isinstance(found[name], str) and looks_secret(name):
                raise Doubtful
        if type(key) is not yaml.MappingEndEvent:
            raise Doubtful
        return self._counted(found, 2)

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        event = self._event
        while type(each := event()) is not yaml.SequenceEndEvent:
            if len(found) > self._left:
                raise Doubtful
            found.append(self.value(each, depth))
        return self._counted(found, 1)

    def _counted(self, found: T, each: int) -> T:
        self._left -= each * len(found)
        if self._left < 0:
            raise Doubtful
        return found


def _scalar(event: Any) -> str:
    text: str = event.value
    if event.anchor or event.tag or "$" in text or "\0" in text or _may_be_secret(text):
        raise Doubtful
    return Plain(text) if event.implicit[0] else text


def _may_be_secret(text: str) -> bool:
    """Tell whether a text may have a password in it, or be a private key."""
    return (
        "://" in text or "-----" in text or (("=" in text or "@" in text) and isinstance(veiled_within(text), Secret))
    )
