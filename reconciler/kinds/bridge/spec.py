"""The attributes of a Linux bridge."""

from __future__ import annotations

from typing import Any

from reconciler.host.kernel import NOWHERE, Where
from reconciler.host.netlink import BridgeOptions, BridgeParameters
from reconciler.kinds.units import duration
from reconciler.model import HOST, ResourceKey, Spec, chosen, uncompared
from reconciler.value import dataclass

_NANOSECONDS = 10**7
TIMES = ("hello_time", "max_age", "forward_delay", "ageing_time")


@dataclass(frozen=True)
class BridgeSpec(Spec):
    """A bridge in a node; times as text, such as `2s`, to a hundredth of a second.

    `ports` are the interfaces that it borrows, `noted` says that it is noted which they are. `altname` is its full name
    where the live one had to be shortened. A live one has a `due_mtu` where it is to be given that though none is
    declared, or though it has it already, and no `own_mac` if its MAC address is declared for another interface, and
    none for this one.
    """

    name: str = ""
    node: ResourceKey = HOST
    altname: str = ""
    stp: bool = False
    priority: int = 32768
    hello_time: str = "2s"
    max_age: str = "20s"
    forward_delay: str = "15s"
    ageing_time: str = "300s"
    mtu: int | None = chosen()
    mac: str | None = chosen()
    due_mtu: int | None = None
    own_mac: bool = True
    addresses: tuple[str, ...] = ()
    up: bool = True
    ports: tuple[str, ...] = ()
    noted: bool = True
    forward: bool = True
    marked: bool = True
    at: Where = uncompared(NOWHERE)

    def said(self, path: str) -> str:
        """Say what is wrong where no value differs."""
        return {
            "due_mtu": "mtu: whatever its ports have"
            if self.due_mtu == self.mtu
            else f"mtu: {self.mtu} → {self.due_mtu}, that of its smallest port",
            "own_mac": "mac: is another's",
            "noted": "ports: to be noted",
        }.get(path, "")


def hundredths(text: str) -> int:
    """Read a duration in the kernel's unit, hundredths of a second."""
    return round(duration(text) / _NANOSECONDS)


def written(number: int) -> str:
    """Write hundredths of a second as a duration."""
    seconds, rest = divmod(number, 100)
    return f"{seconds}.{rest:02}".rstrip("0").rstrip(".") + "s"


def options(spec: BridgeSpec) -> BridgeOptions:
    """Return what a bridge is told of its own."""
    return {
        "stp": spec.stp,
        "priority": spec.priority,
        "hello_time": hundredths(spec.hello_time),
        "max_age": hundredths(spec.max_age),
        "forward_delay": hundredths(spec.forward_delay),
        "ageing_time": hundredths(spec.ageing_time),
    }


def times(live: BridgeParameters, declared: BridgeSpec | None) -> dict[str, Any]:
    """Write live times; one that is the declared one but for the rounding of the kernel's clock (HZ) is that one.

    While a change of the spanning tree's topology hides the ageing time, it counts as what it is to be.
    """
    found: dict[str, Any] = {}
    for name in TIMES:
        number, text = getattr(live, name), getattr(declared or BridgeSpec(), name)
        hidden = name == "ageing_time" and live.topology_change and number == 2 * live.forward_delay
        found[name] = text if hidden or abs(hundredths(text) - number) <= 1 else written(number)
    return found


OPTIONS = frozenset(BridgeOptions.__annotations__)
"""The attributes that are told in one message."""
