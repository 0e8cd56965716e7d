from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kernel_files import a_link, problems, resource, spec, topology

from reconciler.host.kernel import Place, Space
from reconciler.host.kernel.packed import changed, noted
from reconciler.host.marks import Mark, of_alias
from reconciler.host.netlink import BridgeParameters, Link
from reconciler.kinds import kinds, nodes
from reconciler.kinds.bridge.look import _altname, _borrowed
from reconciler.kinds.bridge.notes import PORT, of_mtu, of_port
from reconciler.kinds.bridge.size import Seen, is_set, to_be_set
from reconciler.kinds.bridge.spec import BridgeSpec, hundredths, options, times, written
from reconciler.kinds.macs import any_mac, declared_macs, is_anothers
from reconciler.model import How, Need, Resource, ResourceKey


def test_a_bare_key_is_a_bridge_with_the_kernels_defaults(tmp_path: Path) -> None:
    found = spec(tmp_path, "bridges: {br0: }", "bridge/br0")
    assert (found.name, found.altname, found.stp, found.forward) == ("t-br0", "", False, True)
    assert (found.hello_time, found.max_age, found.forward_delay, found.ageing_time) == ("2s", "20s", "15s", "300s")
    assert (found.mtu, found.mac) == (None, None)


def test_all_attributes_are_read(tmp_path: Path) -> None:
    text = (
        "bridges: {br0: {stp: true, priority: 7, hello_time: 1500ms, max_age: 1m30s, forward_delay: 4s, "
        'ageing_time: 1h, mtu: 1400, mac: "02:00:00:00:00:AA", addresses: [10.0.0.1/24, "FD00::1/64"], '
        "ports: [b, a], forward: false}}"
    ).replace("1m30s", "30s")
    found = spec(tmp_path, text, "bridge/br0")
    assert options(found) == {
        "stp": True,
        "priority": 7,
        "hello_time": 150,
        "max_age": 3000,
        "forward_delay": 400,
        "ageing_time": 360000,
    }
    assert (found.mtu, found.mac, found.addresses) == (1400, "02:00:00:00:00:aa", ("10.0.0.1/24", "fd00::1/64"))
    assert (found.ports, found.forward) == (("a", "b"), False)


def test_a_bridge_in_a_namespace_has_no_prefix_and_stands_on_it(tmp_path: Path) -> None:
    text = "namespaces: {red: }\nbridges: {br0: {namespace: red, forward: false}}"
    found = resource(tmp_path, text, "bridge/br0")
    assert (found.spec.name, found.spec.forward) == ("br0", True)  # type: ignore[attr-defined]
    assert found.needs == (Need(ResourceKey("namespace", "red"), "node", How.STANDS_ON),)
    assert [each.scope for each in found.claims] == ["interface namespace/red:br0"]


@pytest.mark.parametrize(
    ("entry", "live", "altname"),
    [
        ("", "twelve-letters-br0"[:8] + "-", "twelve-letters-twelve-l"),
        ("name: twelve-letter", "twelve-letter", ""),
        ("external: true", "twelve-l", ""),
    ],
)
def test_a_long_live_name_is_shortened_unless_it_is_written(
    tmp_path: Path, entry: str, live: str, altname: str
) -> None:
    found = spec(tmp_path, f"bridges: {{twelve-l: {{{entry}}}}}", "bridge/twelve-l", name="twelve-letters")
    assert found.name.startswith(live)
    assert len(found.name) <= 15
    assert found.altname == altname.replace("twelve-letters-twelve-l", "twelve-letters-twelve-l")


def test_the_longest_name_leaves_an_altname_that_the_kernel_takes(tmp_path: Path) -> None:
    one, two = (spec(tmp_path, f"bridges: {{{'x' * 200}{end}: }}", f"bridge/{'x' * 200}{end}") for end in "ab")
    assert len(one.altname) == len(two.altname) == 127
    assert one.altname != two.altname


