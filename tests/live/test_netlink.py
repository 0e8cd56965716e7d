from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.host import netns
from reconciler.host.netlink import (
    Link,
    NetlinkError,
    Socket,
    add_address,
    add_altname,
    add_route,
    del_altname,
    delete_address,
    delete_group,
    delete_link,
    delete_route,
    get_addresses,
    get_link,
    get_links,
    get_routes,
    new_bridge,
    new_veth,
    replace_route,
    set_bridge,
    set_bridge_port,
    set_link,
    sockets,
)

pytestmark = pytest.mark.live


@dataclass
class Place:
    """A namespace of the test's own, looked at by `ip` as a witness."""

    name: str
    fd: int
    socket: Socket

    def ip(self, *argv: str) -> list[dict[str, Any]]:
        run = subprocess.run(["ip", "-n", self.name, "-j", "-d", *argv], capture_output=True, text=True, check=True)
        return list(json.loads(run.stdout or "[]"))

    def ip_link(self, name: str) -> dict[str, Any]:
        return self.ip("link", "show", name)[0]

    def link(self, name: str | int) -> Link:
        found = self.socket.ask([get_link(name)])[0]
        assert isinstance(found, Link), found
        return found

    def do(self, *messages: bytes | tuple[bytes, ...]) -> None:
        assert self.socket.send(messages) == [None] * len(messages)

    def refusal(self, message: bytes) -> NetlinkError:
        error = self.socket.send([message])[0]
        assert error is not None
        return error

    def routes(self) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
        own = (route for route in self.socket.dump(get_routes(protocol=77)))
        return {route.destination: (route.gateways, route.devices) for route in own}


