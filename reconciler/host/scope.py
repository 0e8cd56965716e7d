"""What one observation looks at: the engine, and the network namespaces of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import HostRefuses
from reconciler.host.engine_scope import EngineScope, once

if TYPE_CHECKING:
    from reconciler.host.kernel import Kernel


class Scope(EngineScope):
    """One observation of a host: what is ours by its marks, what the file names, and what stands in its way."""

    @once
    def kernel(self) -> Kernel:
        """The network namespaces of the machine, with what is in them."""
        from reconciler.host.kernel import Kernel

        return Kernel(self)


def in_reach(scope: Scope) -> Kernel | None:
    """The look into the kernel; None where that is refused, or where it is not the one that the engine lives in."""
    try:
        return None if scope.kernel.stranger else scope.kernel
    except Exception as error:
        if isinstance(scope.host.explain(error), HostRefuses):
            return None
        raise