def test_a_shortened_name_is_always_the_same_and_not_that_of_another(tmp_path: Path) -> None:
    names = [spec(tmp_path, "bridges: {br0: }", "bridge/br0", name=f"a-long-topology-{n}").name for n in (1, 1, 2)]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("br0-")


def test_the_full_name_is_that_of_which_the_live_one_was_made_or_the_declared_one() -> None:
    key, former, declared = ResourceKey("bridge", "br0"), "a-former-prefix-br0", BridgeSpec(altname="a-new-prefix-br0")
    own, others = nodes.shortened("br0", former), ("of-a-hand", former, declared.altname)

    def altname(name: str, *altnames: str, declared: BridgeSpec | None = declared) -> str:
        return _altname(a_link(2, name, altnames=altnames), key, declared)

    assert altname(own, *others) == altname(own, *others, declared=None) == former
    assert altname("of-a-hand-too", *others) == altname(own, "of-a-hand", declared.altname) == declared.altname
    assert altname("of-a-hand-too", *others, declared=None) == altname(own, "of-a-hand") == ""


SMALL = "{endpoints: [red:x, br2], mtu: 1200}", "{endpoints: [red:y, br2], mtu: 1279}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{br0: {name: sixteen-letters-}}", "the interface name 'sixteen-letters-' is longer than 15 characters"),
        ("{br0: {hello_time: 11s}}", "hello_time is to be from 1s to 10s"),
        ("{br0: {max_age: 5s}}", "max_age is to be from 6s to 40s"),
        ("{br0: {stp: true, forward_delay: 1s}}", "forward_delay is to be from 2s to 30s while stp is on"),
        ("{br0: {forward_delay: 42949672.96s}}", "forward_delay is to be from 0s to 42949672.95s"),
        ("{br0: {mtu: 1000, addresses: ['fd00::1/64']}}", "IPv6 needs an MTU of 1280 at least, not 1000"),
        (
            "{br2: {addresses: ['fd00::1/64']}}",
            "at least, and the port of veth/br2--red:x has but 1200 (give the bridge an",
        ),
        (
            "{br0: {namespace: red, name: all}}",
            "'all' cannot be the name of an interface: its settings are those of all",
        ),
        ("{br0: {namespace: rde}}", "there is no 'rde' in namespaces (did you mean 'red'?)"),
        ("{br0: {addresses: [10.0.0.1/33]}}", "is not an address with its prefix length"),
        ("{br0: {addresses: [224.0.0.1/24]}}", "'224.0.0.1/24' cannot be the address of an interface"),
        (
            "{br0: {mac: '01:00:5E:00:00:01'}}",
            "01:00:5E:00:00:01 is the MAC address of a group (the first byte is even",
        ),
        ("{br0: {mac: 'ff:ff:ff:ff:ff:ff'}}", "ff:ff:ff:ff:ff:ff is the MAC address of a group"),
        ("{br0: {mac: '00:00:00:00:00:00'}}", "00:00:00:00:00:00 is no MAC address of an interface"),
        ("{br0: {ports: [lo]}}", "'lo' is there in every network namespace"),
        ("{br0: {namespace: red, ports: [eth0]}}", "'eth0' is an end of veth/blue:eth0--red:eth0"),
        ("{br0: {addresses: [10.0.0.1/24]}, br1: {addresses: [10.0.0.1/30]}}", "10.0.0.1 in host is taken already"),
        ("{br0: {name: x}, br1: {name: x}}", "interface x in host is taken already by bridge/br0"),
        ("{br0: {ports: [x]}, br1: {ports: [x]}}", "port x in host is taken already by bridge/br0"),
    ],
)
def test_what_is_wrong_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    small = SMALL if "br2" in text else ()
    veths = ", ".join(("[red:eth0, blue:eth0]", *small))
    found = problems(tmp_path, f"namespaces: {{red: , blue: }}\nveths: [{veths}]\nbridges: {text}")
    assert any(message in each for each in found), found