@pytest.fixture
def names() -> Iterator[list[str]]:
    if os.geteuid() != 0:
        required = os.environ.get("RECONCILER_REQUIRE_LIVE")
        pytest.fail("live tests must run here, and need root") if required else pytest.skip("needs root")
    made = [f"t-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    yield made
    for name in set(made) & set(netns.named()):
        netns.delete(name)


@pytest.fixture
def places(names: list[str]) -> Iterator[tuple[Place, Place]]:
    for name in names:
        netns.create(name, f"mark of {name}")
    fds = [netns.open_named(name) for name in names]
    opened = sockets(fds)
    first, second = (Place(name, fd, socket) for name, fd, socket in zip(names, fds, opened, strict=True))
    yield first, second
    for socket, fd in zip(opened, fds, strict=True):
        socket.close()
        os.close(fd)


@pytest.fixture
def place(places: tuple[Place, Place]) -> Place:
    """A namespace with two veth pairs, a to b and c to d, with the indices 10 to 13, all up, a and c with addresses."""
    first = places[0]
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("needs IPv6")
    first.do(
        new_veth("a", "b", index=10, peer_index=11, up=True),
        new_veth("c", "d", index=12, peer_index=13, up=True),
        *(set_link(index, up=True) for index in (11, 13)),
        add_address(10, "10.1.0.1/24"),
        add_address(12, "10.2.0.1/24"),
        add_address(10, "fd01::1/64", nodad=True),
        add_address(12, "fd02::1/64", nodad=True),
    )
    return first


def test_a_veth_is_made_in_place_in_two_namespaces(places: tuple[Place, Place]) -> None:
    red, blue = places
    with Socket() as home:
        before = {link.name for link in home.dump(get_links())}
        ends: dict[str, Any] = {"namespace_fd": red.fd, "peer_namespace_fd": blue.fd}
        macs: dict[str, Any] = {"mac": "02:00:00:00:00:01", "peer_mac": "02:00:00:00:00:02"}
        assert home.send([new_veth("eth0", "eth1", **ends, **macs, mtu=1400, peer_mtu=1300, up=True)]) == [None]
        assert {link.name for link in home.dump(get_links())} == before
    near, far = red.ip_link("eth0"), blue.ip_link("eth1")
    assert (near["mtu"], near["address"], near["linkinfo"]["info_kind"]) == (1400, macs["mac"], "veth")
    assert (far["mtu"], far["address"]) == (1300, macs["peer_mac"])
    assert "UP" in near["flags"]
    assert "UP" not in far["flags"]
    link, peer = red.link("eth0"), blue.link("eth1")
    assert (link.kind, link.mtu, link.mac, link.up, peer.up) == ("veth", 1400, macs["mac"], True, False)
    assert (link.peer_index, peer.peer_index) == (peer.index, link.index)


def test_the_first_end_of_a_veth_is_in_a_bridge_at_once(places: tuple[Place, Place]) -> None:
    red, blue = places
    red.do(new_bridge("br0", index=10, up=True))
    red.do(new_veth("p0", "eth0", peer_namespace_fd=blue.fd, up=True, master=10))
    assert red.ip_link("p0")["master"] == "br0"
    assert red.link("p0").master == 10


def test_every_link_reads_as_ip_reads_it(place: Place) -> None:
    place.do(new_bridge("br0"), set_link("d", master=0), add_altname("a", "a-name-longer-than-fifteen"))
    witness = {link["ifname"]: link for link in place.ip("link")}
    links = place.socket.dump(get_links())
    assert {link.name for link in links} == set(witness)
    for link in links:
        seen = witness[link.name]
        assert (link.index, link.mtu, link.mac) == (seen["ifindex"], seen["mtu"], seen["address"])
        assert (link.operstate, link.up) == (seen["operstate"], "UP" in seen["flags"])
        assert (link.kind, link.alias) == (seen.get("linkinfo", {}).get("info_kind", ""), seen.get("ifalias", ""))
        assert list(link.altnames) == seen.get("altnames", [])


def test_every_address_and_route_reads_as_ip_reads_it(place: Place) -> None:
    place.do(add_route("0.0.0.0/0", via=["10.1.0.2"]), add_route("10.9.0.0/16", via=["10.1.0.2", "10.2.0.2"], metric=5))
    addresses = {
        (link["ifindex"], f"{each['local']}/{each['prefixlen']}")
        for link in place.ip("addr")
        for each in link["addr_info"]
    }
    assert {(each.index, each.address) for each in place.socket.dump(get_addresses())} == addresses
    ipv4 = {
        route.destination.removesuffix("/32")
        for route in place.socket.dump(get_routes())
        if ":" not in route.destination
    }
    assert ipv4 == {route["dst"].replace("default", "0.0.0.0/0") for route in place.ip("-4", "route")}
    ipv6 = {
        route.destination.removesuffix("/128") for route in place.socket.dump(get_routes()) if ":" in route.destination
    }
    assert ipv6 == {route["dst"].replace("default", "::/0") for route in place.ip("-6", "route")}


def test_pyroute2_sees_the_marks_of_addresses_and_routes(place: Place) -> None:
    pyroute2 = pytest.importorskip("pyroute2")
    place.do(add_address(10, "10.7.0.1/24", protocol=77), add_route("10.8.0.0/16", via=["10.1.0.2"], protocol=78))
    with pyroute2.NetNS(place.name, flags=0) as witness:
        marks = {each.get_attr("IFA_LOCAL"): each.get_attr("IFA_PROTO") for each in witness.get_addr(family=2)}
        protocols = {each.get_attr("RTA_DST"): each["proto"] for each in witness.get_routes(family=2)}
    assert str(marks["10.7.0.1"]) in ("77", "4d")
    assert protocols["10.8.0.0"] == 78
    assert [each.protocol for each in place.socket.dump(get_addresses()) if each.address == "10.7.0.1/24"] == [77]


def test_a_link_changes_in_place(place: Place) -> None:
    place.do(set_link(10, name="z"), set_link("z", mtu=1300, mac="02:00:00:00:00:09", alias="é", group=5, up=False))
    seen = place.ip_link("z")
    assert (seen["mtu"], seen["address"], seen["ifalias"], seen["group"]) == (1300, "02:00:00:00:00:09", "é", "5")
    assert "UP" not in seen["flags"]
    place.do(set_link("z", alias=""))
    assert "ifalias" not in place.ip_link("z")
    assert place.link("z").mtu == 1300


def test_a_link_is_found_by_its_altname(place: Place) -> None:
    place.do(add_altname("a", "a-name-longer-than-fifteen"), set_link("a-name-longer-than-fifteen", mtu=1300))
    assert place.link("a-name-longer-than-fifteen").index == 10
    place.do(del_altname(10, "a-name-longer-than-fifteen"))
    assert place.link(10).altnames == ()


def test_a_bridge_and_its_ports_change_in_place(place: Place) -> None:
    place.do(new_bridge("br0", index=20, up=True, stp=True, forward_delay=400))
    place.do(set_link("a", master=20), set_bridge("br0", priority=100, hello_time=300, max_age=1000, ageing_time=10000))
    place.do(set_bridge_port("a", path_cost=9, priority=5, hairpin=True))
    data = place.ip_link("br0")["linkinfo"]["info_data"]
    assert (data["stp_state"], data["priority"], data["hello_time"], data["max_age"]) == (1, 100, 300, 1000)
    assert (data["forward_delay"], data["ageing_time"]) == (400, 10000)
    port = place.ip_link("a")["linkinfo"]["info_slave_data"]
    assert (port["cost"], port["priority"], port["hairpin"]) == (9, 5, True)
    bridge, slave = place.link("br0"), place.link("a")
    assert bridge.bridge is not None
    assert (bridge.bridge.stp, bridge.bridge.priority, bridge.bridge.forward_delay) == (True, 100, 400)
    assert slave.port is not None
    assert (slave.port.path_cost, slave.port.priority, slave.port.hairpin) == (9, 5, True)
    place.do(set_link("a", master=0))
    assert place.link("a").master is None


def test_a_route_is_replaced_by_more_or_fewer_gateways_in_both_families(place: Place) -> None:
    for target, near, far in (("10.9.0.0/16", "10.1.0.", "10.2.0."), ("fd99::/64", "fd01::", "fd02::")):
        place.do(add_route(target, via=[f"{near}2", f"{far}2"], protocol=77))
        assert place.routes()[target] == ((f"{near}2", f"{far}2"), (10, 12))
        place.do(replace_route(target, via=[f"{near}3"], protocol=77))
        assert place.routes()[target] == ((f"{near}3",), (10,))
        place.do(replace_route(target, via=[f"{near}4", f"{far}4"], protocol=77))
        assert place.routes()[target] == ((f"{near}4", f"{far}4"), (10, 12))
        place.do(replace_route(target, devices=[12], protocol=77))
        assert place.routes()[target] == ((), (12,))
        place.do(replace_route(target, via=[f"{near}4", f"{far}4"], protocol=77))
        assert place.refusal(replace_route(target, via=[f"{near}5", "2001:db8::1"], protocol=77)).errno
        assert place.routes()[target] == ((f"{near}4", f"{far}4"), (10, 12))
        assert place.refusal(delete_route(target, protocol=78)).errno == errno.ESRCH
        place.do(delete_route(target, protocol=77))
        assert place.routes() == {}


def test_a_default_beside_another_exists_and_is_replaced(place: Place) -> None:
    place.do(add_route("0.0.0.0/0", via=["10.1.0.2"]), add_route("::/0", via=["fd01::2"], metric=5))
    assert place.refusal(add_route("0.0.0.0/0", via=["10.2.0.2"], protocol=77)).errno == errno.EEXIST
    place.do(replace_route("0.0.0.0/0", via=["10.2.0.2"], protocol=77))
    assert place.routes() == {"0.0.0.0/0": (("10.2.0.2",), (12,))}
    assert [route["gateway"] for route in place.ip("-4", "route", "show", "default")] == ["10.2.0.2"]
    place.do(delete_route("::/0", metric=5))
    assert place.ip("-6", "route", "show", "default") == []


def test_a_gateway_whose_interface_is_down_is_told(place: Place) -> None:
    place.do(add_route("10.9.0.0/16", via=["10.1.0.2", "10.2.0.2"], protocol=77))
    assert [route.dead for route in place.socket.dump(get_routes(protocol=77))] == [False]
    place.do(set_link("a", up=False))
    assert [route.dead for route in place.socket.dump(get_routes(protocol=77))] == [True]


def test_a_table_that_does_not_exist_has_no_routes(place: Place) -> None:
    assert place.socket.dump(get_routes(table=4711)) == []
    assert {route.table for route in place.socket.dump(get_routes(table=None))} == {254, 255}


def test_a_refusal_says_what_the_kernel_said_and_the_others_are_done(place: Place) -> None:
    wrong = [add_route("10.9.0.0/16", via=["1.2.3.4"]), set_link("nope", up=True), add_address(10, "10.1.0.1/24")]
    results = place.socket.send([wrong[0], set_link("a", mtu=1300), *wrong[1:], delete_address(10, "10.1.0.1/24")])
    assert [error.errno if error else None for error in results] == [
        errno.ENETUNREACH,
        None,
        errno.ENODEV,
        errno.EEXIST,
        None,
    ]
    assert str(results[0]) == "Network is unreachable (netlink: Nexthop has invalid gateway)"
    assert place.link("a").mtu == 1300


def test_marking_by_its_own_index_never_marks_a_stranger(place: Place) -> None:
    group = (new_veth("a", "x", index=500), set_link(500, alias="ours"))
    error = place.socket.send([group])[0]
    assert error is not None
    assert error.errno == errno.EEXIST
    assert {link.alias for link in place.socket.dump(get_links())} == {"", f"mark of {place.name}"}
    place.do((new_veth("e", "x", index=500), set_link(500, alias="ours")))
    assert place.ip_link("e")["ifalias"] == "ours"


def test_a_group_is_deleted_at_once(place: Place) -> None:
    place.do(*(new_veth(f"g{number}", f"h{number}") for number in range(20)))
    place.do(*(set_link(f"{end}{number}", group=4242) for number in range(20) for end in "gh"))
    place.do(delete_group(4242))
    assert {link["ifname"] for link in place.ip("link")} == {"lo", "a", "b", "c", "d"}
    assert place.refusal(delete_group(4242)).errno == errno.ENODEV
    place.do(delete_link("a"))
    assert {link["ifname"] for link in place.ip("link")} == {"lo", "c", "d"}


def test_thousands_of_messages_get_an_answer_each_in_order(place: Place) -> None:
    messages = [set_link("a" if number % 3 else "nope", alias=f"mark {number}") for number in range(10_000)]
    results = place.socket.send(messages)
    assert [error is None for error in results] == [bool(number % 3) for number in range(10_000)]
    assert place.link("a").alias == "mark 9998"
    answers = place.socket.ask([get_link(10), get_link("nope")] * 1000)
    assert [isinstance(answer, Link) for answer in answers] == [True, False] * 1000


def test_a_dump_of_many_links_is_whole_while_others_come_and_go(place: Place) -> None:
    place.do(*(new_veth(f"m{number}", f"n{number}") for number in range(100)))
    over = threading.Event()

    def disturb() -> None:
        with Socket(place.fd) as other:
            while not over.is_set():
                other.send([new_bridge("flicker"), delete_link("flicker")])

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(20):
            found = [link.name for link in place.socket.dump(get_links()) if link.name != "flicker"]
            assert len(found) == len(set(found)) == 205
    finally:
        over.set()
        thread.join()


def test_sockets_open_from_many_threads_while_no_other_thread_moves(places: tuple[Place, Place]) -> None:
    home = Path("/proc/thread-self/ns/net").stat().st_ino
    cookies = [place.socket.cookie for place in places]
    with Socket() as here, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(netns.cookie, [place.fd for place in places] * 200))
        workers = set(pool.map(lambda _: Path("/proc/thread-self/ns/net").stat().st_ino, range(100)))
        assert here.cookie not in cookies
    assert found == cookies * 200
    assert workers == {home}
    assert cookies[0] != cookies[1]


