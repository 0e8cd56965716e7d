"""The pure parts of the look into the kernel."""

from __future__ import annotations

import errno
import ipaddress
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from kernel_files import a_link

from reconciler.errors import EngineUnreachable, StepFailed
from reconciler.host import Host
from reconciler.host.firewall import Rules, _ours, _rule
from reconciler.host.kernel import sysctls
from reconciler.host.kernel.notes import fitted, note, notes, read
from reconciler.host.kernel.packed import by_name, changed, noted, without_room, write, written
from reconciler.host.kernel.space import Place, Space, Where
from reconciler.host.marks import PROTOCOL, Mark
from reconciler.host.netlink import Address, Connected, Link, NetlinkError, add_route, get_routes
from reconciler.kinds.addresses import within
from reconciler.kinds.held import held
from reconciler.kinds.masters import BRIDGE_NAME, bridge_of, is_dockers
from reconciler.model import HOST, ResourceKey


def test_a_note_is_read_as_it_was_written() -> None:
    text = note("exec", "lab", "web", "once", "abc")
    assert text == "exec=lab=web=once=abc"
    assert list(read([text, "eth0", "sysctl=net.ipv4.ip_forward", "exec"], "exec")) == [("lab", "web", "once", "abc")]
    assert list(notes(None, "exec")) == []


def test_a_part_that_is_too_long_is_cut_and_still_tells_apart() -> None:
    one, two = (fitted("x" * 60 + each) for each in "ab")
    assert one != two
    assert len(one) == 44
    assert len(note("exec", "t" * 60, "n" * 60, "12345678", "1234567890123456")) <= 127


NOTES = [noted("lab", f"item {number}") for number in range(400)]


def test_packed_notes_are_read_as_they_were_written_and_each_stands_once() -> None:
    altnames = changed(("wan",), "sysctl", [*NOTES[:40], *NOTES[:3]])
    assert altnames[0] == "wan"
    assert [len(each) <= 127 for each in altnames] == [True] * 4
    assert written(a_link(1, "lo", altnames=altnames), "sysctl") == {*NOTES[:40]}
    assert written(a_link(1, "lo", altnames=altnames), "route") == frozenset() == written(None, "sysctl")
    assert changed(altnames, "sysctl", NOTES[:40]) == altnames
    assert changed(altnames, "sysctl", (), NOTES[:40]) == ("wan",)


def test_a_note_takes_the_room_of_another_and_leaves_those_of_others_alone() -> None:
    altnames = changed((), "route", [*NOTES[:36], noted("other", "x")])
    less = changed(altnames, "route", (), NOTES[:1])
    more = changed(less, "route", NOTES[50:51])
    assert len(altnames) == len(less) == len(more) == 3
    assert altnames[1:] == less[1:] == more[1:]
    assert written(a_link(1, "lo", altnames=more), "route") == {*NOTES[1:36], NOTES[50], noted("other", "x")}


def test_what_former_versions_noted_is_understood_and_written_anew_with_the_next_note_of_its_owner() -> None:
    former = (
        "route=lab=10.0.0.0,8=0",
        "route=other=fd00;;,64=1024",
        "sysctl=net.ipv4.ip_forward",
        "port=7=a=b",
        "route",
    )
    lo = a_link(1, "lo", altnames=former)
    assert written(lo, "route") == {noted("lab", "10.0.0.0,8=0"), noted("other", "fd00;;,64=1024")}
    assert written(lo, "sysctl") == {noted("", "net.ipv4.ip_forward")}
    assert written(lo, "port") == {noted("7", "a=b")}
    now = changed(former, "route", NOTES[:1])
    assert now[:-1] == former[1:]
    assert written(a_link(1, "lo", altnames=now), "route") == {*written(lo, "route"), NOTES[0]}
    assert changed(former[:2], "route", (), written(lo, "route")) == ()
    both = (former[0], *changed((), "route", [noted("lab", "10.0.0.0,8=0")]))
    assert changed(both, "route", [noted("lab", "10.0.0.0,8=0")]) == both[1:], "it stands once"


