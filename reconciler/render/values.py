"""Values of attributes as a person reads them, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import Any

from reconciler.model import ResourceKey
from reconciler.secret import MARKER, Secret, masked

UNSET = "unset"
"""What stands in place of a value that is not there."""
_LONGEST = 160
_OF_JSON = (bool, int, float, str, type(None))
_BORDERS = frozenset(" ,[]{}'\"→")
Hide = Callable[[Any], Any]


def hidden(_: Any) -> str:
    """Tell nothing about a secret value."""
    return MARKER


def shown(value: Any) -> Any:
    """Tell a secret value, to who asked for it."""
    return plain(value, hide=_bare)


def sealed(key: bytes, length: int = 8) -> Hide:
    """Tell of secret values which are equal: each gets a digest that nobody can guess at without the key."""
    import hmac

    def seal(value: Any) -> str:
        text = json.dumps(shown(value), sort_keys=True)
        return f"{MARKER[:-1]} {hmac.digest(key, text.encode(), 'sha256').hex()[:length]}{MARKER[-1]}"

    return seal


def _bare(value: Any) -> Any:
    return str.__str__(value) if isinstance(value, str) else plain(value, hide=_bare)


def plain(value: Any, *, hide: Hide = hidden, brief: bool = False) -> Any:
    """Return a value of a spec as JSON has it; what a spec calls secret goes through `hide`.

    With `brief`, as a person wants it: of a spec only what is not as a matter of course.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: _hidden(inner, hide) if "secret" in each.metadata else plain(inner, hide=hide, brief=brief)
            for each, inner in _fields(value, brief=brief)
        }
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: str(pair[0]))
        return {str(key): plain(each, hide=hide, brief=brief) for key, each in pairs}
    if isinstance(value, Secret):
        return hide(value) if value else ""
    if isinstance(value, tuple | list) and not isinstance(value, ResourceKey):
        return [plain(each, hide=hide, brief=brief) for each in value]
    if isinstance(value, frozenset | set):
        return sorted((plain(each, hide=hide, brief=brief) for each in value), key=str)
    return _node(value) if brief and isinstance(value, ResourceKey) else _scalar(value)


def discreet(value: Any, *, hide: Hide = hidden) -> Any:
    """Return what JSON has, with whatever is known as a secret hidden in all its texts, wherever it was put.

    A key that is a name is told: none comes out of a value.
    """
    if isinstance(value, dict):
        return {
            key if key.isidentifier() else masked(key, hide): discreet(each, hide=hide) for key, each in value.items()
        }
    if isinstance(value, list):
        return [discreet(each, hide=hide) for each in value]
    return masked(value, hide) if isinstance(value, str) else value


def _scalar(value: Any) -> Any:
    """Return what JSON has itself as it is; a quantity with a unit is written as in a file."""
    if isinstance(value, Enum):
        return value.value
    return value if type(value) in _OF_JSON else str(value)


def _node(key: ResourceKey) -> str:
    """Name a node: the host is just that, and what the file does not know has a name of its own, or none."""
    if key.name == key.kind:
        return key.kind
    if not key.name.startswith("@"):
        return str(key)
    return f"another {key.kind}" if key.name[1:].isdecimal() else f"{key.kind} {key.name[1:]}"


def named(key: Any) -> str:
    """Write a key, or that of a step, for people: what the file does not know has no key but its live name."""
    return str(key).replace("/@", " ", 1)


def _fields(value: Any, *, brief: bool) -> Iterator[tuple[Field[Any], Any]]:
    for each in fields(value):
        inner = getattr(value, each.name)
        unsaid = "uncompared" in each.metadata or (inner is None and "chosen" in each.metadata)
        if not unsaid and not (brief and inner == each.default):
            yield each, inner


def _hidden(value: Any, hide: Hide) -> Any:
    """Hide what there is; that there is nothing is no secret."""
    return hide(value) if value else plain(value)


def text(value: Any, *, hide: Hide = hidden) -> str:
    """Return a value as a person reads it, on one line; the middle of a very long one is left out."""
    whole = _text(discreet(plain(value, hide=hide, brief=True), hide=hide))
    if len(whole) <= _LONGEST:
        return whole
    half = _LONGEST // 2 - 1
    return f"{whole[:half]}…{whole[-half:]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return UNSET
    if isinstance(value, str):
        return value if value.isprintable() and value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_item, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_item(each)}" for key, each in value.items()) + "}"
    return str(value)


def _item(value: Any) -> str:
    """Return an element of a list or map: text that would blur its borders is quoted."""
    if isinstance(value, str) and _BORDERS & set(value):
        return json.dumps(value, ensure_ascii=False)
    return _text(value)
