"""Rounds of the attributes of what is in the kernel."""

from __future__ import annotations

import pytest

from live.boxes import C, D, R, U
from live.lab import Lab
from live.rounds import Round, Way, values, walk

pytestmark = pytest.mark.live


def bridge(name: str, first: str, second: str) -> Round:
    return values("bridges: {br0: {%}}", name, "bridge/br0", name, f"{name}: {first}", f"{name}: {second}")


NODES = "namespaces: {red: , blue: }\n"
PAIR = "veth/blue:eth0--red:eth0"
MTU = "veths: [{endpoints: [red:eth0, blue:eth0]%}]"
END = NODES + "veths: [{endpoints: [{namespace: red, interface: eth0%}, blue:eth0]}]"
PORT = "namespaces: {red: }\nbridges: {br0: , br1: }\nveths: [{name: w, endpoints: [red:eth0, {%, interface: 'p@'}]}]"
WIRE = NODES + "veths: [{name: w, endpoints: [red:eth0, {%}]}]"
WIRED = NODES + "veths: [{%endpoints: [red:eth0, blue:eth0]}]"
ROUTE = NODES.replace("red: ", "red: {routes: [%]}") + "veths: [[red:eth0 10.0.0.1/24 10.0.0.5/24, blue:eth0]]"
ROUTED = END.replace("%", ", addresses: [10.0.0.1/24, 10.0.0.5/24, 10.0.0.6/24]%")
TO, OTHER = "route/red--10.7.0.0/16", "route/red--10.8.0.0/16"
BY_HAND = "host: {routes: [%]}"
ON_HOST = "route/host--10.99.%.0/24"


def on_a_route(name: str, first: str, second: str) -> Round:
    """An attribute of a node's route, and then all its routes taken out."""
    found = values(ROUTE.replace("%", "{to: 10.7.0.0/16, via: 10.0.0.9%}"), name, TO, name, f", {first}", f", {second}")
    return f"route {name}", found[1], found[2]


def on_an_end(name: str, first: str, second: str) -> Round:
    """An attribute of a route on an endpoint."""
    route = ROUTED.replace("%", ", routes: [{to: 10.7.0.0/16%}]")
    return f"endpoint's route {name}", *values(route, name, TO, name, f", {first}", f", {second}")[1:]