def test_one_socket_serves_many_threads(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda index: place.socket.ask([get_link(index)])[0], [10, 11, 12, 13] * 100))
    assert [answer.index for answer in answers if isinstance(answer, Link)] == [10, 11, 12, 13] * 100


KILLED = """
import sys
from reconciler.host.netlink import Socket, new_veth, set_link
with Socket(int(sys.argv[1])) as socket:
    groups = [(new_veth(f"k{n}", f"l{n}", index=1000 + 2 * n, peer_index=1001 + 2 * n),
               set_link(1000 + 2 * n, alias="mark"), set_link(1001 + 2 * n, alias="mark")) for n in range(3000)]
    socket.send(groups)
"""


def test_no_kill_leaves_an_unmarked_link(places: tuple[Place, Place]) -> None:
    for enough in (0, 300, 600, 900, 1200):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(places[0].fd)],
            pass_fds=[places[0].fd],
            cwd=Path(netns.__file__).parents[2],
        )
        with process:
            while (
                isinstance(places[0].socket.ask([get_link(1000 + enough)])[0], NetlinkError) and process.poll() is None
            ):
                pass
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        links = [link for link in places[0].socket.dump(get_links()) if link.kind == "veth"]
        assert 0 < len(links) < 6000
        assert {link.alias for link in links} == {"mark"}
        places[0].do(*(set_link(link.index, group=77) for link in links), delete_group(77))


