"""Requests about bridges and their ports (IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA of RTM_NEWLINK)."""

from typing import TypedDict, Unpack

from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import message, nest, text, u8, u16, u32
from reconciler.host.netlink.links import CREATE, ifinfomsg, selected

BRIDGE = "bridge"


class BridgeOptions(TypedDict, total=False):
    """What a bridge has of its own (`ip link … type bridge`); times in hundredths of a second (USER_HZ)."""

    stp: bool | None
    priority: int | None
    hello_time: int | None
    max_age: int | None
    forward_delay: int | None
    ageing_time: int | None


def new_bridge(name: str, *, index: int = 0, up: bool = False, **options: Unpack[BridgeOptions]) -> bytes:
    """Create a bridge; an index of 0 lets the kernel choose."""
    return message(c.RTM_NEWLINK, CREATE, ifinfomsg(index, up=up or None), text(c.IFLA_IFNAME, name), _info(options))


def set_bridge(bridge: int | str, **options: Unpack[BridgeOptions]) -> bytes:
    """Change what is given of a bridge; None is as if not given."""
    return message(c.RTM_NEWLINK, 0, *selected(bridge), _info(options))


def _info(options: BridgeOptions) -> bytes:
    data = (
        u32(c.IFLA_BR_FORWARD_DELAY, options.get("forward_delay")),
        u32(c.IFLA_BR_HELLO_TIME, options.get("hello_time")),
        u32(c.IFLA_BR_MAX_AGE, options.get("max_age")),
        u32(c.IFLA_BR_AGEING_TIME, options.get("ageing_time")),
        u32(c.IFLA_BR_STP_STATE, options.get("stp")),
        u16(c.IFLA_BR_PRIORITY, options.get("priority")),
    )
    return nest(c.IFLA_LINKINFO, text(c.IFLA_INFO_KIND, BRIDGE), nest(c.IFLA_INFO_DATA, *data))


def set_bridge_port(
    port: int | str, *, path_cost: int | None = None, priority: int | None = None, hairpin: bool | None = None
) -> bytes:
    """Change what is not None of an interface that is in a bridge."""
    data = (u32(c.IFLA_BRPORT_COST, path_cost), u16(c.IFLA_BRPORT_PRIORITY, priority), u8(c.IFLA_BRPORT_MODE, hairpin))
    info = nest(c.IFLA_LINKINFO, text(c.IFLA_INFO_SLAVE_KIND, "bridge"), nest(c.IFLA_INFO_SLAVE_DATA, *data))
    return message(c.RTM_NEWLINK, 0, *selected(port), info)