def test_a_declared_mtu_is_that_of_the_bridge_whatever_its_ports_have(tmp_path: Path) -> None:
    veths = "veths: [{endpoints: [red:x, br0], mtu: 1200}, {endpoints: [red:y, br0]}]"
    bridge = "bridges: {br0: {mtu: 1400, addresses: ['fd00::1/64']}, br1: {addresses: ['fd01::1/64']}}"
    text = f"namespaces: {{red: }}\n{bridge}\n{veths}"
    assert spec(tmp_path, text, "bridge/br0").mtu == 1400


def test_forward_delay_is_free_while_stp_is_off(tmp_path: Path) -> None:
    assert spec(tmp_path, "bridges: {br0: {forward_delay: 0s}}", "bridge/br0").forward_delay == "0s"


@pytest.mark.parametrize(
    ("text", "number"),
    [("2s", 200), ("1.23s", 123), ("10ms", 1), ("5m", 30000), ("300h", 108_000_000), ("12345.67s", 1_234_567)],
)
def test_times_are_hundredths_of_a_second(text: str, number: int) -> None:
    assert hundredths(text) == number
    assert hundredths(written(number)) == number


def test_the_rounding_of_the_kernels_clock_is_no_difference() -> None:
    live = BridgeParameters(stp=False, priority=1, hello_time=199, max_age=2000, forward_delay=1503, ageing_time=30000)
    assert times(live, BridgeSpec()) == {
        "hello_time": "2s",
        "max_age": "20s",
        "forward_delay": "15.03s",
        "ageing_time": "300s",
    }
    assert times(live, None)["hello_time"] == "2s"


def test_the_ageing_time_that_a_topology_change_hides_is_no_difference() -> None:
    live = BridgeParameters(True, 1, 200, 2000, 400, 800, topology_change=True)
    assert times(live, BridgeSpec(ageing_time="60s"))["ageing_time"] == "60s"
    assert times(replace(live, topology_change=False), BridgeSpec(ageing_time="60s"))["ageing_time"] == "8s"


def test_only_the_node_forces_a_replacement() -> None:
    found = Resource(ResourceKey("bridge", "x"), BridgeSpec())
    kind = kinds()["bridge"]
    assert [path for path in ("node", "stp", "name", "mtu") if not kind.mutable(path, found, found)] == ["node"]


def test_a_person_is_told_of_no_mtu_that_nobody_looked_at() -> None:
    key = ResourceKey("bridge", "core")
    tell = kinds()["bridge"].tell
    assert list(filter(None, tell(Resource(key, BridgeSpec("core", mtu=None))).facts)) == ["core"]
    found = Resource(key, BridgeSpec("core", mtu=1400, up=False), live={"mac": "02:00:00:00:00:01"})
    assert list(filter(None, tell(found).facts)) == ["core", "mtu 1400", "down", "mac 02:00:00:00:00:01"]


KEY = ResourceKey("bridge", "br0")
ENDS = "namespaces: {red: , blue: }\nbridges: {br0: {%s}}\nveths: [%s]"
WIDE, SMALL_ONE = "{endpoints: [red:wide, br0], mtu: 9000}", "{endpoints: [red:small, br0], mtu: 1400}"
OURS = Mark("t", ResourceKey("veth", "br0--red:small")).alias()


def a_bridge(mtu: int, *ports: Link, altnames: tuple[str, ...] = ()) -> Seen:
    """A live bridge with its ports, in a namespace where there is one more interface."""
    bridge = a_link(2, "br", altnames=altnames)._replace(mtu=mtu, kind="bridge")
    inside = [each._replace(master=2) for each in ports]
    links = {each.index: each for each in (bridge, a_link(9, "lent")._replace(mtu=1300), *inside)}
    return Seen(KEY, Space(Place(1), links), bridge)