def test_the_name_of_an_owner_stands_beside_its_notes_and_goes_with_the_last() -> None:
    long = "l" * 60
    mine, theirs = [noted(long, each) for each in "abc"], [noted("other", each) for each in "de"]
    first = changed(("wan",), "route", mine[:1], name=long)
    both = changed(first, "route", theirs, name="other")
    assert both[:2] == ("wan", f"routes-of={long}")
    assert changed(both, "route", mine, name=long)[:3] == (*both[:2], "routes-of=other"), "it stands once"
    assert list(by_name(a_link(1, "lo", altnames=first), "route")) == [(long, mine[0])]
    assert {*by_name(a_link(1, "lo", altnames=both), "route")} == {
        (long, mine[0]),
        *(("other", each) for each in theirs),
    }
    assert changed(both, "route", theirs[:1], mine[:1]) == changed(("wan",), "route", theirs, name="other")
    assert changed(changed(both, "route", (), mine), "route", (), theirs) == ("wan",)
    assert list(by_name(None, "route")) == list(by_name(a_link(1, "lo", altnames=both), "sysctl")) == []
    assert without_room((), "route", NOTES, "x" * 60) == NOTES[174:]
    assert without_room(changed((), "route", NOTES[:1], name="lab"), "route", NOTES, "lab") == NOTES[180:]


def test_there_is_room_for_so_many_notes_that_programs_can_still_read_of_the_link() -> None:
    assert without_room((), "sysctl", NOTES) == NOTES[183:]
    assert without_room((), "sysctl", NOTES[:20]) == []
    assert without_room(("x" * 127,) * 9, "sysctl", NOTES) == NOTES[18:]
    assert without_room(("x" * 127,) * 11, "sysctl", NOTES) == NOTES, "what stands there already is others' business"


def test_notes_that_are_to_go_take_no_room_and_those_that_stand_have_theirs() -> None:
    there = changed((), "route", NOTES[:182])
    assert without_room(there, "route", NOTES[200:383]) == []
    assert without_room(there, "route", [*NOTES[200:202], *NOTES[:182]]) == NOTES[201:202]
    others = changed((), "route", [noted("other", str(number)) for number in range(100)])
    assert len(without_room((*others, *there[:2]), "route", NOTES[200:300])) == 17
    assert without_room(("route=lab=10.0.0.0,8=0",), "route", NOTES[:183]) == []


def test_many_more_notes_than_there_is_room_for_are_told_soon() -> None:
    begun = time.process_time()
    assert len(without_room((), "route", [noted("lab", str(number)) for number in range(10_000)])) == 10_000 - 183
    assert time.process_time() - begun < 2


class Links:
    """A link as a socket tells of it, and takes its altnames."""

    def __init__(self, *altnames: str, refusal: int = 0) -> None:
        self.altnames, self.refusal, self.sent = altnames, refusal, 0

    def ask(self, _: object) -> list[Link]:
        return [a_link(1, "lo", altnames=self.altnames)]

    def send(self, messages: list[bytes]) -> list[NetlinkError | None]:
        self.sent += len(messages)
        return [NetlinkError(self.refusal) if self.refusal else None for _ in messages]


def test_notes_are_written_before_those_go_whose_place_they_take() -> None:
    link = Links(*changed((), "route", NOTES[:2]))
    write(link, 1, "route", add=NOTES[2:3], drop=NOTES[:1])  # type: ignore[arg-type] # as much of one as is wanted
    assert link.sent == 2
    write(link, 1, "route")  # type: ignore[arg-type]
    write(link, 1, "route", add=NOTES[:2])  # type: ignore[arg-type]
    assert link.sent == 2, "there is nothing to be written"
    write(Links(refusal=errno.EEXIST), 1, "route", add=NOTES[:1])  # type: ignore[arg-type]
    with pytest.raises(NetlinkError):
        write(Links(refusal=errno.EPERM), 1, "route", add=NOTES[:1])  # type: ignore[arg-type]


def test_no_note_is_written_that_leaves_no_room_for_other_programs() -> None:
    link = Links(*("x" * 126 + each for each in "0123456789"))
    with pytest.raises(StepFailed, match="its notes find no room"):
        write(link, 1, "route", add=NOTES[:1])  # type: ignore[arg-type]
    assert link.sent == 0


def test_of_the_sysctls_of_interfaces_those_are_found_that_each_namespace_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("core/somaxconn", "ipv4/conf/all/x", "ipv4/conf/eth0/x", "ipv6/neigh/lo/y", "ipv6/neigh/eth0/y"):
        path = tmp_path / "net" / each
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setattr(sysctls, "_ROOT", str(tmp_path))
    assert {*sysctls.every_sysctl()} == {"net.core.somaxconn", "net.ipv4.conf.all.x", "net.ipv6.neigh.lo.y"}


def test_a_space_finds_links_by_name_and_altname_and_its_loopback() -> None:
    lo = a_link(1, "lo")
    space = Space(Place(1), MappingProxyType({1: lo, 2: a_link(2, "eth0", altnames=("wan",))}))
    assert space.link("wan") is space.link("eth0")
    assert space.link("x") is None
    assert space.loopback is lo
    assert Space(Place(2), MappingProxyType({})).loopback is None


