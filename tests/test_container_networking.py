"""How containers are on the network, what they wait for, and in which order they start."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.kinds import networking
from reconciler.kinds.container.order import order
from reconciler.kinds.entry import Entry, entry_of
from reconciler.kinds.networking import Link
from reconciler.kinds.process.parse import processes
from reconciler.kinds.source import Source
from reconciler.model import ResourceKey

LAN = {"ipam": {"config": [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.0/25"}, {"subnet": "fd00::/64"}]}}
NETWORKS = {"lan": LAN, "wan": {}, "docker0": {"external": True, "name": "bridge"}, "odd": {"ipam": {"config": []}}}


def file(containers: dict[str, Any], **sections: Any) -> Source:
    return source({"containers": containers, "networks": NETWORKS, **sections})


def only(**data: Any) -> Entry:
    return entry_of(file({"web": data, "db": {}}), "web")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {"default": {}}),
        ({"networks": []}, {"default": {}}),
        ({"networks": {}}, {"default": {}}),
        ({"networks": ["wan", "lan"]}, {"lan": {}, "wan": {}}),
        ({"networks": {"lan": None, "wan": {"aliases": ["a"]}}}, {"lan": {}, "wan": {"aliases": ["a"]}}),
        ({"network_mode": "none"}, {}),
        ({"external": True}, {}),
    ],
)
def test_a_container_s_networks_are_read(data: dict[str, Any], expected: dict[str, Any]) -> None:
    assert networking.networks(only(**data)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"network_mode": "none"}, ""),
        ({"networks": []}, "default"),
        ({"networks": ["wan", "lan"]}, "lan"),
        ({"networks": ["lan", "docker0", "wan"]}, "docker0"),
        ({"networks": {"docker0": None, "wan": {"mac_address": "02:00:00:00:00:01"}}}, "wan"),
        ({"networks": {"docker0": None, "wan": {"mac_address": "02:00:00:00:00:01"}}, "links": ["old"]}, "docker0"),
    ],
)
def test_a_container_is_made_on_the_network_that_an_old_engine_needs_it_on(data: dict[str, Any], expected: str) -> None:
    web = entry_of(file({"web": data, "db": {}, "old": {"network_mode": "bridge"}}), "web")
    assert networking.first(web) == expected


@pytest.mark.parametrize(
    ("data", "mode", "shared"),
    [
        ({}, "", None),
        ({"networks": []}, "", None),
        ({"network_mode": "none"}, "none", None),
        ({"external": True}, "", None),
        ({"network_mode": "host"}, "host", None),
        ({"network_mode": "service:db"}, "service:db", "db"),
        ({"network_mode": "container:db"}, "service:db", "db"),
        ({"network_mode": "container:other"}, "container:other", None),
        ({"network_mode": "service:other"}, "service:other", "other"),
    ],
)
def test_a_container_of_the_file_is_always_shared_by_its_name(
    data: dict[str, Any], mode: str, shared: str | None
) -> None:
    assert networking.mode(only(**data)) == mode
    assert networking.shared_with(only(**data)) == (ResourceKey("container", shared) if shared else None)


BOTH = {"networks": ["docker0", "lan"]}


@pytest.mark.parametrize(
    ("data", "target", "links", "on_bridge"),
    [
        ({"networks": ["lan"], "links": ["a:x"]}, BOTH, [Link("a", "x", ("lan",))], 0),
        ({**BOTH, "links": ["a"]}, BOTH, [Link("a", "a", ("lan",))], 0),
        ({**BOTH, "links": ["a"]}, {"networks": ["docker0"]}, [Link("a", "a")], 1),
        ({"network_mode": "bridge", "links": ["a"]}, {"network_mode": "bridge"}, [Link("a", "a")], 1),
        ({"network_mode": "bridge", "links": ["a"]}, {"external": True}, [Link("a", "a")], 1),
        ({"networks": ["lan"], "links": ["a"]}, {"external": True}, [Link("a", "a", ("lan",))], 0),
        ({**BOTH, "links": ["a"]}, {"external": True}, [Link("a", "a", ("lan",))], 1),
        ({"links": ["gone"]}, {}, [], 0),
    ],
)
def test_a_link_is_given_on_the_networks_in_common(
    data: dict[str, Any], target: dict[str, Any], links: list[Link], on_bridge: int
) -> None:
    made = entry_of(file({"web": data, "a": target}), "web")
    assert list(networking.links(made)) == links
    assert len(networking.bridge_links(made)) == on_bridge


def test_dependencies_have_a_condition_in_every_form() -> None:
    assert networking.dependencies(only()) == {}
    assert networking.dependencies(only(depends_on=["db"])) == {"db": "service_started"}
    declared = {"db": None, "job": {"condition": "service_healthy"}}
    assert networking.dependencies(only(depends_on=declared)) == {"db": "service_started", "job": "service_healthy"}


def test_what_another_waits_for_to_complete_is_to_complete() -> None:
    waits = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
    read = file({"web": waits, "job": {}, "own": {"state": "created"}})
    assert [networking.state(entry_of(read, name)) for name in ("web", "job", "own")] == [
        "running",
        "completed",
        "created",
    ]
    assert [networking.runs(entry_of(read, name)) for name in ("web", "job", "own")] == [True, True, False]


PORTS = {"ports": ["80"]}
FORWARD = {"sysctls": {"net/ipv4/ip_forward": 1}}
OWN = "net/ipv4/ip_forward is the host's own"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"networks": ["lan"], "links": ["db"], **PORTS}, []),
        ({"networks": [], "network_mode": "none"}, ["network_mode: a container has either networks or a network_mode"]),
        ({"networks": ["lam"]}, ["networks/0: there is no 'lam' in networks"]),
        ({"depends_on": ["web"]}, ["depends_on/0: 'web' cannot refer to itself"]),
        ({"depends_on": ["dbb"]}, ["depends_on/0: there is no 'dbb' in containers"]),
        ({"networks": ["wan"], "links": ["db"]}, ["links/0: 'web' and 'db' are on no network together"]),
        ({"links": ["gone"]}, ["links/0: there is no 'gone' in containers"]),
        ({"network_mode": "none", **PORTS}, ["ports: with network_mode none no port can be published"]),
        ({"network_mode": "service:db", **PORTS}, ["ports: with network_mode service:db no port can be published"]),
        ({"network_mode": "service:web"}, ["network_mode: 'web' cannot refer to itself"]),
        (
            {"network_mode": "container:t-db"},
            ["network_mode: 't-db' is what container 'db' of this file is called on the host"],
        ),
        (
            {"network_mode": "container:theirs"},
            ["network_mode: 'theirs' is what container 'ext' of this file is called on the host"],
        ),
        ({"network_mode": "container:db"}, []),
        ({"network_mode": "container:x", "dns": "1.1.1.1"}, ["dns: this is shared with 'x': declare it there"]),
        ({"networks": [], **PORTS}, []),
        ({"network_mode": "host", **FORWARD}, ["sysctls/net/ipv4/ip_forward: on the host's network " + OWN]),
        ({"network_mode": "service:hosted", **FORWARD}, ["sysctls/net/ipv4/ip_forward: on the host's network " + OWN]),
        ({"network_mode": "host", "sysctls": ["kernel.shmmax=1"]}, []),
        ({"network_mode": "service:db", **FORWARD}, []),
        ({"networks": ["lan"], "links": ["db:x", "db:y", "db"]}, []),
        ({"networks": ["lan"], "links": ["db:x", "too:x"]}, ["links/1: the name 'x' stands for 'db' already"]),
        ({"networks": ["lan"], "links": ["db", "too:db"]}, ["links/1: the name 'db' stands for 'db' already"]),
    ],
)
def test_what_cannot_be_on_the_network_so_is_a_problem(data: dict[str, Any], expected: list[str]) -> None:
    on = {"networks": ["lan"]}
    others = {"hosted": {"network_mode": "host"}, "ext": {"external": True, "container_name": "theirs"}}
    read = file({"web": data, "db": on, "too": on, **others})
    networking.check(entry_of(read, "web"))
    assert [f"{each.pointer.partition('/web/')[2]}: {each.message}" for each in read.problems] == expected


def test_links_on_docker_s_own_bridge_are_fine_between_those_on_it() -> None:
    read = file({"web": {"network_mode": "bridge", "links": ["a", "b"]}, "a": {"networks": ["docker0"]}, "b": EXTERNAL})
    networking.check(entry_of(read, "web"))
    assert read.problems == []


EXTERNAL = {"external": True}


def test_links_order_starts_as_far_as_they_close_no_circle() -> None:
    on = {"networks": ["lan"]}
    found = order(file({"a": {**on, "links": ["b", "c"]}, "b": {**on, "links": ["a:x", "c"]}, "c": on})).links
    assert found == {"a": ("b", "c"), "b": ("c",), "c": ()}


def test_dependencies_shared_networks_bridge_links_and_commits_come_before_links() -> None:
    containers = {
        "a": {"networks": ["lan"], "links": ["b", "c", "d", "e"]},
        "b": {"networks": ["lan"], "depends_on": ["a"]},
        "c": {"networks": ["lan", "docker0"], "links": ["x"]},
        "d": {"networks": ["lan"], "image": "snap"},
        "e": {"networks": ["lan"], "image": "other"},
        "s": {"network_mode": "service:a"},
        "x": {"networks": ["docker0"], "depends_on": ["a"]},
    }
    images = {"snap": {"commit": "a"}, "other": {"commit": {"container": "s"}}}
    assert order(file(containers, images=images)).links["a"] == ()


def static(address: str, field: str = "ipv4_address", **more: Any) -> dict[str, Any]:
    return {"networks": {"lan": {field: address}}, **more}


@pytest.mark.parametrize(
    ("first", "after"),
    [
        (static("10.0.0.9"), ("s",)),
        (static("fd00::9", "ipv6_address"), ("s",)),
        (static("10.0.0.200"), ()),  # outside of the range that the engine gives from
        (static("10.0.0.9", state="stopped"), ()),
        (static("no address"), ()),
        (static("10.0.0.9", depends_on=["dynamic"]), ()),
        ({"networks": ["lan"]}, ()),
    ],
)
def test_who_has_an_address_that_the_engine_might_give_away_starts_first(
    first: dict[str, Any], after: tuple[str, ...]
) -> None:
    found = order(file({"dynamic": {"networks": ["lan"]}, "s": first})).static
    assert found.get(("dynamic", "lan"), ()) == after


@pytest.mark.parametrize(
    ("first", "after"),
    [
        ({"ports": ["8180:80"]}, ("s",)),
        ({"ports": ["127.0.0.1:8185:80", "8181:81"]}, ("s",)),
        ({"ports": ["8186:80"]}, ()),
        ({"ports": ["8180:80/udp"]}, ()),
        ({"ports": ["8180-8185:80"]}, ()),
        ({"ports": ["8180:80"], "state": "stopped"}, ()),
        ({"ports": ["8180:80"], "state": "paused"}, ("s",)),
        ({"ports": ["8180:80"], "state": "completed"}, ()),
        ({"ports": ["8180:80"], "depends_on": ["ranging"]}, ()),
        ({}, ()),
    ],
)
def test_who_has_a_port_that_the_engine_might_choose_from_a_range_starts_first(
    first: dict[str, Any], after: tuple[str, ...]
) -> None:
    read = file({"ranging": {"ports": ["80", "8180-8185:80", "8183:81"]}, "s": first})
    assert order(read).ports.get("ranging", ()) == after
    process = next(each for each in processes(read) if each.key.name == "ranging")
    needed = tuple(need.key.name for need in process.needs if need.via == "ports")
    assert needed == after


def test_on_a_network_without_ranges_any_address_might_be_given_away() -> None:
    containers = {"a": {"networks": ["odd"]}, "s": {"networks": {"odd": {"ipv4_address": "10.9.9.9"}}}}
    assert order(file(containers)).static == {("a", "odd"): ("s",)}


def test_what_is_needed_on_two_ways_is_looked_at_once() -> None:
    on = {"networks": ["lan"]}
    containers = {"a": {**on, "depends_on": ["b", "c"]}, "b": {"depends_on": ["d"]}, "c": {"depends_on": ["d"]}}
    assert order(file({**containers, "d": {}, "web": {**on, "links": ["a"]}})).links["web"] == ("a",)
