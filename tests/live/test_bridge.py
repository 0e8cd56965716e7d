"""Linux bridges against the real kernel, with `ip` and `iptables` as witnesses."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator

import pytest

from live.lab import Lab, run
from live.witness import addresses, ip, link, pings, routes
from reconciler.errors import Conflict
from reconciler.model import Action, ResourceKey
from reconciler.topologies import topologies

pytestmark = pytest.mark.live

BARE = "bridges: {br0: }"
KEY = "bridge/br0"


def data(lab: Lab) -> dict[str, int]:
    found: dict[str, int] = link(f"{lab.name}-br0")["linkinfo"]["info_data"]
    return found


def rules() -> list[str]:
    done = subprocess.run(["iptables", "-S", "DOCKER-USER"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.fixture
def port() -> Iterator[str]:
    """An interface of somebody else's in the host."""
    name = f"x{uuid.uuid4().hex[:8]}"
    run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    yield name
    run("ip", "link", "del", name)


@pytest.mark.parametrize(
    ("attribute", "path"),
    [
        ("stp: true", "stp"),
        ("priority: 4096", "priority"),
        ("hello_time: 1s", "hello_time"),
        ("max_age: 6s", "max_age"),
        ("forward_delay: 4s", "forward_delay"),
        ("forward_delay: 0s", "forward_delay"),
        ("ageing_time: 2m", "ageing_time"),
        ("ageing_time: 0.01s", "ageing_time"),
        ("ageing_time: 1.23s", "ageing_time"),
        ("addresses: [10.99.7.1/24, 10.99.8.1/24]", "addresses"),
        ('addresses: ["fd99:7::1/64"]', "addresses"),
        ("name: %x", "name"),
    ],
)
def test_an_attribute_is_changed_in_place_and_undone(lab: Lab, attribute: str, path: str) -> None:
    lab.apply(BARE)
    index = link(f"{lab.name}-br0")["ifindex"]
    lab.both_ways(BARE, f"bridges: {{br0: {{{attribute}}}}}".replace("%", lab.name), KEY, Action.UPDATE, path)
    assert link(f"{lab.name}-br0")["ifindex"] == index


def test_a_mac_address_is_changed_in_place_and_left_alone_when_undeclared(lab: Lab) -> None:
    text = 'bridges: {br0: {mac: "02:00:00:00:07:01"}}'
    lab.apply(BARE)
    assert lab.tells(text)[KEY] == (Action.UPDATE, frozenset(("mac",)))
    lab.apply(text)
    assert lab.tells(BARE) == {}


SIZED = "namespaces: {red: }\nbridges: {br0: {%s}}\nveths: [{endpoints: [red:eth0, br0], mtu: %d}]"


def test_an_mtu_that_is_taken_out_is_that_of_the_smallest_port_from_then_on(lab: Lab, port: str) -> None:
    name = f"{lab.name}-br0"
    lab.apply(SIZED % ("", 9000))
    assert lab.tells(SIZED % ("mtu: 1400", 9000)) == {KEY: (Action.UPDATE, frozenset(("mtu",)))}
    lab.turned(SIZED % ("mtu: 1400", 9000), KEY, Action.UPDATE, "mtu")
    lab.turned(SIZED % ("", 9000), KEY, Action.UPDATE, "due_mtu")
    assert link(name)["mtu"] == 9000
    lab.turned(SIZED % ("", 1500), KEY, Action.UPDATE, "due_mtu")
    assert link(name)["mtu"] == 1500
    lab.apply(SIZED % ("", 1400))
    assert link(name)["mtu"] == 1400
    run("ip", "link", "set", port, "mtu", "1300", "master", name)
    lab.drifted(SIZED % ("", 1400), KEY, Action.UPDATE, "due_mtu")
    assert link(name)["mtu"] == 1300
    run("ip", "link", "set", port, "nomaster")
    lab.turned("bridges: {br0: }", KEY, Action.UPDATE, "due_mtu")
    assert link(name)["mtu"] == 1500


