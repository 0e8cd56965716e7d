"""What no kernel tells of a bridge, noted as altnames on itself: it lives and dies with the bridge; pure.

A namespace has each altname once, so that the bridge's index is in it.
"""

from __future__ import annotations

from reconciler.host.kernel import packed
from reconciler.host.kernel.notes import note
from reconciler.host.kernel.packed import Noted

PORT = "port"
"""The word of the notes on borrowed ports."""


def of_port(bridge: int | str, port: int) -> Noted:
    """Return the note on a port that is borrowed: of this very interface, whatever it is called."""
    return packed.noted(str(bridge), str(port))


def of_mtu(bridge: int) -> str:
    """Return the note that the MTU was set."""
    return note("mtu", str(bridge))
