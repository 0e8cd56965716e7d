"""What a key that names nothing may have meant; pure."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.kinds.source import did_you_mean
from reconciler.model import ResourceKey


def alike(key: ResourceKey, known: Collection[ResourceKey]) -> str:
    """Return a hint where something known is written nearly like a key, or has its two ends the other way round."""
    ends = sorted(key.name.split("--"))
    turned = [each for each in known if each.kind == key.kind and sorted(each.name.split("--")) == ends]
    hint = f"did you mean {str(turned[0])!r}?" if turned else did_you_mean(str(key), map(str, known))
    return f": {hint}" if hint else ""
