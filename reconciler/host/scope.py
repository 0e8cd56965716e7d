"""What one observation looks at: the engine, and the network namespaces of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import HostRefuses
from reconciler.host.engine_scope import EngineScope, once
from reconciler.host.marks import of_alias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.host.kernel import Kernel
    from reconciler.host.marks import Mark


class Scope(EngineScope):
    """One observation of a host: what is ours by its marks, what the file names, and what stands in its way."""

    @once
    def kernel(self) -> Kernel:
        """The network namespaces of the machine, with what is in them."""
        from reconciler.host.kernel import Kernel

        return Kernel(self)

    def in_sight(self) -> Iterator[Mark]:
        """Yield those on interfaces as well."""
        yield from super().in_sight()
        if kernel := vars(self).get("kernel"):
            links = (link for space in kernel.spaces for link in space.links.values())
            yield from (mark for each in links if (mark := of_alias(each.alias)) and mark.host == self.host.identity)


def in_reach(scope: Scope) -> Kernel | None:
    """The look into the kernel; None where that is refused, or where it is not the one that the engine lives in."""
    try:
        return None if scope.kernel.stranger else scope.kernel
    except Exception as error:
        if isinstance(scope.host.explain(error), HostRefuses):
            return None
        raise