def test_a_bridge_whose_mtu_nobody_set_follows_its_ports_without_a_step(lab: Lab) -> None:
    name = f"{lab.name}-br0"
    lab.apply(SIZED % ("", 1500))
    assert KEY not in lab.tells(SIZED % ("", 1400))
    lab.apply(SIZED % ("", 1400))
    assert link(name)["mtu"] == 1400
    failing = (SIZED % ("", 1300)).replace("red: ", "red: {exec: [exit 3]}")
    report = lab.attempt(failing, revert=True)
    assert report.reverted
    assert report.reverted.converged, report.reverted.remaining
    assert KEY not in {str(each.step.key.key) for each in report.reverted.outcomes}
    run("ip", "link", "set", name, "mtu", "1300")
    lab.drifted(SIZED % ("", 1400), KEY, Action.UPDATE, "due_mtu")


def test_an_mtu_that_a_bridge_has_already_holds_once_it_is_declared(lab: Lab) -> None:
    lab.apply(SIZED % ("", 1500))
    smaller = "veths: [{endpoints: [red:eth1, br0], mtu: 1300}, "
    lab.turned((SIZED % ("mtu: 1500", 1500)).replace("veths: [", smaller), KEY, Action.UPDATE, "due_mtu")
    assert link(f"{lab.name}-br0")["mtu"] == 1500


def test_a_mac_address_that_moves_off_a_bridge_is_left_by_it(lab: Lab) -> None:
    mac, name = "02:00:00:00:07:aa", f"{lab.name}-br0"
    text = "namespaces: {red: }\nbridges: {br0: {%s}, br1: {namespace: red%s}}\nveths: [{endpoints: [{bridge: br0, interface: p%s}, br1]}]"
    here, there, port = f'mac: "{mac}"', f', mac: "{mac}"', f', mac: "{mac}"'
    text = text.replace("interface: p", f"interface: {lab.name}p")
    lab.apply(text % (here, "", ""))
    lab.turned(text % ("", there, ""), KEY, Action.UPDATE, "own_mac")
    assert link(name)["address"] != link("br1", netns=f"{lab.name}-red")["address"] == mac
    lab.turned(text % ("", "", port), "bridge/br1", Action.UPDATE, "own_mac")
    lab.apply(text % (here, "", ""))
    assert {each["address"] for each in (link(name), link(f"{lab.name}p"))} == {mac}, "as of a bridge and its port"


def test_all_attributes_are_there_at_once(lab: Lab) -> None:
    lab.apply(
        "bridges: {br0: {stp: true, priority: 7, hello_time: 1s, max_age: 7s, forward_delay: 2s, ageing_time: 60s, "
        'mtu: 1300, mac: "02:00:00:00:00:07", addresses: [10.99.7.1/24, "fd99:7::1/64"]}}'
    )
    found, told = link(f"{lab.name}-br0"), data(lab)
    assert (found["mtu"], found["address"]) == (1300, "02:00:00:00:00:07")
    assert "UP" in found["flags"]
    names = ("stp_state", "priority", "hello_time", "max_age", "forward_delay", "ageing_time")
    assert [told[name] for name in names] == [1, 7, 100, 700, 200, 6000]
    assert addresses(f"{lab.name}-br0") == {"10.99.7.1/24", "fd99:7::1/64"}


def test_stp_restricts_times_only_while_it_is_on(lab: Lab) -> None:
    lab.apply("bridges: {br0: {forward_delay: 0s}}")
    lab.apply("bridges: {br0: {stp: true, forward_delay: 2s}}")
    lab.apply("bridges: {br0: {forward_delay: 0s}}")
    assert data(lab)["forward_delay"] == 0


def test_a_smaller_port_does_not_lower_a_declared_mtu(lab: Lab) -> None:
    lab.apply("namespaces: {red: }\nbridges: {br0: {mtu: 1500}}\nveths: [{endpoints: [red:eth0, br0], mtu: 1300}]")
    assert link(f"{lab.name}-br0")["mtu"] == 1500


