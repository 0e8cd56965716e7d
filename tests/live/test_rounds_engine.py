"""Rounds of the attributes of what is in the engine, that stand on others or beside them."""

from __future__ import annotations

import pytest

from live.boxes import C, D, R, U, alone, lan, text
from live.lab import Lab
from live.rounds import Round, Way, walk

pytestmark = pytest.mark.live

LAN = {"lan": lan("10.230.85.0/24"), "wan": lan("10.230.86.0/24")}


def entry(**attributes: object) -> str:
    return text({"box": alone(**attributes)}, networks=LAN)


VETH = "namespaces: {red: }\nveths: [[box:eth0 10.0.0.1/24, red:eth0]]\n"
VIA = {"to": "10.7.0.0/16", "via": "10.0.0.9"}
WIRE_END = "\nnamespaces: {red: }\nveths: [{name: w, endpoints: [red:eth0, {%}]}]"
ENDS = text({"a": alone(), "b": alone()}) + WIRE_END
JOINED = text({}, networks=LAN) + WIRE_END
DEFAULTS = "defaults: {%}\n" + text({"box": alone()})
LIMIT = "containers: {mem_limit: %}"

IN_ENGINE = [
    (
        "network_mode",
        entry(network_mode="host"),
        [
            Way(entry(network_mode="none"), "container/box", R, ("network_mode",)),
            Way(entry(network_mode=None), "connect/box--default", C),
        ],
    ),
    (
        "networks",
        entry(network_mode=None, networks=["lan"]),
        [
            Way(entry(network_mode=None, networks=["wan"]), "connect/box--wan", C),
            Way(entry(network_mode=None), "connect/box--wan", D),
        ],
    ),
    (
        "state",
        entry(state="paused"),
        [
            Way(entry(state="stopped"), "process/box", U, ("state",)),
            Way(entry(), "process/box", U, ("state",)),
        ],
    ),
    (
        "exec",
        entry(exec=["true"]),
        [Way(entry(exec=[":"]), "exec/box", U, ("commands",)), Way(entry(), "exec/box", D)],
    ),
    (
        "place of a command",
        entry(exec=[{"command": ":", "in": "network"}]),
        [Way(entry(exec=[{"command": ":"}]), "exec/box", U, ("commands",))],
    ),
    (
        "routes",
        VETH + entry(routes=[VIA]),
        [
            Way(VETH + entry(routes=[{**VIA, "via": "10.0.0.8"}]), "route/box--10.7.0.0/16", U, ("via",)),
            Way(VETH + entry(routes=[{**VIA, "to": "10.8.0.0/16"}]), "route/box--10.8.0.0/16", C),
            Way(VETH + entry(), "route/box--10.8.0.0/16", D),
        ],
    ),
    (
        "end's container",
        ENDS.replace("%", "container: a, interface: e"),
        [
            Way(ENDS.replace("%", "container: b, interface: e"), "veth/w", R),
            Way(ENDS.replace("%", "namespace: red, interface: e"), "veth/w", R),
        ],
    ),
    (
        "end's network",
        JOINED.replace("%", "network: lan, interface: 'e@'"),
        [
            Way(
                JOINED.replace("%", "network: wan, interface: 'e@'"), "veth/w", U, ("endpoints.network.wan:e@.master",)
            ),
            Way(JOINED.replace("%", "namespace: red, interface: 'e@'"), "veth/w", R),
        ],
    ),
    (
        "defaults of containers",
        DEFAULTS.replace("%", LIMIT.replace("%", "64m")),
        [
            Way(DEFAULTS.replace("%", LIMIT.replace("%", "48m")), "container/box", U, ("mem_limit",)),
            Way(DEFAULTS.replace("%", ""), "container/box", R, ("mem_limit",)),
        ],
    ),
]


@pytest.mark.parametrize(("first", "ways"), [each[1:] for each in IN_ENGINE], ids=[each[0] for each in IN_ENGINE])
def test_in_the_engine(lab: Lab, image: str, first: str, ways: list[Way]) -> None:
    walk(lab, first, ways)


OPTION, POOL = "com.docker.network.driver.mtu", "ipam: {config: [{subnet: 10.213.1.0/24%}]}"
NET = "networks: {lan: {%}}"


def of_network(path: str, first: str, second: str, template: str = "%") -> Round:
    """An attribute of a network's round: nothing of a network can be changed in place."""
    one, other, bare = (NET.replace("%", template.replace("%", each)) for each in (first, second, ""))
    return path, one, [Way(each, "network/lan", R, (path,)) for each in (other, bare)]


SUBNET = "ipam.config.ipv4.10.213.1.0/24"
IN_A_NETWORK = [
    of_network(f"driver_opts.{OPTION}", f"driver_opts: {{{OPTION}: 1400}}", f"driver_opts: {{{OPTION}: 1300}}"),
    of_network("labels.a", "labels: {a: b}", "labels: {a: c}"),
    of_network("name", "name: '@x'", "name: '@y'"),
    of_network("internal", "internal: false", "internal: true"),
    of_network("attachable", "attachable: false", "attachable: true"),
    of_network("ipam.options.a", "ipam: {options: {a: b}}", "ipam: {options: {a: c}}"),
    of_network(f"{SUBNET}.ip_range", ", ip_range: 10.213.1.128/25", ", ip_range: 10.213.1.64/26", POOL),
    of_network(
        f"{SUBNET}.aux_addresses.r", ", aux_addresses: {r: 10.213.1.7}", ", aux_addresses: {r: 10.213.1.8}", POOL
    ),
]


@pytest.mark.parametrize(("first", "ways"), [each[1:] for each in IN_A_NETWORK], ids=[each[0] for each in IN_A_NETWORK])
def test_in_a_network(lab: Lab, engine: object, first: str, ways: list[Way]) -> None:
    walk(lab, first, ways)


SIX = "ipam: {config: [{subnet: 10.213.1.0/24}, {subnet: 'fd00:d5::/64'}]}"


def test_families_gateways_and_subnets_of_a_network(lab: Lab, engine: object) -> None:
    four, six = (NET.replace("%", each) for each in ("enable_ipv6: false", f"enable_ipv6: true, {SIX}"))
    ways = [Way(each, "network/lan", R, ("enable_ipv6",)) for each in (six, NET.replace("%", ""))]
    walk(lab, four, ways)
    one, other, third = (
        NET.replace("%", POOL.replace("%", each)) for each in (", gateway: 10.213.1.7", ", gateway: 10.213.1.8", "")
    )
    elsewhere = third.replace("213.1", "213.2")
    walk(
        lab,
        one,
        [
            Way(other, "network/lan", R, (f"{SUBNET}.gateway",)),
            Way(elsewhere, "network/lan", R, ("ipam.config.ipv4.10.213.2.0/24",)),
            Way(third, "network/lan", R, (SUBNET,)),
            Way("", "network/lan", D),
        ],
    )
