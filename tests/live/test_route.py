"""Routes against the real kernel, with `ip route` as a witness."""

from __future__ import annotations

import os

import pytest

from live.lab import Lab, run
from live.witness import link, routes
from reconciler.errors import Conflict, ReconcilerError
from reconciler.execute import execute
from reconciler.host.kernel.packed import Noted, written
from reconciler.host.netlink import Link, Socket, get_link
from reconciler.kinds import kinds
from reconciler.kinds.route.whose import noted
from reconciler.model import Action, ResourceKey
from reconciler.topologies import topologies

pytestmark = pytest.mark.live

TEXT = """
namespaces: {red: {routes: [%s]}, blue: }
veths:
  - [red:eth0 10.0.0.1/24 fd00::1/64, blue:eth0 10.0.0.2/24 fd00::2/64]
  - [red:eth1 10.0.1.1/24 fd01::1/64, blue:eth1 10.0.1.2/24 fd01::2/64]
"""
KEY = "route/red--10.7.0.0/16"
BARE = TEXT % "{to: 10.7.0.0/16, via: 10.0.0.2}"


def red(lab: Lab) -> dict[str, object]:
    return {"netns": f"{lab.name}-red"}


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("{to: 10.7.0.0/16, via: 10.0.0.9}", "via"),
        ("{to: 10.7.0.0/16, via: 10.0.1.2}", "via"),
        ("{to: 10.7.0.0/16, via: [10.0.1.2, 10.0.0.2]}", "via"),
        ("{to: 10.7.0.0/16, via: 10.0.0.2, metric: 50}", "metric"),
        ("{to: 10.7.0.0/16, via: 10.0.0.2, source: 10.0.1.1}", "source"),
        ("{to: 10.7.0.0/16, dev: eth0}", "via"),
    ],
)
def test_an_attribute_is_changed_in_place_and_undone(lab: Lab, route: str, path: str) -> None:
    lab.both_ways(BARE, TEXT % route, KEY, Action.UPDATE, path)
    assert list(routes(**red(lab))) == ["10.0.0.0/24", "10.0.1.0/24", "10.7.0.0/16"]


def test_dev_is_left_to_the_kernel_when_undeclared(lab: Lab) -> None:
    text = TEXT % "{to: 10.7.0.0/16, dev: eth1}"
    lab.apply(text)
    assert routes(**red(lab))["10.7.0.0/16"]["dev"] == "eth1"
    lab.both_ways(text, TEXT % "{to: 10.7.0.0/16, dev: eth0}", KEY, Action.UPDATE, "dev")


@pytest.mark.parametrize(
    ("route", "key", "family"),
    [
        ('{to: default, via: "fd00::2"}', "route/red--default6", "-6"),
        ('{to: "fd77::/48", via: ["fd01::2", "fd00::2"]}', "route/red--fd77::/48", "-6"),
        ('{to: "fd77::/48", via: "fd01::2", metric: 7}', "route/red--fd77::/48", "-6"),
        ('{to: "::ffff:0:0/96", via: "fd00::2"}', "route/red--::ffff:0.0.0.0/96", "-6"),
        ('{to: "::a09:0/112", via: "fd00::2"}', "route/red--::10.9.0.0/112", "-6"),
        ('{to: "fd77::/48", via: ["fe80::2", "fe80::3"], dev: eth1}', "route/red--fd77::/48", "-6"),
        ("{to: default, via: 10.0.0.2}", "route/red--default", "-4"),
        ("{to: 10.9.9.9, via: 10.0.0.2}", "route/red--10.9.9.9/32", "-4"),
    ],
)
def test_a_route_is_made_mended_and_taken_out(lab: Lab, route: str, key: str, family: str) -> None:
    lab.apply(TEXT % route)
    before = routes(family, **red(lab))
    run("ip", "-n", f"{lab.name}-red", family, "route", "flush", "proto", "114")
    lab.drifted(TEXT % route, key, Action.CREATE)
    assert list(routes(family, **red(lab))) == list(before)
    assert lab.tells(TEXT % "") == {key: (Action.DELETE, frozenset())}
    lab.apply(TEXT % "")
    assert len(routes(family, **red(lab))) == len(before) - 1


def test_routes_on_an_endpoint_are_its_nodes_by_that_interface(lab: Lab) -> None:
    lab.apply(
        "namespaces: {red: , blue: }\nveths: [[red:a 10.0.0.1/24, blue:a 10.0.0.2/24], {endpoints: [blue:b, "
        "{namespace: red, interface: b, routes: [{to: 10.7.0.0/16}, {to: 10.8.0.0/16, metric: 5}]}]}]"
    )
    found = routes(**red(lab))
    assert {found[each]["dev"] for each in ("10.7.0.0/16", "10.8.0.0/16")} == {"b"}


