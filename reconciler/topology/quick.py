"""A file that is as it should be, read straight from the parser's events, without places; anything else is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from reconciler.errors import FileInvalid
from reconciler.secret import Secret, looks_secret, veiled_within
from reconciler.topology.compiled import Doubtful, Plain, whole
from reconciler.topology.yaml12 import MAX_DEPTH, decoded


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
    found = _value(event(), event, 0)
    if type(event()) is not yaml.DocumentEndEvent or type(event()) is not yaml.StreamEndEvent:
        raise Doubtful
    return found


def _value(first: Any, event: Callable[[], Any], depth: int) -> Any:
    """Read a value that begins with an event."""
    kind = type(first)
    if kind is yaml.ScalarEvent:
        return _scalar(first)
    if kind is yaml.AliasEvent or first.anchor or first.tag or depth > MAX_DEPTH:
        raise Doubtful
    return _mapping(event, depth + 1) if kind is yaml.MappingStartEvent else _list(event, depth + 1)


def _scalar(event: Any) -> str:
    text: str = event.value
    if event.anchor or event.tag or "$" in text or "\0" in text or _may_be_secret(text):
        raise Doubtful
    return Plain(text) if event.implicit[0] else text


def _may_be_secret(text: str) -> bool:
    """Tell whether a text may have a password in it, or be a private key."""
    return "://" in text or "-----" in text or (("=" in text or "@" in text) and isinstance(veiled_within(text), Secret))


def _mapping(event: Callable[[], Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while type(key := event()) is yaml.ScalarEvent:
        name = key.value
        if name in found or name == "<<" or key.anchor or key.tag:
            raise Doubtful
        found[name] = _value(event(), event, depth)
        if isinstance(found[name], str) and looks_secret(name):
            raise Doubtful
    if type(key) is not yaml.MappingEndEvent:
        raise Doubtful
    return found


def _list(event: Callable[[], Any], depth: int) -> list[Any]:
    found: list[Any] = []
    while type(each := event()) is not yaml.SequenceEndEvent:
        found.append(_value(each, event, depth))
    return found