def test_a_docker_endpoint_s_link_is_told_from_those_that_have_its_mac_address_from_it() -> None:
    kinds = {2: "bridge", 3: "veth", 4: "vlan", 5: "macvlan", 6: "vlan"}
    links = {index: a_link(index, f"x{index}")._replace(kind=kind) for index, kind in kinds.items()}
    macs = {index: each._replace(mac="02:00:00:00:00:01" if index < 5 else "") for index, each in links.items()}
    found = Space(Place(1), macs).endpoint("02:00:00:00:00:01")
    assert found
    assert found.name == "x3"
    assert Space(Place(1), macs).endpoint("") is None
    other = Space(
        Place(1), {index: each._replace(mac="02:00:00:00:00:02") for index, each in links.items() if index > 4}
    )
    assert other.endpoint("02:00:00:00:00:02") is other.links[5]
    assert other.endpoint("02:00:00:00:00:03") is None


def test_endpoints_that_have_one_mac_address_while_it_moves_are_told_apart_by_their_addresses() -> None:
    links = {each: a_link(each, f"eth{each}")._replace(kind="veth", mac="02:00:00:00:00:01") for each in (2, 3)}
    space = Space(Place(1), links, {each: (Address(each, f"10.0.{each}.1/24", 0, 0, 0),) for each in links})
    names = {each: space.endpoint("02:00:00:00:00:01", [each] if each else ()) for each in ("10.0.3.1", "10.9.9.9", "")}
    assert {each: link and link.name for each, link in names.items()} == {
        "10.0.3.1": "eth3",
        "10.9.9.9": "eth2",
        "": "eth2",
    }


def test_the_ports_of_a_bridge_are_the_links_that_are_in_it() -> None:
    names = {2: ("br0", None), 3: ("eth0", 2), 4: ("eth1", 2), 5: ("eth2", None)}
    links = {index: a_link(index, name)._replace(master=master) for index, (name, master) in names.items()}
    space = Space(Place(1), MappingProxyType(links))
    assert [each.name for each in space.ports(2)] == ["eth0", "eth1"]
    assert space.ports(5) == ()


PERMANENT, SECONDARY, DEPRECATED, NOPREFIXROUTE = 0x80, 0x81, 0xA0, 0x280
ON_LINK = (int(ipaddress.ip_address("10.0.0.0")), 24, 2)


def a_space(*addresses: Address, on_link: Iterable[Connected] = (ON_LINK,), **link: Any) -> Space:
    links = MappingProxyType({2: a_link(2, "eth0")._replace(**link)})
    return Space(Place(1), links, MappingProxyType({2: addresses}), connected=frozenset(on_link))


def test_ours_and_declared_addresses_are_held() -> None:
    found = (
        Address(2, "10.0.0.2/24", 0, 0, PERMANENT),
        Address(2, "10.0.0.1/24", 0, PROTOCOL, SECONDARY),
        Address(2, "10.0.0.3/24", 0, 0, SECONDARY),
    )
    assert held(a_space(*found), 2, ("10.0.0.2/24",)) == ("10.0.0.2/24", "10.0.0.1/24")
    assert held(a_space(), 3, ()) == ()


@pytest.mark.parametrize("changed", [{"peer": True}, {"flags": 0}, {"flags": DEPRECATED}, {"flags": NOPREFIXROUTE}])
def test_a_declared_address_that_a_hand_changed_is_not_held(changed: dict[str, Any]) -> None:
    whole = Address(2, "10.0.0.1/24", 0, PROTOCOL, PERMANENT)
    assert held(a_space(whole), 2, ("10.0.0.1/24",)) == ("10.0.0.1/24",)
    assert held(a_space(whole._replace(**changed)), 2, ("10.0.0.1/24",)) == ()
    assert held(a_space(whole._replace(**changed)), 2, ()) == ("10.0.0.1/24",), "it is ours to take away"