def test_an_attribute_of_a_route_on_an_endpoint_is_changed_mended_and_undone(lab: Lab) -> None:
    text = (
        "namespaces: {red: , blue: }\nveths: [{endpoints: [blue:b 10.0.0.2/24, {namespace: red, interface: b, "
        "addresses: [10.0.0.1/24, 10.0.0.5/24], routes: [{to: 10.7.0.0/16%s}]}]}]"
    )
    bare, full = text % "", text % ", via: 10.0.0.2, source: 10.0.0.5, metric: 7"
    lab.both_ways(bare, full, KEY, Action.UPDATE, "via", "source", "metric")
    lab.apply(full)
    run("ip", "-n", f"{lab.name}-red", "route", "del", "10.7.0.0/16")
    lab.drifted(full, KEY, Action.CREATE)
    found = routes(**red(lab))["10.7.0.0/16"]
    assert (found["gateway"], found["prefsrc"], found["metric"]) == ("10.0.0.2", "10.0.0.5", 7)


def test_a_next_hop_may_be_reached_by_a_route_on_the_link(lab: Lab) -> None:
    lab.apply(TEXT % "{to: default, via: 10.3.0.1}, {to: 10.3.0.0/24, dev: eth1}")
    assert routes(**red(lab))["default"]["gateway"] == "10.3.0.1"


def test_a_next_hop_moves_with_the_route_on_the_link_that_reaches_it(lab: Lab) -> None:
    text = TEXT % "{to: 10.8.0.0/16, via: 10.9.0.1}, {to: 10.9.0.0/16, dev: %s}"
    lab.both_ways(text % "eth1", text % "eth0", "route/red--10.8.0.0/16", Action.UPDATE, "dev")
    assert {routes(**red(lab))[each]["dev"] for each in ("10.8.0.0/16", "10.9.0.0/16")} == {"eth1"}


def test_a_next_hop_by_a_route_on_the_link_outlives_the_address_and_comes_back_with_the_interface(lab: Lab) -> None:
    text = TEXT % "{to: 10.8.0.0/16, via: 10.9.0.1}, {to: 10.9.0.0/16, dev: eth0}"
    lab.apply(text)
    report = lab.apply(text.replace("10.0.0.1/24", "10.0.0.5/25"))
    assert {str(each.step.key.key) for each in report.outcomes} == {"veth/blue:eth0--red:eth0"}
    lab.apply(text.replace("blue:eth0", "blue:other"))
    run("ip", "-n", f"{lab.name}-red", "link", "del", "eth0")
    lab.drifted(text, "route/red--10.8.0.0/16", Action.CREATE)
    assert routes(**red(lab))["10.8.0.0/16"]["gateway"] == "10.9.0.1"


SOURCE = """
namespaces: {red: {routes: [{to: 10.7.0.0/16, via: 10.0.0.2, source: %s}, {to: "fd07::/16", via: "fd00::2", source: "%s"}]}, blue: }
bridges: {br0: , lan: {namespace: red, addresses: [%s]}}
veths:
  - [red:eth0 10.0.0.1/24 fd00::1/64, blue:eth0 10.0.0.2/24 fd00::2/64]
  - {name: second, endpoints: [red:eth1 %s, %s]}
"""


def sources(lab: Lab) -> tuple[str, str]:
    return (
        str(routes(**red(lab))["10.7.0.0/16"]["prefsrc"]),
        str(routes("-6", **red(lab))["fd07::/16"]["prefsrc"]),
    )


def test_a_source_is_there_before_its_route_and_changes_with_it(lab: Lab) -> None:
    text = SOURCE % ("%s", "%s", "", "%s/24 %s/64", "br0")
    one, other = ("10.1.0.1", "fd01::1"), ("10.1.0.9", "fd01::9")
    for each in (one, other, one):
        lab.apply(text % (*each, *each))
        assert sources(lab) == each
    lab.apply((text % (*one, *one)).replace(", br0]", ", blue:x]"))
    run("ip", "-n", f"{lab.name}-red", "link", "del", "eth1")
    lab.drifted(text % (*one, *one), "route/red--10.7.0.0/16", Action.CREATE)
    assert sources(lab) == one


def test_a_source_moves_from_one_interface_to_another_and_its_prefix_may_change(lab: Lab) -> None:
    there, here = ("10.1.0.1/24, fd01::1/64", "10.2.0.1/24"), ("", "10.1.0.1/24 fd01::1/64")
    for bridge, end in (there, here, there, here):
        lab.apply(SOURCE % ("10.1.0.1", "fd01::1", bridge, end, "br0"))
        assert sources(lab) == ("10.1.0.1", "fd01::1")
    for prefixes in ("10.1.0.1/25 fd01::1/64", "10.1.0.1/25 fd01::1/80", "10.1.0.1/24 fd01::1/64"):
        report = lab.apply(SOURCE % ("10.1.0.1", "fd01::1", "", prefixes, "br0"))
        assert {str(each.step.key.key) for each in report.outcomes} == {"veth/second"}
        assert sources(lab) == ("10.1.0.1", "fd01::1")