def test_a_bridge_in_a_namespace_keeps_its_bare_name_and_moving_it_replaces_it(lab: Lab) -> None:
    inside = "namespaces: {red: }\nbridges: {br0: {namespace: red, stp: true}}"
    lab.apply(inside)
    assert link("br0", netns=f"{lab.name}-red")["linkinfo"]["info_data"]["stp_state"] == 1
    run("ip", "-n", f"{lab.name}-red", "link", "set", "br0", "type", "bridge", "stp_state", "0")
    lab.drifted(inside, KEY, Action.UPDATE, "stp")
    lab.both_ways(inside, "namespaces: {red: }\nbridges: {br0: {stp: true}}", KEY, Action.REPLACE, "node")
    lab.apply(inside)
    run("ip", "-n", f"{lab.name}-red", "link", "del", "br0")
    lab.drifted(inside, KEY, Action.CREATE)


def test_a_long_name_is_shortened_and_kept_as_an_altname(lab: Lab) -> None:
    text = "bridges: {distribution-switch: }"
    lab.apply(text)
    full = f"{lab.name}-distribution-switch"
    found = next(each for each in ip("link", "show") if full in each.get("altnames", []))
    assert found["ifname"].startswith("distribu-")
    assert len(found["ifname"]) == 15
    run("ip", "link", "property", "del", "dev", found["ifname"], "altname", full)
    lab.drifted(text, "bridge/distribution-switch", Action.UPDATE, "altname")


def altnames(lab: Lab) -> set[str]:
    (found,) = (each for each in ip("link", "show", "type", "bridge") if lab.mark(KEY).is_in(each.get("ifalias")))
    return set(found.get("altnames", ()))


def test_a_bridge_that_is_renamed_leaves_its_former_full_name_to_others(lab: Lab) -> None:
    first, second = (f"prefix: {lab.name}-{each}-prefix\n{BARE}" for each in ("one", "two"))
    full, hand = f"{lab.name}-%s-prefix-br0", f"{lab.name}-of-a-hand"
    lab.apply(first)
    assert altnames(lab) == {full % "one"}
    run("ip", "link", "property", "add", "dev", full % "one", "altname", hand)
    lab.turned(second, KEY, Action.UPDATE, "name", "altname")
    assert altnames(lab) == {full % "two", hand}
    other = Lab(lab.folder)
    try:
        other.apply(first)
    finally:
        other.destroy()
    lab.apply(second)
    lab.turned(f"bridges: {{br0: {{name: {lab.name}}}}}", KEY, Action.UPDATE, "name", "altname")
    assert altnames(lab) == {hand}


def test_a_full_name_that_a_kill_left_beside_the_new_one_goes(lab: Lab) -> None:
    first, second = (f"prefix: {lab.name}-{each}-prefix\n{BARE}" for each in ("one", "two"))
    full = f"{lab.name}-%s-prefix-br0"
    lab.apply(first)
    run("ip", "link", "property", "add", "dev", full % "one", "altname", full % "two")
    lab.turned(second, KEY, Action.UPDATE, "name", "altname")
    assert altnames(lab) == {full % "two"}


def test_a_full_name_that_something_else_has_is_an_error_that_names_it(lab: Lab, port: str) -> None:
    full = f"{lab.name}-distribution-switch"
    run("ip", "link", "property", "add", "dev", port, "altname", full)
    report = lab.attempt("bridges: {distribution-switch: }")
    (error,) = (str(each.error) for each in report.failed)
    assert f"bridge/distribution-switch: {full} is an altname of the interface {port} in the host already: " in error


def test_ports_are_borrowed_and_given_back(lab: Lab, port: str) -> None:
    text = f"bridges: {{br0: {{ports: [{port}]}}}}"
    lab.both_ways(BARE, text, KEY, Action.UPDATE, "ports")
    assert "master" not in link(port)
    lab.apply(text)
    assert link(port)["master"] == f"{lab.name}-br0"
    run("ip", "link", "set", port, "nomaster")
    lab.drifted(text, KEY, Action.UPDATE, "ports")
    lab.destroy()
    assert link(port)
    assert "master" not in link(port)