def test_the_first_of_a_subnet_is_told_where_it_is_one_of_ours() -> None:
    both = ("10.0.0.9/24", "10.0.0.1/24")
    nine, one = (Address(2, each, 0, PROTOCOL, PERMANENT) for each in both)
    hand = Address(2, "10.0.0.5/24", 0, 0, PERMANENT)
    assert held(a_space(nine, one._replace(flags=SECONDARY)), 2, both) == both
    assert held(a_space(one, nine._replace(flags=SECONDARY)), 2, both) == both[::-1]
    assert held(a_space(hand, *(each._replace(flags=SECONDARY) for each in (one, nine))), 2, both) == both


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        ("10.0.0.1/24", {"up": False}),
        ("10.0.0.1/24", {"master": 7}),
        ("10.9.0.1/32", {}),
        ("0.0.0.1/8", {}),
        ("fe80::7/64", {}),
        ("fd00::1/64", {"on_link": [(0xFD << 120, 64, 2)]}),
    ],
)
def test_an_address_is_whole_while_its_subnet_is_on_the_link_or_where_the_kernel_makes_no_route(
    address: str, changes: dict[str, Any]
) -> None:
    given = Address(2, address, 0, PROTOCOL, PERMANENT)
    assert held(a_space(given, **{"on_link": (), **changes}), 2, (address,)) == (address,)
    mine = add_route("10.0.0.0/24", protocol=PROTOCOL)
    route = get_routes().parse(mine, 16, len(mine))
    assert route is not None
    given = Address(2, "10.0.0.1/24", 0, PROTOCOL, PERMANENT)
    taken = replace(a_space(given, on_link=()), routes=(route,))
    assert held(taken, 2, ("10.0.0.1/24",)) == ("10.0.0.1/24",), "a declared route has taken the kernel's place"
    assert held(replace(taken, routes=()), 2, ("10.0.0.1/24",)) == ()


def test_a_place_reads_well() -> None:
    assert str(Where(HOST)) == "the host"
    assert str(Where(ResourceKey("container", "web"), "lab-web")) == "container lab-web"


def test_our_rules_are_told_by_their_comments() -> None:
    lines = [
        "-N DOCKER-USER",
        '-A DOCKER-USER -i br0 -o br0 -m comment --comment "reconciler lab bridge/br0" -j ACCEPT',
        '-A DOCKER-USER -i br1 -o br1 -m comment --comment "somebody else" -j ACCEPT',
        "-A DOCKER-USER -j RETURN",
    ]
    key = ResourceKey("bridge", "br0")
    assert dict(_ours(lines)) == {("lab", key): [_rule(Mark("lab", key), "br0")]}
    rules = Rules({"iptables": _ours(lines), "ip6tables": {}}, frozenset(("iptables",)))
    assert len(_rule(Mark("t" * 64, ResourceKey("bridge", "x" * 300)), "br0")[7]) <= 255
    assert rules.passes("lab", key, "br0") is True
    assert rules.passes("lab", key, "br9") is False
    assert rules.of("lab") == {key: "br0"}
    assert rules.of("other") == {}
    assert Rules().passes("lab", key, "br0") is None
    assert Rules(rules.held).passes("lab", key, "br0") is True


def test_the_bridge_of_a_network_is_named_by_its_option_or_its_id() -> None:
    assert bridge_of({"Id": "0123456789abcdef", "Options": None}) == "br-0123456789ab"
    assert bridge_of({"Id": "0", "Options": {"com.docker.network.bridge.name": "docker0"}}) == "docker0"


@pytest.mark.parametrize(
    ("name", "is_theirs"),
    [
        ("docker0", True),
        ("docker_gwbridge", True),
        ("br-0123456789ab", True),
        ("lab0", True),
        ("br0", False),
        ("br-0", False),
        ("docker0x", False),
    ],
)
def test_the_bridge_of_a_docker_network_is_known_by_what_the_engine_says_and_else_by_its_name(
    name: str, *, is_theirs: bool
) -> None:
    here, elsewhere = Space(Place(1), {}), Space(Place(2), {})
    bridge = a_link(3, name)._replace(kind="bridge")
    scope: Any = SimpleNamespace(
        kernel=SimpleNamespace(host=here), host=Host(), networks={"0": {"Id": "0", "Options": {BRIDGE_NAME: "lab0"}}}
    )
    assert is_dockers(scope, here, bridge) is is_theirs
    assert not is_dockers(scope, elsewhere, bridge)
    assert not is_dockers(scope, here, bridge._replace(kind="dummy"))

    class Away:
        kernel, host = scope.kernel, scope.host

        @property
        def networks(self) -> Any:
            raise EngineUnreachable("away")

    away: Any = Away()
    assert is_dockers(away, here, bridge) is (is_theirs and name != "lab0")


def test_an_address_is_within_subnets_of_its_own_family() -> None:
    assert within("10.0.0.9", ["fd00::1/64", "10.0.0.1/24"])
    assert not within("10.0.1.9", ["10.0.0.1/24"])