def test_what_is_on_a_link_is_told_apart_by_the_link(lab: Lab) -> None:
    text = """
namespaces: {red: {routes: [{to: "fd07::/16", via: "fe80::2", dev: eth0}, {to: "fd08::/16", via: "fe80::1", dev: %s}]}, blue: }
veths:
  - [red:eth0 fe80::1/64, blue:eth0 fe80::2/64]
  - [red:eth1 fe80::1/64 ::ffff:10.0.0.1/96, blue:eth1 fe80::2/64 ::a00:2/96]
  - [red:eth2, blue:eth2 fe80::1/64]
  - [red:eth3, blue:eth3 fe80::1/64]
"""
    lab.both_ways(text % "eth2", text % "eth3", "route/red--fd08::/16", Action.UPDATE, "dev")
    found = routes("-6", **red(lab))
    assert [(found[each]["gateway"], found[each]["dev"]) for each in ("fd07::/16", "fd08::/16")] == [
        ("fe80::2", "eth0"),
        ("fe80::1", "eth2"),
    ]


def test_several_metrics_to_one_destination(lab: Lab) -> None:
    text = TEXT % "{to: default, via: 10.0.0.2}, {to: default, via: 10.0.1.2, metric: 9}"
    report = lab.apply(text)
    made = {str(each.step.key.key) for each in report.outcomes if each.step.key.key.kind == "route"}
    assert made == {"route/red--default@0", "route/red--default@9"}
    lab.apply(TEXT % "{to: default, via: 10.0.1.2, metric: 9}")
    assert routes(**red(lab))["default"]["metric"] == 9


@pytest.mark.parametrize(
    "hand",
    [
        ("route", "del", "10.7.0.0/16"),
        ("link", "set", "eth0", "down"),
        ("link", "del", "eth0"),
        ("address", "flush", "dev", "eth0"),
    ],
)
def test_a_route_that_went_comes_back_with_what_it_stands_on(lab: Lab, hand: tuple[str, ...]) -> None:
    lab.apply(BARE)
    run("ip", "-n", f"{lab.name}-red", *hand)
    lab.drifted(BARE, KEY, Action.CREATE)
    assert routes(**red(lab))["10.7.0.0/16"]["gateway"] == "10.0.0.2"


def test_a_route_that_a_hand_replaced_is_put_back(lab: Lab) -> None:
    lab.apply(BARE)
    run("ip", "-n", f"{lab.name}-red", "route", "replace", "10.7.0.0/16", "via", "10.0.1.2")
    lab.drifted(BARE, KEY, Action.UPDATE, "via", "marked")


def test_a_route_that_a_hand_added_is_left_alone(lab: Lab) -> None:
    lab.apply(BARE)
    run("ip", "-n", f"{lab.name}-red", "route", "add", "10.70.0.0/16", "via", "10.0.0.2")
    assert lab.tells(BARE) == {}
    lab.apply(TEXT % "")
    assert "10.70.0.0/16" in routes(**red(lab))


def test_a_restarting_end_takes_and_gets_back_its_hop_of_several(lab: Lab) -> None:
    text = TEXT % "{to: 10.7.0.0/16, via: [10.0.0.2, 10.0.1.2]}"
    lab.apply(text)
    run("ip", "-n", f"{lab.name}-red", "link", "del", "eth1")
    lab.apply(text)
    assert len(routes(**red(lab))["10.7.0.0/16"]["nexthops"]) == 2


def ours() -> set[str]:
    """The routes of the host that these tests make: others come and go beside them."""
    return {each for each in routes() if each.startswith("10.99.")}


def test_the_host_is_a_node_by_interfaces_of_ours_and_others(lab: Lab) -> None:
    near = f"x{os.urandom(3).hex()}"
    text = (
        f"namespaces: {{red: }}\nveths: [[host:{near} 10.99.6.1/30, red:up 10.99.6.2/30]]\n"
        "host: {routes: [{to: 10.99.7.0/24, via: 10.99.6.2}, {to: 10.99.8.0/24, dev: lo}, %s]}"
    )
    more, less = text % "{to: 10.99.9.0/24, dev: lo}", (text % "").replace(", ]", "]")
    before = ours()
    lab.apply(more)
    assert {"10.99.7.0/24", "10.99.8.0/24", "10.99.9.0/24"} == ours() - before - {"10.99.6.0/30"}
    other = Lab(lab.folder)
    other.apply("host: {routes: [{to: 10.99.10.0/24, dev: lo}]}")
    assert lab.tells(less) == {"route/host--10.99.9.0/24": (Action.DELETE, frozenset())}
    lab.apply(less)
    for route in ("10.99.7.0/24", "10.99.8.0/24"):
        run("ip", "route", "del", route)
        lab.drifted(less, f"route/host--{route}", Action.CREATE)
    run("ip", "route", "del", "10.99.8.0/24", "dev", "lo")
    lab.destroy()
    assert ours() - before == {"10.99.10.0/24"}
    other.destroy()
    assert ours() == before
    assert not link("lo").get("altnames")