def a_port(mtu: int, *, name: str = "port", alias: str = "") -> Link:
    return a_link(7, name, alias=alias)._replace(mtu=mtu)


SET = (of_mtu(2),)


@pytest.mark.parametrize(
    ("entry", "pairs", "seen", "due"),
    [
        ("", "", a_bridge(1500), None),
        ("", "", a_bridge(1400), 1500),
        ("", "", a_bridge(1400, altnames=SET), 1500),
        ("", "", a_bridge(1400, a_port(1400), altnames=SET), None),
        ("", "", a_bridge(1500, a_port(1400)), 1400),
        ("", WIDE, a_bridge(1400, a_port(1400, alias=OURS)), None),
        ("", WIDE, a_bridge(1400, a_port(1400, alias=OURS), altnames=SET), 9000),
        ("", WIDE, a_bridge(1400, a_port(1400), altnames=SET), None),
        ("", f"{WIDE}, {SMALL_ONE}", a_bridge(9000, a_port(9000, alias=OURS), altnames=SET), 1400),
        ("ports: [lent, nowhere]", WIDE, a_bridge(9000, altnames=SET), 1300),
        ("ports: [lent]", "", a_bridge(1400, a_port(1400, name="former"), altnames=SET), 1300),
        ("", "", a_bridge(1400, a_port(1400, name="former"), altnames=SET), 1500),
        ("mtu: 1400", "", a_bridge(1500), None),
        ("mtu: 1400", "", a_bridge(1400), 1400),
        ("mtu: 1400", "", a_bridge(1400, altnames=SET), None),
    ],
    ids=[
        "as the kernel chose it",
        "a hand set it",
        "it was declared",
        "it was declared, and is that of the port",
        "a hand set it, though there is a port",
        "nobody set it, so that it follows the port that goes",
        "it was declared, and the small port goes",
        "it was declared, and the small port is not ours",
        "it was declared, and a small port comes",
        "it was declared, and a small port is lent",
        "it was declared, and a lent port is given back for a smaller one",
        "it was declared, and a lent port is given back",
        "another is declared",
        "the same is declared, and would not hold",
        "the same is declared, and holds",
    ],
)
def test_an_undeclared_mtu_is_that_of_the_smallest_port(
    tmp_path: Path, entry: str, pairs: str, seen: Seen, due: int | None
) -> None:
    scope = a_scope(tmp_path, ENDS % (entry, pairs))
    declared = BridgeSpec.of(scope.desired.resources[KEY])
    assert to_be_set(scope, seen, declared, ["former"]) == due


def test_where_a_part_is_looked_at_the_ports_of_the_rest_stay(tmp_path: Path) -> None:
    seen = a_bridge(1400, a_port(1400, alias=OURS), altnames=SET)
    assert to_be_set(a_scope(tmp_path, ENDS % ("", WIDE), nodes=frozenset()), seen, BridgeSpec(), ()) is None
    both = a_scope(tmp_path, ENDS % ("", f"{WIDE}, {SMALL_ONE}".replace("1400", "1450")), nodes=frozenset())
    assert to_be_set(both, seen, BridgeSpec(), ()) == 1450


def a_scope(folder: Path, text: str, *, nodes: frozenset[ResourceKey] | None = None) -> Any:
    """What a look knows of a file and of marks."""
    kernel = SimpleNamespace(mine=lambda link: of_alias(link.alias))
    return SimpleNamespace(desired=topology(folder, text), kernel=kernel, host=SimpleNamespace(nodes=nodes))


def test_going_back_brings_back_nothing_amiss_and_no_mtu_that_nobody_set() -> None:
    kind, spec = kinds()["bridge"], BridgeSpec("br", mtu=1400, due_mtu=1300, own_mac=False, noted=False)
    for is_one, mtu in ((True, 1400), (False, None)):
        former = kind.former(Resource(KEY, spec, handle={"place": None, "sized": is_one}))
        assert former
        assert BridgeSpec.of(former) == BridgeSpec("br", mtu=mtu)
    assert kind.former(Resource(KEY, spec, handle={"rule": True})) is None, "its rule is all that was left"
    assert is_set(a_link(2, "br", altnames=SET))
    assert not is_set(a_link(3, "br", altnames=SET))