def test_a_port_is_given_back_by_whatever_name_and_no_other_of_that_name(lab: Lab, port: str) -> None:
    text = "bridges: {br0: {ports: [%s]}}"
    lab.apply(text % port)
    run("ip", "link", "set", port, "name", f"{port}x")
    lab.apply(text % f"{port}x")
    run("ip", "link", "set", f"{port}x", "name", port)
    lab.turned(BARE, KEY, Action.UPDATE, "ports")
    assert "master" not in link(port)
    lab.apply(text % port)
    run("ip", "link", "del", port)
    lab.turned(BARE, KEY, Action.UPDATE, "noted")
    assert not altnames(lab)
    run("ip", "link", "add", port, "type", "veth", "peer", "name", f"{port}p")
    run("ip", "link", "set", port, "master", f"{lab.name}-br0")
    assert lab.tells(BARE) == {}, "which is another one"
    lab.turned(text % port, KEY, Action.UPDATE, "noted")
    lab.turned(BARE, KEY, Action.UPDATE, "ports")


def test_a_port_that_a_hand_put_in_is_left_alone(lab: Lab, port: str) -> None:
    lab.apply(BARE)
    run("ip", "link", "set", port, "master", f"{lab.name}-br0")
    assert lab.tells(BARE) == {}


def test_a_port_in_somebody_elses_bridge_is_a_conflict(lab: Lab, port: str) -> None:
    other = f"b{uuid.uuid4().hex[:8]}"
    run("ip", "link", "add", other, "type", "bridge")
    try:
        run("ip", "link", "set", port, "master", other)
        with pytest.raises(Conflict, match=f"port {port} in host is held by"):
            lab.attempt(f"bridges: {{br0: {{ports: [{port}]}}}}")
    finally:
        run("ip", "link", "del", other)


def test_a_port_is_borrowed_and_an_external_bridge_used_by_an_altname(lab: Lab, port: str) -> None:
    other, inside = f"b{uuid.uuid4().hex[:8]}", "namespaces: {red: }\nveths: [[red:eth0, core]]\n"
    run("ip", "link", "add", other, "type", "bridge")
    try:
        for each, name in ((port, f"{port}-of-a-longer-name"), (other, f"{other}-alt")):
            run("ip", "link", "property", "add", "dev", each, "altname", name)
        text = f"{inside}bridges: {{br0: {{ports: [{port}-of-a-longer-name]}}, core: {{external: true, name: {other}-alt}}}}"
        lab.apply(text)
        run("ip", "link", "set", port, "nomaster")
        lab.drifted(text, KEY, Action.UPDATE, "ports")
        lab.apply(BARE)
        assert "master" not in link(port)
        with pytest.raises(Conflict, match=f"interface {other}-alt in host is held by {other}, which has that for an"):
            lab.attempt(f"bridges: {{br0: {{name: {other}-alt}}}}")
    finally:
        run("ip", "link", "del", other)


def test_a_port_goes_to_one_bridge_only_by_whichever_name(lab: Lab, port: str) -> None:
    run("ip", "link", "property", "add", "dev", port, "altname", f"{port}-alt")
    text = f"bridges: {{br0: {{ports: [{port}]}}, br1: {{ports: [{port}-alt]}}}}"
    said = f"^bridge/br1: the port {port}-alt in host is {port}, which bridge/br0 is to borrow: take it out of one$"
    with pytest.raises(Conflict, match=said):
        lab.plan(text)
    lab.apply(f"bridges: {{br0: , br1: {{ports: [{port}]}}}}")
    lab.apply(f"bridges: {{br0: {{ports: [{port}-alt]}}, br1: }}")
    lab.apply(f"bridges: {{br0: , br1: {{ports: [{port}]}}}}")
    assert link(port)["master"] == f"{lab.name}-br1"


def test_an_end_of_another_topology_is_not_borrowed(lab: Lab) -> None:
    other, name = Lab(lab.folder), f"x{uuid.uuid4().hex[:8]}"
    other.apply(f"namespaces: {{red: }}\nveths: [[red:eth0, host:{name}]]")
    try:
        held = f"port {name} in host is held by veth/host:{name}--red:eth0, which is of topology {other.name}"
        with pytest.raises(Conflict, match=held):
            lab.attempt(f"bridges: {{br0: {{ports: [{name}]}}}}")
    finally:
        other.destroy()