def test_a_namespace_is_as_ip_netns_makes_it_and_marked(places: tuple[Place, Place], names: list[str]) -> None:
    listed = {each["name"] for each in json.loads(subprocess.check_output(["ip", "-j", "netns", "list"]))}
    assert set(names) <= listed
    assert set(names) <= set(netns.named())
    lo = places[0].ip_link("lo")
    assert lo["ifalias"] == f"mark of {names[0]}"
    assert "UP" in lo["flags"]
    run = subprocess.run(["ip", "netns", "exec", names[0], "true"], check=False)
    assert run.returncode == 0
    with pytest.raises(FileExistsError, match=names[0]):
        netns.create(names[0], "again")
    netns.delete(names[0])
    assert not (netns.DIRECTORY / names[0]).exists()
    with pytest.raises(FileNotFoundError):
        netns.open_named(names[0])


def test_ip_netns_and_we_see_each_others_namespaces(names: list[str]) -> None:
    subprocess.run(["ip", "netns", "add", names[0]], check=True)
    assert names[0] in netns.named()
    netns.create(names[1], "mark")
    subprocess.run(["ip", "netns", "delete", names[1]], check=True)
    assert names[1] not in netns.named()
    netns.delete(names[0])


def test_a_file_that_is_no_mount_is_no_namespace(names: list[str]) -> None:
    netns.create(names[1], "mark")
    (netns.DIRECTORY / names[0]).touch()
    assert names[0] not in netns.named()
    with pytest.raises(FileNotFoundError, match="plain file"):
        netns.open_named(names[0])
    netns.create(names[0], "mark")
    assert names[0] in netns.named()