def notes(*labs: Lab) -> frozenset[Noted]:
    """What is noted of the routes of some topologies."""
    with Socket() as socket:
        lo = socket.ask([get_link("lo")])[0]
    assert isinstance(lo, Link)
    owners = {noted(each.name, "", 0).owner for each in labs}
    return frozenset(each for each in written(lo, "route") if each.owner in owners)


def test_routes_of_the_host_to_one_destination_are_told_apart_by_their_metrics(lab: Lab) -> None:
    to = "{to: 10.99.13.0/24, dev: lo%s}"
    several = f"host: {{routes: [{to % ''}, {to % ', metric: 100'}, {to % ', metric: 200'}]}}"
    before = ours()
    lab.apply(several)
    run("ip", "route", "del", "10.99.13.0/24", "metric", "100")
    lab.drifted(several, "route/host--10.99.13.0/24@100", Action.CREATE)
    run("ip", "route", "del", "10.99.13.0/24", "metric", "0")
    lab.apply(f"host: {{routes: [{to % ', metric: 100'}, {to % ', metric: 200'}]}}")
    assert notes(lab) == {noted(lab.name, "10.99.13.0/24", metric) for metric in (100, 200)}
    assert len(run("ip", "route", "show", "10.99.13.0/24").splitlines()) == 2
    lab.destroy()
    assert (ours(), notes(lab)) == (before, frozenset())


def test_a_metric_of_the_host_is_changed_with_its_note(lab: Lab) -> None:
    text = "host: {routes: [{to: 10.99.14.0/24, dev: lo%s}]}"
    lab.both_ways(text % "", text % ", metric: 7", "route/host--10.99.14.0/24", Action.UPDATE, "metric")
    assert notes(lab) == {noted(lab.name, "10.99.14.0/24", 0)}
    assert lab.destroy().converged
    assert notes(lab) == frozenset()


@pytest.mark.parametrize("metric", ["0", "5"])
def test_a_route_of_the_host_is_adopted_as_it_is_and_changed(lab: Lab, metric: str) -> None:
    text = f"host: {{routes: [{{to: 10.99.15.0/24, dev: lo, metric: {metric}, source: 127.0.0.1}}]}}"
    key = "route/host--10.99.15.0/24"
    run("ip", "route", "add", "10.99.15.0/24", "dev", "lo", "metric", metric)
    try:
        adopt = {"adopt": (ResourceKey.of(key),)}
        assert lab.tells(text, **adopt) == {key: (Action.UPDATE, frozenset(("source", "marked")))}
        lab.apply(text, **adopt)
        lab.destroy()
        assert "10.99.15.0/24" not in routes()
    finally:
        run("ip", "route", "del", "10.99.15.0/24", "dev", "lo", check=False)


def test_a_route_of_the_host_is_ours_by_a_pair_of_which_one_end_has_lost_its_mark(lab: Lab) -> None:
    theirs = f"e{lab.name}"
    text = (
        f"namespaces: {{x: }}\nveths: [['host:{theirs} 10.99.40.1/24', 'x:e 10.99.40.2/24']]\n"
        "host: {routes: [{to: 10.99.41.0/24, via: 10.99.40.2}]}"
    )
    lab.apply(text)
    run("ip", "link", "set", theirs, "alias", "an uplink")
    assert lab.tells(text) == {f"veth/host:{theirs}--x:e": ("update", frozenset({f"endpoints.host:{theirs}.marked"}))}
    lab.apply(text)
    run("ip", "link", "set", theirs, "alias", "an uplink")
    lab.apply("")
    assert "10.99.41.0/24" not in routes()


def test_each_of_several_routes_of_the_host_in_the_way_is_told_and_adopted(lab: Lab) -> None:
    to = "10.99.16.0/24"
    text = f"host: {{routes: [{{to: {to}, dev: lo}}, {{to: {to}, dev: lo, metric: 5}}]}}"
    keys = [f"route/host--{to}@0", f"route/host--{to}@5"]
    for metric in ("0", "5"):
        run("ip", "route", "add", to, "dev", "lo", "metric", metric)
    try:
        with pytest.raises(
            Conflict, match=f"{keys[1]}: the route to {to} in host is held by route host--{to}@5, which"
        ):
            lab.attempt(text, adopt=(ResourceKey.of(keys[0]),))
        lab.apply(text, adopt=tuple(map(ResourceKey.of, keys)))
    finally:
        for metric in ("0", "5"):
            run("ip", "route", "del", to, "dev", "lo", "metric", metric, check=False)