def test_what_another_topology_has_in_the_kernel_is_told_as_its(lab: Lab) -> None:
    other, name = Lab(lab.folder), f"x{uuid.uuid4().hex[:6]}"
    text = (
        f"namespaces: {{red: {{name: {name}}}}}\nbridges: {{br0: {{name: {name}b}}}}\n"
        f"veths: [[host:{name}v, host:{name}w]]\n"
    )
    other.apply(text)
    try:
        with pytest.raises(Conflict) as caught:
            lab.plan(text)
        lines = str(caught.value).splitlines()
        assert {each.partition(": ")[0] for each in lines} >= {
            "namespace/red",
            "bridge/br0",
            f"veth/host:{name}v--host:{name}w",
        }
        assert all(f", which is of topology {other.name}: choose another for yours" in each for each in lines)
    finally:
        other.destroy()


def test_a_port_that_leaves_no_ipv6_is_told_at_once(lab: Lab, port: str) -> None:
    run("ip", "link", "set", port, "mtu", "1200")
    for _ in range(2):
        report = lab.attempt(f"bridges: {{br0: {{ports: [{port}], addresses: ['fd00::1/64']}}}}")
        (error,) = (str(each.error) for each in report.failed)
        assert "cannot have IPv6: its MTU is below 1280" in error


def test_the_first_address_of_a_subnet_is_the_one_that_is_first_declared(lab: Lab) -> None:
    text = "bridges: {br0: {addresses: [%s, 10.9.0.5/24]}}"
    lab.both_ways(text % "10.9.0.9/24", text % "10.9.0.1/24", KEY, Action.UPDATE, "addresses")
    found = run("ip", "-o", "-4", "address", "show", "dev", f"{lab.name}-br0", "primary").split()
    assert found[3] == "10.9.0.9/24"


def test_a_port_that_is_not_there_is_named(lab: Lab) -> None:
    host, inside = "{br0: {ports: [no-such-port]}}", "{br0: {namespace: red, ports: [nope]}}"
    with pytest.raises(Conflict, match=r"^bridge/br0: there is no interface no-such-port in host to borrow: make it"):
        lab.plan(f"bridges: {host}")
    with pytest.raises(Conflict, match=r"^bridge/br0: there is no interface nope in namespace/red to borrow: make it"):
        lab.plan(f"namespaces: {{red: }}\nbridges: {inside}")


def test_a_port_moves_from_one_bridge_to_another_in_one_apply(lab: Lab, port: str) -> None:
    lab.apply(f"bridges: {{br0: {{ports: [{port}]}}, br1: }}")
    lab.apply(f"bridges: {{br0: , br1: {{ports: [{port}]}}}}")
    assert link(port)["master"] == f"{lab.name}-br1"


def test_frames_pass_where_docker_would_drop_them_and_no_rule_is_left(lab: Lab, engine: object) -> None:
    if not rules():
        pytest.skip("Docker filters nothing here")
    text = (
        "namespaces: {red: , blue: }\nbridges: {br0: {forward: %}}\n"
        "veths: [[red:eth0 10.99.7.1/24, br0], [blue:eth0 10.99.7.2/24, br0]]"
    )
    before = rules()
    passing, dropping = text.replace("%", "true"), text.replace("%", "false")
    lab.apply(passing)
    assert pings("10.99.7.2", netns=f"{lab.name}-red")
    assert len(rules()) == len(before) + 1
    lab.both_ways(passing, dropping, KEY, Action.UPDATE, "forward")
    ours = next(each for each in rules() if lab.name in each)
    subprocess.run(["iptables", "-D", *_words(ours)], check=True)
    lab.drifted(passing, KEY, Action.UPDATE, "forward")
    lab.destroy()
    assert rules() == before


def test_a_rule_whose_bridge_is_gone_goes_too(lab: Lab, engine: object) -> None:
    before = rules()
    lab.apply(BARE)
    run("ip", "link", "del", f"{lab.name}-br0")
    listed = {each.name: each.counts for each in topologies(lab.host)[0]}
    assert listed.get(lab.name) == ({"bridge": 1} if rules() != before else None)
    lab.destroy()
    assert rules() == before