ROUNDS = [
    bridge("stp", "false", "true"),
    bridge("priority", "4096", "8192"),
    bridge("hello_time", "1s", "3s"),
    bridge("max_age", "6s", "8s"),
    bridge("forward_delay", "4s", "5s"),
    bridge("ageing_time", "2m", "3m"),
    bridge("addresses", "[10.99.17.1/24]", "[10.99.18.1/24]"),
    bridge("name", "@x", "@y"),
    (
        "bridge's namespace",
        NODES + "bridges: {br0: {namespace: red}}",
        [
            Way(NODES + "bridges: {br0: {namespace: blue}}", "bridge/br0", R, ("node",)),
            Way(NODES + "bridges: {br0: }", "bridge/br0", R, ("node",)),
            Way(NODES, "bridge/br0", D),
        ],
    ),
    values("namespaces: {red: {%}}", "namespace's name", "namespace/red", "name", "name: '@x'", "name: '@y'"),
    values(
        "namespaces: {red: {%}}",
        "sysctls",
        "namespace/red",
        "sysctls.net.ipv4.ip_forward",
        "sysctls: {net.ipv4.ip_forward: 0}",
        "sysctls: {net.ipv4.ip_forward: 1}",
    ),
    values(
        "defaults: {%}\nnamespaces: {red: }",
        "defaults of namespaces",
        "namespace/red",
        "sysctls.net.ipv4.ip_forward",
        "namespaces: {sysctls: {net.ipv4.ip_forward: 0}}",
        "namespaces: {sysctls: {net.ipv4.ip_forward: 1}}",
    ),
    (
        "commands",
        "namespaces: {red: {exec: [{command: 'true'}]}}",
        [
            Way("namespaces: {red: {exec: [{command: ':'}]}}", "exec/red", U, ("commands",)),
            Way("namespaces: {red: {exec: ['true']}}", "exec/red", U, ("commands",)),
            Way("namespaces: {red: }", "exec/red", D),
            Way("", "namespace/red", D),
        ],
    ),
    values(NODES + MTU, "pair's mtu", PAIR, "endpoints.red:eth0.mtu", ", mtu: 9000", ", mtu: 8000"),
    (
        "pair's name",
        WIRED.replace("%", "name: v, "),
        [
            Way(WIRED.replace("%", "name: w, "), "veth/w", C),
            Way(WIRED.replace("%", ""), PAIR, C),
            Way(NODES, PAIR, D),
        ],
    ),
    (
        "end's bridge",
        PORT.replace("%", "bridge: br0"),
        [
            Way(PORT.replace("%", "bridge: br1"), "veth/w", U, ("endpoints.br1:p@.master",)),
            Way(PORT.replace("%", "namespace: red"), "veth/w", R),
            Way(PORT.replace("%", "bridge: br1"), "veth/w", R),
            Way(PORT.replace("%, interface: 'p@'", "bridge: br1"), "veth/w", R, ("endpoints.br1.interface",)),
        ],
    ),
    (
        "end's interface, namespace and host",
        WIRE.replace("%", "namespace: blue, interface: a"),
        [
            Way(WIRE.replace("%", "namespace: blue, interface: b"), "veth/w", R),
            Way(WIRE.replace("%", "namespace: red, interface: b"), "veth/w", R),
            Way(WIRE.replace("%", "namespace: red, interface: '@b'"), "veth/w", R),
            Way(WIRE.replace("%", "host: true, interface: '@b'"), "veth/w", R),
            Way(WIRE.replace("%", "namespace: red, interface: '@b'"), "veth/w", R),
        ],
    ),
    (
        "route's destination",
        ROUTE.replace("%", "{to: 10.7.0.0/16, via: 10.0.0.9}"),
        [
            Way(ROUTE.replace("%", "{to: 10.8.0.0/16, via: 10.0.0.9}"), OTHER, C),
            Way(ROUTE.replace("{routes: [%]}", ""), OTHER, D),
        ],
    ),
    on_a_route("metric", "metric: 7", "metric: 8"),
    on_a_route("source", "source: 10.0.0.1", "source: 10.0.0.5"),
    (
        "route's next hop",
        ROUTE.replace("%", "{to: 10.7.0.0/16, via: 10.0.0.9}"),
        [
            Way(ROUTE.replace("%", "{to: 10.7.0.0/16, via: 10.0.0.8}"), TO, U, ("via",)),
            Way(ROUTE.replace("%", "{to: 10.7.0.0/16, dev: eth0}"), TO, U, ("via",)),
        ],
    ),
    on_an_end("metric", "metric: 7", "metric: 8"),
    on_an_end("source", "source: 10.0.0.5", "source: 10.0.0.6"),
    on_an_end("via", "via: 10.0.0.9", "via: 10.0.0.8"),
    (
        "endpoint's routes",
        ROUTED.replace("%", ", routes: [{to: 10.7.0.0/16}]"),
        [
            Way(ROUTED.replace("%", ", routes: [{to: 10.8.0.0/16}]"), OTHER, C),
            Way(ROUTED.replace("%", ""), OTHER, D),
        ],
    ),
    (
        "routes of the host",
        BY_HAND.replace("%", "{to: 10.99.27.0/24, dev: lo}"),
        [
            Way(BY_HAND.replace("%", "{to: 10.99.28.0/24, dev: lo}"), ON_HOST.replace("%", "28"), C),
            Way("", ON_HOST.replace("%", "28"), D),
        ],
    ),
]


@pytest.mark.parametrize(("first", "ways"), [each[1:] for each in ROUNDS], ids=[each[0] for each in ROUNDS])
def test_in_the_kernel(lab: Lab, first: str, ways: list[Way]) -> None:
    walk(lab, first, ways)


def test_whether_frames_pass(lab: Lab, engine: object) -> None:
    _, first, ways = bridge("forward", "true", "false")
    walk(lab, first, ways)