def test_a_note_holds_no_more_once_another_topology_has_the_place(lab: Lab) -> None:
    text, key = "host: {routes: [{to: 10.99.17.0/24, dev: lo}]}", "route/host--10.99.17.0/24"
    lab.apply(text)
    other = Lab(lab.folder)
    other.apply(text, adopt=(ResourceKey.of(key),))
    assert lab.destroy().outcomes == ()
    lab.apply(text, adopt=(ResourceKey.of(key),))
    run("ip", "route", "del", "10.99.17.0/24", "dev", "lo")
    other.apply(text)
    assert notes(lab, other) == {noted(other.name, "10.99.17.0/24", 0)}
    lab.destroy()
    assert "10.99.17.0/24" in routes()
    other.destroy()
    assert notes(lab, other) == frozenset()


def test_what_a_former_version_noted_of_routes_is_understood_and_goes_with_them(lab: Lab) -> None:
    text = "host: {routes: [{to: 10.99.19.0/24, dev: lo}, {to: 10.99.20.0/24, dev: lo}]}"
    former = [f"route={lab.name}=10.99.{number}.0,24=0" for number in (19, 20, 21)]
    for number in (19, 20):
        run("ip", "route", "add", f"10.99.{number}.0/24", "dev", "lo", "proto", "114")
    for each in former:
        run("ip", "link", "property", "add", "dev", "lo", "altname", each)
    gone = f"route/host--@{noted(lab.name, '10.99.21.0/24', 0).item}"
    assert lab.tells(text) == {gone: (Action.DELETE, frozenset())}
    lab.apply(text)
    assert former[0] not in link("lo")["altnames"]
    lab.destroy()
    assert notes(lab) == frozenset()
    assert not ours()


def test_so_many_routes_of_the_host_are_noted_that_programs_still_read_of_lo_and_no_more(lab: Lab) -> None:
    text = "host: {routes: [%s]}"
    routes = [f"{{to: 10.99.{number // 8}.{number % 8 * 32}/27, dev: lo}}" for number in range(200)]
    lab.apply(text % ", ".join(routes[:100]))
    try:
        assert len(link("lo")["altnames"]) < 10
        with pytest.raises(
            ReconcilerError, match=r"200 routes of the host .* are more than can be noted on `lo`: there is no room for"
        ):
            lab.attempt(text % ", ".join(routes))
    finally:
        lab.destroy()
    assert notes(lab) == frozenset()


def test_a_route_of_the_host_that_came_in_between_is_not_the_adopted_one(lab: Lab) -> None:
    text, key = "host: {routes: [{to: 10.99.18.0/24, dev: lo, source: 127.0.0.1}]}", "route/host--10.99.18.0/24"
    run("ip", "route", "add", "10.99.18.0/24", "dev", "lo")
    try:
        made = lab.plan(text, adopt=(ResourceKey.of(key),))
        run("ip", "route", "replace", "10.99.18.0/24", "dev", "lo", "proto", "static")
        (outcome,) = execute(made, lab.host, kinds=kinds()).outcomes
        assert "that is not ours came in between" in str(outcome.error)
    finally:
        run("ip", "route", "del", "10.99.18.0/24", "dev", "lo")


def test_a_route_of_the_host_that_is_not_ours_is_a_conflict(lab: Lab) -> None:
    run("ip", "route", "add", "10.99.11.0/24", "dev", "lo")
    try:
        with pytest.raises(Conflict, match=r"the route to 10\.99\.11\.0/24 in host is held by"):
            lab.attempt("host: {routes: [{to: 10.99.11.0/24, dev: lo}]}")
    finally:
        run("ip", "route", "del", "10.99.11.0/24", "dev", "lo")


@pytest.mark.parametrize(
    ("hand", "where"),
    [
        (["prepend", "blackhole", "10.7.0.0/16"], "10.7.0.1"),
        (["prepend", "10.7.0.0/16", "via", "10.0.1.9"], "10.7.0.1"),
        (["append", "fd07::/32", "dev", "eth1"], "fd07::1"),
    ],
)
def test_a_route_that_a_hand_put_before_ours_is_named_and_gives_way(lab: Lab, hand: list[str], where: str) -> None:
    text = TEXT % "{to: 10.7.0.0/16, via: 10.0.0.2}, {to: 'fd07::/32', dev: eth0}"
    lab.apply(text)
    key = KEY if "." in where else "route/red--fd07::/32"
    if ":" in where:  # of IPv6 the kernel takes none before others
        run("ip", "-n", f"{lab.name}-red", "route", "del", "fd07::/32")
    run("ip", "-n", f"{lab.name}-red", "route", *hand)
    if ":" in where:
        run("ip", "-n", f"{lab.name}-red", "route", "append", "fd07::/32", "dev", "eth0", "proto", "114")
    lab.drifted(text, key, Action.UPDATE, "first")
    assert " dev eth0 " in run("ip", "-n", f"{lab.name}-red", "route", "get", where)
    run("ip", "-n", f"{lab.name}-red", "route", "append", *hand[1:])
    assert lab.tells(text) == {}, "one behind ours is left alone"