def test_namespaces_are_made_by_many_threads_at_once() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    names = [f"t-{uuid.uuid4().hex[:8]}" for _ in range(16)]
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: netns.create(name, "mark"), names))
        assert set(names) <= set(netns.named())
    finally:
        for name in set(names) & set(netns.named()):
            netns.delete(name)


def test_all_namespaces_are_each_there_once(places: tuple[Place, Place]) -> None:
    visited = dict(netns.visit(lambda each, socket: (each.inode, (each, socket.cookie))))
    inodes = [each.inode for each in netns.all_namespaces()]
    assert len(inodes) == len(set(inodes))
    assert set(inodes) == set(visited)
    for place in places:
        each, cookie = visited[os.fstat(place.fd).st_ino]
        assert each.names == (place.name,)
        assert cookie == place.socket.cookie
    home, _ = visited[Path("/proc/self/ns/net").stat().st_ino]
    assert os.getpid() in home.pids


def test_a_look_into_all_namespaces_holds_one_descriptor_and_one_socket_at_a_time(places: tuple[Place, Place]) -> None:
    def held(*_: object) -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    before = held()
    assert set(netns.visit(held)) == {before + 1}
    assert held() == before


def test_a_namespace_that_is_gone_when_it_is_its_turn_is_left_out(places: tuple[Place, Place]) -> None:
    every = {each.names: each for each in netns.all_namespaces()}
    first, second = (every[(place.name,)] for place in places)
    gone = netns.Namespace(
        second.inode, (), (), (f"/run/netns/{places[0].name}", "/run/netns/no-such", "/proc/0/ns/net")
    )
    assert netns.visit(lambda each, _: each, [first, gone, second]) == [first, second]


def test_the_namespace_of_a_process_is_found_without_a_name(places: tuple[Place, Place]) -> None:
    netns.call(places[0].fd, lambda: None)
    process = netns.call(places[0].fd, lambda: subprocess.Popen(["sleep", "60"]))
    with process:
        fd = netns.open_process(process.pid)
        assert netns.cookie(fd) == places[0].socket.cookie
        os.close(fd)
        assert [each.names for each in netns.all_namespaces() if process.pid in each.pids] == [(places[0].name,)]
        process.kill()


def test_what_goes_wrong_inside_a_namespace_is_raised_outside(place: Place) -> None:
    with pytest.raises(ZeroDivisionError):
        netns.call(place.fd, lambda: 1 // 0)
    with Path("/dev/null").open() as file:
        with pytest.raises(OSError, match="cannot enter a network namespace"):
            netns.call(file.fileno(), lambda: None)
        with pytest.raises(OSError, match="cannot enter a network namespace"):
            sockets([place.fd, file.fileno()])