def test_a_rule_whose_bridge_is_gone_goes_where_the_next_one_forwards_nothing(lab: Lab, engine: object) -> None:
    before = rules()
    lab.apply(BARE)
    run("ip", "link", "del", f"{lab.name}-br0")
    lab.apply("bridges: {br0: {forward: false}}")
    assert rules() == before


def test_a_rule_that_a_hand_changed_or_doubled_is_mended_and_goes_with_its_bridge(lab: Lab, engine: object) -> None:
    if not rules():
        pytest.skip("Docker filters nothing here")
    before = rules()
    lab.apply(BARE)
    ours = next(each for each in rules() if lab.name in each)
    at = str(rules().index(ours))  # `-N DOCKER-USER` is listed before the first
    drop = _words(ours.replace("ACCEPT", "DROP"))
    subprocess.run(["iptables", "-R", drop[0], at, *drop[1:]], check=True)
    lab.drifted(BARE, KEY, Action.UPDATE, "forward")
    subprocess.run(["iptables", "-A", *_words(ours)], check=True)
    lab.drifted(BARE, KEY, Action.UPDATE, "forward")
    assert rules().count(ours) == 1
    subprocess.run(["iptables", "-A", *_words(ours)], check=True)
    subprocess.run(["iptables", "-A", *drop], check=True)
    assert lab.destroy().converged
    assert rules() == before


def _words(rule: str) -> list[str]:
    import shlex

    return shlex.split(rule)[1:]


@pytest.mark.parametrize(
    ("hand", "path"),
    [
        (("ip", "link", "set", "%", "type", "bridge", "stp_state", "0"), "stp"),
        (("ip", "link", "set", "%", "type", "bridge", "priority", "9"), "priority"),
        (("ip", "link", "set", "%", "type", "bridge", "hello_time", "300"), "hello_time"),
        (("ip", "link", "set", "%", "type", "bridge", "max_age", "3000"), "max_age"),
        (("ip", "link", "set", "%", "type", "bridge", "forward_delay", "700"), "forward_delay"),
        (("ip", "link", "set", "%", "type", "bridge", "ageing_time", "700"), "ageing_time"),
        (("ip", "link", "set", "%", "mtu", "1200"), "mtu"),
        (("ip", "link", "set", "%", "address", "02:00:00:00:00:99"), "mac"),
        (("ip", "link", "set", "%", "down"), "up"),
        (("ip", "address", "del", "10.99.7.1/24", "dev", "%"), "addresses"),
        (("ip", "link", "set", "%", "down", "name", "%z"), "name"),
    ],
)
def test_what_a_hand_changed_is_named_and_mended(lab: Lab, hand: tuple[str, ...], path: str) -> None:
    text = 'bridges: {br0: {stp: true, mtu: 1400, mac: "02:00:00:00:00:07", addresses: [10.99.7.1/24, "fd99:7::1/64"]}}'
    lab.apply(text)
    name = f"{lab.name}-br0"
    index = link(name)["ifindex"]
    run(*(each.replace("%", name) for each in hand))
    lab.drifted(text, KEY, Action.UPDATE, path)
    assert link(name)["ifindex"] == index
    assert addresses(name) == {"10.99.7.1/24", "fd99:7::1/64"}


def test_an_address_that_a_hand_added_is_left_alone(lab: Lab) -> None:
    lab.apply("bridges: {br0: {addresses: [10.99.7.1/24]}}")
    run("ip", "address", "add", "10.99.9.1/24", "dev", f"{lab.name}-br0")
    lab.apply(BARE)
    assert addresses(f"{lab.name}-br0") == {"10.99.9.1/24"}


def test_what_a_hand_gave_a_bridge_outlives_a_change_of_its_address(lab: Lab) -> None:
    text = "bridges: {br0: {addresses: [%s]}}"
    lab.apply(text % "10.99.9.1/24")
    name = f"{lab.name}-br0"
    run("ip", "address", "add", "10.99.9.77/24", "dev", name)
    run("ip", "route", "add", "10.99.50.0/24", "via", "10.99.9.2", "src", "10.99.9.77")
    for each in ("10.99.9.3/24", "10.99.8.1/24"):
        lab.apply(text % each)
        assert addresses(name) == {each, "10.99.9.77/24"}
        assert routes()["10.99.50.0/24"]["prefsrc"] == "10.99.9.77"