def test_a_route_of_the_host_that_a_hand_put_before_ours_is_a_conflict(lab: Lab) -> None:
    text = "host: {routes: [{to: 10.99.42.0/24, dev: lo}]}"
    lab.apply(text)
    run("ip", "route", "prepend", "blackhole", "10.99.42.0/24")
    try:
        with pytest.raises(Conflict, match=r"the route to 10\.99\.42\.0/24 in host is held by .*, which is not ours"):
            lab.attempt(text)
        lab.destroy()
    finally:
        run("ip", "route", "del", "blackhole", "10.99.42.0/24")
    assert "10.99.42.0/24" not in routes()


def test_a_next_hop_that_cannot_be_reached_is_named(lab: Lab) -> None:
    report = lab.attempt("host: {routes: [{to: 10.99.12.0/24, via: 203.0.113.77}]}")
    if report.failed:
        assert "cannot be a next hop in the host" in str(report.failed[0].error)


@pytest.mark.parametrize(("to", "source"), [("10.4.0.0/16", "10.9.9.9"), ("fd04::/64", "fd09::9")])
def test_a_source_that_no_interface_has_is_named(lab: Lab, to: str, source: str) -> None:
    veth = "veths: [['a:e 10.0.0.1/24 fd00::1/64', 'b:e']]\n"
    report = lab.attempt(f"namespaces: {{a: {{routes: [{{to: '{to}', dev: e, source: '{source}'}}]}}, b: }}\n{veth}")
    (failed,) = report.failed
    assert f"{source} cannot be the `source` in " in str(failed.error)


def test_a_route_outlives_the_address_of_its_interface(lab: Lab) -> None:
    text = """
namespaces: {a: {routes: [{to: 10.200.0.0/24, via: 10.66.2.254}, {to: 10.201.0.0/24, via: [10.66.2.254, 10.66.3.254]}]}, b: {routes: [{to: 10.202.0.0/24, via: 10.67.0.9}]}}
bridges: {br0: {namespace: b, addresses: [10.67.0.1/24]}}
veths: [[a:e1 10.66.2.1/24, b:e1 10.66.2.2/24], [a:e2 10.66.3.1/24, b:e2]]
"""
    lab.apply(text)
    swapped = (
        text.replace("2.1/24", "2.9/24")
        .replace("2.2/24", "2.1/24")
        .replace("2.9/24", "2.2/24")
        .replace("67.0.1", "67.0.2")
    )
    report = lab.apply(swapped)
    assert {str(each.step.key.key) for each in report.outcomes} == {"veth/a:e1--b:e1", "bridge/br0"}
    assert len(routes(netns=f"{lab.name}-a")["10.201.0.0/24"]["nexthops"]) == 2


def test_a_route_moves_with_its_subnet_from_one_interface_to_another(lab: Lab) -> None:
    text = """
namespaces: {a: , b: {routes: [{to: 10.200.0.0/24, via: 10.66.2.254}]}}
veths: [[a:e1, b:e1 %s], [a:e2, b:e2 %s]%s]
"""
    one, other = (
        text % ("10.66.2.1/24", "fd66::1/64", ", [a:e3, b:e3]"),
        text % ("fd66::2/64", "10.66.2.1/24", ""),
    )
    gone = text.replace("[a:e1, b:e1 %s], ", "") % ("10.66.2.3/24", "")
    lab.apply(one)
    for each, dev in ((other, "e2"), (one, "e1"), (gone, "e2"), (one, "e1"), (other, "e2")):
        lab.apply(each)
        assert routes(netns=f"{lab.name}-b")["10.200.0.0/24"]["dev"] == dev


@pytest.mark.parametrize(
    ("to", "first", "second"),
    [("10.0.0.0/24", "", ", metric: 7"), ("fd00::/64", ", metric: 256", ", metric: 9")],
)
def test_a_route_that_took_the_place_of_the_kernel_s_gives_it_back(lab: Lab, to: str, first: str, second: str) -> None:
    text = f"{{to: '{to}', dev: eth0%s}}"
    bare = TEXT % ""
    lab.apply(bare)
    own = shown(lab, to)
    assert len(own) == 1
    assert "proto kernel" in own[0]
    lab.apply(TEXT % text % first)
    assert "proto kernel" not in "".join(shown(lab, to))
    lab.apply(TEXT % text % second)
    assert own[0] in shown(lab, to)
    for each in (TEXT % text % first, bare, TEXT % text % first, bare):
        lab.apply(each)
    assert shown(lab, to) == own
    assert lab.tells(bare) == {}


def test_a_link_local_route_that_took_the_place_of_the_kernel_s_gives_it_back_on_each_link(lab: Lab) -> None:
    bare, to = TEXT % "", "fe80::/64"
    lab.apply(bare)
    own = sorted(shown(lab, to))
    assert [each.split(" metric")[0] for each in own] == [f"{to} dev {each} proto kernel" for each in ("eth0", "eth1")]
    lab.apply(TEXT % f"{{to: '{to}', dev: eth0, metric: 256}}")
    assert sorted(shown(lab, to)) != own
    lab.apply(bare)
    assert sorted(shown(lab, to)) == own


