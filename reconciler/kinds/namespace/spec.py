"""The attributes of a network namespace."""

from __future__ import annotations

from reconciler.model import EMPTY, FrozenMap, Spec
from reconciler.value import dataclass


@dataclass(frozen=True)
class NamespaceSpec(Spec):
    """A network namespace: its live name, the sysctls that are declared (`net.a.b` → value), whether `lo` is up."""

    name: str = ""
    sysctls: FrozenMap[str] = EMPTY
    lo_up: bool = True
    marked: bool = True
