"""The running state of a container."""

from __future__ import annotations

from typing import ClassVar

from reconciler.model import Spec, uncompared
from reconciler.value import dataclass


@dataclass(frozen=True)
class ProcessSpec(Spec):
    """A container's state: running, completed, stopped, paused or created.

    Of one that is there it may also be restarting. `network_lost` tells that the network namespace, which is another
    container's, went away when that one restarted. `container` is the live name.
    """

    within: ClassVar[bool] = True
    state: str = "running"
    network_lost: bool = False
    container: str = uncompared("")