def shown(lab: Lab, to: str) -> list[str]:
    family = "-6" if ":" in to else "-4"
    return [each.strip() for each in run("ip", family, "-n", f"{lab.name}-red", "route", "show", to).splitlines()]


@pytest.mark.parametrize("hand", [["route", "flush", "table", "main"], ["-6", "route", "flush", "table", "main"]])
def test_the_kernel_s_own_routes_come_back_before_ours(lab: Lab, hand: list[str]) -> None:
    text = TEXT % "{to: 10.7.0.0/16, via: 10.0.0.2}, {to: 'fd07::/32', via: 'fd00::2'}"
    lab.apply(text)
    before = run("ip", "-n", f"{lab.name}-red", "route"), shown(lab, "fd00::/64"), shown(lab, "fd07::/32")
    run("ip", "-n", f"{lab.name}-red", *hand)
    lab.apply(text)
    assert (run("ip", "-n", f"{lab.name}-red", "route"), shown(lab, "fd00::/64"), shown(lab, "fd07::/32")) == before


@pytest.mark.parametrize("foreign", ["blackhole", "unreachable", "prohibit", "throw"])
def test_a_foreign_route_of_any_type_has_its_place(lab: Lab, foreign: str) -> None:
    text = "host: {routes: [{to: 10.99.22.0/24, dev: lo}]}"
    run("ip", "route", "add", foreign, "10.99.22.0/24")
    try:
        with pytest.raises(Conflict, match=r"the route to 10.99.22.0/24 in host is held by"):
            lab.attempt(text)
        lab.apply(text, adopt=(ResourceKey.of("route/host--10.99.22.0/24"),))
        lab.destroy()
    finally:
        run("ip", "route", "del", foreign, "10.99.22.0/24", check=False)


def test_a_route_for_one_type_of_service_is_in_nobody_s_way(lab: Lab) -> None:
    run("ip", "route", "add", "10.99.23.0/24", "dev", "lo", "tos", "0x10")
    try:
        lab.apply("host: {routes: [{to: 10.99.23.0/24, dev: lo}]}")
        lab.destroy()
        assert run("ip", "route", "show", "tos", "0x10", "to", "10.99.23.0/24")
    finally:
        run("ip", "route", "del", "10.99.23.0/24", "dev", "lo", "tos", "0x10", check=False)


def test_a_route_goes_by_an_altname_of_a_foreign_interface(lab: Lab) -> None:
    name = f"d{os.urandom(3).hex()}"
    run("ip", "link", "add", name, "type", "bridge")
    try:
        run("ip", "link", "property", "add", "dev", name, "altname", f"{name}-alt")
        run("ip", "link", "set", name, "up")
        lab.apply(f"host: {{routes: [{{to: 10.99.24.0/24, dev: {name}-alt}}]}}")
        assert routes()["10.99.24.0/24"]["dev"] == name
        lab.destroy()
    finally:
        run("ip", "link", "del", name)


def test_a_route_by_an_interface_of_another_topology_is_whose_it_is_noted_to_be(lab: Lab) -> None:
    name, end = (f"{each}{os.urandom(3).hex()}" for each in "bx")
    theirs = (
        f"namespaces: {{a: }}\nbridges: {{shared: {{name: {name}, addresses: [10.99.25.1/24]}}}}\n"
        f"veths: [[host:{end} 10.99.26.1/30, a:e 10.99.26.2/30]]"
    )
    ours = (
        f"namespaces: {{n: }}\nbridges: {{shared: {{external: true, name: {name}}}}}\nveths: [[n:e 10.99.25.2/24, shared]]\n"
        f"host: {{routes: [{{to: 10.99.27.0/24, via: 10.99.25.2}}, {{to: 10.99.28.0/24, dev: {end}}}, "
        f"{{to: 10.99.29.0/24, dev: {name}}}]}}"
    )
    other = Lab(lab.folder)
    other.apply(theirs)
    try:
        lab.apply(ours)
        before = routes()
        assert other.tells(theirs) == {}
        assert lab.destroy().converged
        assert before.keys() - routes().keys() == {"10.99.27.0/24", "10.99.28.0/24", "10.99.29.0/24"}
        assert notes(lab) == frozenset()
        lab.apply(ours)
    finally:
        other.destroy()
    assert lab.destroy().converged


def test_a_route_by_a_bridge_that_was_ours_and_is_external_is_noted_then(lab: Lab) -> None:
    name = f"b{os.urandom(3).hex()}"
    text = f"bridges: {{b: {{%s, name: {name}}}}}\nhost: {{routes: [{{to: 10.99.30.0/24, dev: {name}}}]}}"
    key, handed_over = "route/host--10.99.30.0/24", text % "external: true"
    lab.apply(text % "addresses: [10.99.31.1/24]")
    try:
        assert notes(lab) == frozenset()
        lab.turned(handed_over, key, Action.UPDATE, "marked")
        assert notes(lab) == {noted(lab.name, "10.99.30.0/24", 0)}
        assert lab.tells(handed_over.partition("host:")[0]) == {key: (Action.DELETE, frozenset())}
        with pytest.raises(Conflict, match=r"the route to 10\.99\.30\.0/24 in host is held by"):
            Lab(lab.folder).plan(handed_over)
        lab.apply(handed_over.partition("host:")[0])
        assert "10.99.30.0/24" not in routes()
    finally:
        run("ip", "link", "del", name)


