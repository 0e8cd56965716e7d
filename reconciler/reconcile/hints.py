"""What a key that names nothing may have meant; pure."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.kinds.source import did_you_mean
from reconciler.model import ResourceKey


def hint_for(key: ResourceKey, known: Collection[ResourceKey]) -> str:
    """Return a hint where something known is written nearly like a key, or has its two ends the other way round."""
    ends = sorted(key.name.split("--"))
    turned = [each for each in known if each.kind == key.kind and sorted(each.name.split("--")) == ends]
    # That both are of one kind makes no two names alike, nor one name two kinds.
    close = (each for each in known if _is_close(each.name, key.name) and _is_close(each.kind, key.kind))
    hint = f"did you mean {str(turned[0])!r}?" if turned else did_you_mean(str(key), map(str, close))
    return f": {hint}" if hint else ""


def _is_close(one: str, other: str) -> bool:
    return one == other or bool(did_you_mean(one, [other]))
