"""The attributes of a network namespace."""

from __future__ import annotations

from reconciler.model import EMPTY, Claim, FrozenMap, Spec
from reconciler.value import dataclass


@dataclass(frozen=True)
class NamespaceSpec(Spec):
    """A network namespace: its live name, the sysctls that are declared (`net.a.b` → value), whether `lo` is up."""

    name: str = ""
    sysctls: FrozenMap[str] = EMPTY
    lo_up: bool = True
    marked: bool = True


def claim(live: str) -> Claim:
    """Return the claim of a namespace on its name."""
    return Claim(f"namespace name {live}", label=f"the name {live} of a network namespace")