def test_what_differs_of_a_bridge_without_two_values_is_said_in_words() -> None:
    specs = BridgeSpec(mtu=1500, due_mtu=1400), BridgeSpec(mtu=1400, due_mtu=1400)
    said = [each.said(path) for each in specs for path in ("due_mtu", "own_mac", "noted", "mtu")]
    assert said == [
        *("mtu: 1500 → 1400, that of its smallest port", "mac: is another's", "ports: to be noted", ""),
        *("mtu: whatever its ports have", "mac: is another's", "ports: to be noted", ""),
    ]


FORMER = changed((), PORT, [noted("2", "port")])
"""How it was noted by former versions: by the name."""


@pytest.mark.parametrize(
    ("notes", "ports", "declared", "found"),
    [
        ((), [], [], ((), True)),
        ((), ["port"], [], ((), True)),
        ((), ["port"], ["port"], (("port",), False)),
        ((7,), ["port"], ["port"], (("port",), True)),
        ((7,), ["port"], [], (("port",), True)),
        ((7,), ["renamed"], ["renamed"], (("renamed",), True)),
        ((7,), ["renamed"], [], (("renamed",), True)),
        ((7, 8), ["port"], ["port"], (("port",), False)),
        ((8,), [], [], ((), False)),
        ((8,), ["port"], [], ((), False)),
        ((9,), [], ["lent"], ((), True)),
        (FORMER, ["port"], ["port"], (("port",), False)),
        (FORMER, ["port"], [], (("port",), False)),
        (FORMER, [], [], ((), False)),
    ],
)
def test_what_is_noted_is_the_interface_that_is_lent_and_no_other_of_its_name(
    notes: tuple[int | str, ...], ports: list[str], declared: list[str], found: tuple[tuple[str, ...], bool]
) -> None:
    altnames = tuple(each for each in notes if isinstance(each, str))
    altnames = changed(altnames, PORT, [of_port(2, each) for each in notes if isinstance(each, int)])
    seen = a_bridge(1500, *(a_port(1500, name=each) for each in ports), altnames=altnames)
    assert _borrowed(seen, tuple(declared)) == found


def test_a_mac_address_is_anothers_unless_that_is_a_bridge_and_its_port(tmp_path: Path) -> None:
    pair = "{endpoints: [{%s, interface: x%d, mac: '02:00:00:00:00:0%d'}, 'blue:y%d']}"
    pairs = (pair % (node, at, at, at) for at, node in enumerate(("namespace: red", "bridge: br0")))
    text = ENDS % ("mac: '02:00:00:00:00:0a'", ", ".join(pairs))
    scope = a_scope(tmp_path, text)
    end = Resource(
        ResourceKey("connect", "c--n"), cast("Any", kinds()["connect"].spec)(mac_address="02:00:00:00:00:0b")
    )
    resources = {**scope.desired.resources, end.key: end}
    found = declared_macs(cast("Any", SimpleNamespace(desired=replace(scope.desired, resources=resources))))
    free, port, bridge, other = (False, ""), (False, "bridge/br0"), (True, "bridge/br0"), (True, "bridge/br1")
    holders = (free, port, bridge, other)
    assert [[is_anothers(found, f"02:00:00:00:00:0{each}", holder) for holder in holders] for each in "01abc"] == [
        [True, True, True, True],
        [True, True, False, True],
        [True, False, True, True],
        [True, True, True, True],
        [False, False, False, False],
    ]
    assert any_mac() != any_mac()
    assert int(any_mac()[:2], 16) & 3 == 2
