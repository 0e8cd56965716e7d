"""The network namespaces of the machine: what is in them at one look, and a way back into them for the effects."""

from reconciler.host.kernel.look import Kernel
from reconciler.host.kernel.reach import Reach
from reconciler.host.kernel.space import NOWHERE, Place, Space, Where

__all__ = ["NOWHERE", "Kernel", "Place", "Reach", "Space", "Where"]