@pytest.mark.parametrize("how", ["via: 10.99.32.2", "dev: far"])
def test_a_route_of_a_container_by_another_topology_s_interface_is_that_topology_s(
    lab: Lab, image: str, how: str
) -> None:
    text = (
        f"networks: {{lan: }}\ncontainers: {{r: {{image: {image}, init: true, command: [sleep, '999'], "
        "networks: [lan], routes: [%s]}}"
    )
    other, to = Lab(lab.folder), "{to: 10.99.33.0/24, via: 10.99.32.2}"
    theirs = (
        f"namespaces: {{mine: }}\ncontainers: {{r: {{external: true, container_name: {lab.name}-r}}}}\n"
        "veths: [{endpoints: [{container: r, interface: far, addresses: [10.99.32.1/24]%s}, mine:e 10.99.32.2/24]}]"
    )
    lab.apply(text % "")
    try:
        other.apply(theirs % "")
        (failed,) = lab.attempt(text % f"{{to: 10.99.33.0/24, {how}}}").failed
        said = f"the interface far in container {lab.name}-r, by which it would go, is veth/mine:e--r:far of topology"
        assert f"{said} {other.name}: declare the route there, at that end" in str(failed.error)
        assert other.tells(theirs % "") == {}
        other.apply(theirs % f", routes: [{to}]")
        assert lab.tells(text % "") == {}
    finally:
        other.destroy()


OFF = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
UNNUMBERED = (
    "namespaces: {red: {sysctls: {net.ipv6.conf.default.disable_ipv6: %s}, routes: [%s]}, blue: }\n"
    "veths: [['red:eth0%s', 'blue:eth0 fe80::1/64']]"
)
BY_LINK = '{to: default, via: "fe80::1", dev: eth0}'


def test_a_route_has_ipv6_at_an_interface_of_ours_without_an_address_of_it(lab: Lab) -> None:
    """Where the namespace has none for new interfaces, where a hand took it, and where that of the namespace changes."""
    lab.apply(UNNUMBERED % (1, BY_LINK, ""))
    run("ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", f"echo 1 > {OFF}")
    lab.drifted(UNNUMBERED % (1, BY_LINK, ""), "route/red--default6", Action.CREATE)
    lab.apply(UNNUMBERED % (0, BY_LINK, ""))
    assert lab.apply(UNNUMBERED % (1, BY_LINK, "")).converged


@pytest.mark.parametrize(
    ("route", "address"),
    [(BY_LINK, ""), ("", " fd00::1/64"), (BY_LINK.replace("eth0", "eth0, metric: 7"), " fd00::1/64")],
)
def test_ipv6_goes_from_an_interface_with_what_was_declared_of_it(lab: Lab, route: str, address: str) -> None:
    def off() -> str:
        return run("ip", "netns", "exec", f"{lab.name}-red", "cat", OFF).strip()

    bare, text = UNNUMBERED % (1, "", ""), UNNUMBERED % (1, route, address)
    lab.apply(bare)
    assert off() == "1"
    lab.apply(text)
    assert off() == "0"
    lab.apply(bare)
    assert off() == "1"
    lab.apply(text)
    run("ip", "-n", f"{lab.name}-red", "address", "add", "fd09::1/64", "dev", "eth0")
    lab.apply(bare)
    assert off() == "0", "what a hand gave stays"


def test_a_route_by_an_interface_of_others_without_ipv6_is_told(lab: Lab) -> None:
    theirs = f"o{lab.name}"
    run("ip", "link", "add", theirs, "up", "type", "bridge")
    try:
        run("sh", "-c", f"echo 1 > {OFF.replace('eth0', theirs)}")
        (failed,) = lab.attempt(f"host: {{routes: [{{to: 'fd99::/48', dev: {theirs}}}]}}").failed
        assert "IPv6 is switched off at the interface by which it would go in the host" in str(failed.error)
    finally:
        run("ip", "link", "del", theirs)


def test_what_has_but_routes_of_the_host_is_found_by_its_notes(lab: Lab) -> None:
    lab.apply("host: {routes: [{to: 10.99.34.0/24, dev: lo}, {to: 10.99.35.0/24, dev: lo}]}")
    found = {each.name: each for each in topologies(lab.host)[0]}
    assert (found[lab.name].sources, found[lab.name].counts) == ((), {"route": 2})
    lab.destroy()
    assert lab.name not in {each.name for each in topologies(lab.host)[0]}
    assert not any(lab.name in each for each in link("lo").get("altnames", ()))