def test_ipv6_goes_from_a_bridge_with_its_last_address_of_it_where_new_ones_have_none(lab: Lab) -> None:
    text = (
        "namespaces: {red: {sysctls: {net.ipv6.conf.default.disable_ipv6: 1}}}\n"
        "bridges: {br: {namespace: red, addresses: [10.0.0.1/24%s]}}"
    )
    for more, off in ((", 'fd00::1/64'", "0"), ("", "1")):
        lab.apply(text % more)
        assert (
            run("ip", "netns", "exec", f"{lab.name}-red", "cat", "/proc/sys/net/ipv6/conf/br/disable_ipv6")
            == f"{off}\n"
        )


def test_a_deleted_bridge_comes_back_with_its_ports(lab: Lab) -> None:
    text = "namespaces: {red: }\nbridges: {br0: }\nveths: [[red:eth0 10.99.7.1/24, br0]]"
    lab.apply(text)
    index = link("eth0", netns=f"{lab.name}-red")["ifindex"]
    run("ip", "link", "del", f"{lab.name}-br0")
    lab.drifted(text, KEY, Action.CREATE)
    assert link("eth0", netns=f"{lab.name}-red")["ifindex"] == index
    assert len(ip("link", "show", "master", f"{lab.name}-br0")) == 1


def test_a_foreign_interface_of_that_name_is_a_conflict_and_a_bridge_can_be_adopted(lab: Lab) -> None:
    name = f"{lab.name}-br0"
    run("ip", "link", "add", name, "type", "bridge")
    try:
        index = link(name)["ifindex"]
        with pytest.raises(Conflict, match=f"interface {name} in host is held by"):
            lab.attempt("bridges: {br0: {stp: true}}")
        assert data(lab)["stp_state"] == 0
        lab.apply("bridges: {br0: {stp: true}}", adopt=(ResourceKey.of(KEY),))
        assert (link(name)["ifindex"], data(lab)["stp_state"]) == (index, 1)
        lab.destroy()
        assert not link(name)
    finally:
        subprocess.run(["ip", "link", "del", name], check=False, capture_output=True)


@pytest.mark.parametrize("options", [(), ("com.docker.network.bridge.name",)])
def test_the_bridge_of_a_docker_network_cannot_be_adopted(lab: Lab, engine: object, options: tuple[str, ...]) -> None:
    name = f"x{uuid.uuid4().hex[:8]}"
    named = dict.fromkeys(options, name)
    network = lab.host.engine.api.create_network(name, options=named)["Id"]
    bridge = name if options else f"br-{network[:12]}"
    try:
        text = f"bridges: {{lan: {{name: {bridge}}}}}"
        for adopt in ((), ("bridge/lan",)):
            with pytest.raises(Conflict, match=f"held by {bridge}, a Docker network's bridge, which is not ours: decl"):
                lab.attempt(text, adopt=adopt)
        assert "ifalias" not in link(bridge)
    finally:
        lab.host.engine.api.remove_network(network)


def test_an_external_bridge_that_is_not_there_is_an_error_before_the_first_step(lab: Lab) -> None:
    with pytest.raises(Conflict, match=r"bridge/lan: .*external"):
        lab.attempt("namespaces: {red: }\nbridges: {lan: {external: true, name: nowhere0}}\nveths: [[red:eth0, lan]]\n")
    assert lab.observed().resources == {}


def test_an_external_bridge_takes_our_ports_and_keeps_its_own_attributes(lab: Lab) -> None:
    name = f"e{uuid.uuid4().hex[:8]}"
    run("ip", "link", "add", name, "type", "bridge", "stp_state", "1")
    try:
        lab.apply(
            f"namespaces: {{red: }}\nbridges: {{lan: {{external: true, name: {name}}}}}\nveths: [[red:eth0, lan]]"
        )
        assert len(ip("link", "show", "master", name)) == 1
        lab.destroy()
        assert ip("link", "show", "master", name) == []
        assert link(name)["linkinfo"]["info_data"]["stp_state"] == 1
    finally:
        run("ip", "link", "del", name)
