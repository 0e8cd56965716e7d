"""Which bridges the ends of pairs are put into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.host.kernel import Reach, Where
from reconciler.kinds.masters import bridge_now
from reconciler.kinds.veth.spec import Endpoint

if TYPE_CHECKING:
    from reconciler.host import Host


class Masters:
    """The indices of the bridges that ends are put into; each is looked up once."""

    def __init__(self, host: Host, reach: Reach) -> None:
        self.host, self.reach = host, reach
        self._found: dict[tuple[Where, Where], int] = {}

    def index(self, end: Endpoint) -> int | None:
        """Return the index of the end's bridge; None where it has none."""
        if end.into is None:
            return None
        place = (end.at, end.into)
        if place not in self._found:
            self._found[place] = bridge_now(self.host, end.at, end.into, self.reach.socket(end.at))
        return self._found[place]
