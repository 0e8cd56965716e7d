"""Ports: every form of Compose, the engine's bindings, and what they claim of the host."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.kinds.container import ports
from reconciler.kinds.entry import entry_of
from reconciler.kinds.source import Source
from reconciler.model import FrozenMap


def declared(**data: Any) -> Source:
    return source({"containers": {"web": data}})


def read(*values: Any) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    made = declared(ports=list(values))
    return dict(ports.ports(entry_of(made, "web"))), [each.message for each in made.problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (80, {"80/tcp": ("",)}),
        ("8080:80", {"80/tcp": ("8080",)}),
        ("8080:80/UDP", {"80/udp": ("8080",)}),
        ("0:80", {"80/tcp": ("",)}),
        (":80", {"80/tcp": ("",)}),
        ("53:53/sctp", {"53/sctp": ("53",)}),
        ("127.0.0.1:8080:80", {"80/tcp": ("127.0.0.1:8080",)}),
        ("127.0.0.1::80", {"80/tcp": ("127.0.0.1:",)}),
        ("[::1]:8080:80", {"80/tcp": ("[::1]:8080",)}),
        ("::1:8080:80", {"80/tcp": ("[::1]:8080",)}),
        ("80-81", {"80/tcp": ("",), "81/tcp": ("",)}),
        ("8080-8081:80-81", {"80/tcp": ("8080",), "81/tcp": ("8081",)}),
        ("8080-8090:80", {"80/tcp": ("8080-8090",)}),
        ({"target": 80}, {"80/tcp": ("",)}),
        ({"target": 80, "published": 0}, {"80/tcp": ("",)}),
        ({"target": 80, "published": 8080}, {"80/tcp": ("8080",)}),
        ({"target": "80", "published": "8080-8090", "protocol": "udp"}, {"80/udp": ("8080-8090",)}),
        ({"target": 80, "published": "8080", "host_ip": "::1"}, {"80/tcp": ("[::1]:8080",)}),
        ({"target": 80, "host_ip": "[::1]", "protocol": "UDP"}, {"80/udp": ("[::1]:",)}),
    ],
)
def test_every_form_is_read(value: Any, expected: dict[str, tuple[str, ...]]) -> None:
    assert read(value) == (expected, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("8080:80/icmp", "the protocol is one of tcp, udp, sctp"),
        ("8080-8082:80-81", "3 ports of the host cannot be mapped to 2 of the container"),
        ("8080:80-81", "1 ports of the host cannot be mapped to 2 of the container"),
        ("x:80", "'x' is not a port from 1 to 65535"),
        ("81-80", "'81-80' is not a port from 1 to 65535"),
        ("70000:80", "'70000' is not a port"),
        ("localhost:8080:80", "'localhost' is not an address of the host"),
        ({"target": 0}, "'0' is not a port"),
    ],
)
def test_what_is_no_port_is_a_problem(value: Any, message: str) -> None:
    found, problems = read(value)
    assert found == {}
    assert message in problems[0]


def test_one_container_port_may_be_published_at_several_places() -> None:
    assert read("8081:80", "8080:80", 80) == ({"80/tcp": ("", "8080", "8081")}, [])


def test_the_same_publication_twice_is_a_problem() -> None:
    messages = read("8080:80", "8080:80")[1]
    assert messages[0] == "port 80/tcp is published at 8080 twice"


def test_one_port_of_the_host_for_two_of_the_container_is_a_problem() -> None:
    messages = read("127.0.0.1:8080:80", "8080:81")[1]
    assert messages == ["host port 8080/tcp is published for 80/tcp and for 81/tcp"]
    assert read("127.0.0.1:8080:80", "127.0.0.2:8080:81", "8080:81/udp")[1] == []
    assert read("0.0.0.0:8080:80", "[::]:8080:80") == ({"80/tcp": ("0.0.0.0:8080", "[::]:8080")}, [])


def test_exposed_ports_are_those_that_are_not_published_anyway() -> None:
    made = declared(ports=["8080:80"], expose=["80/TCP", 90, "53/UDP", "95-96"])
    entry = entry_of(made, "web")
    assert ports.expose(entry, ports.ports(entry)) == ("53/udp", "90/tcp", "95/tcp", "96/tcp")
    assert not made.problems


def test_an_exposed_port_out_of_range_is_a_problem() -> None:
    made = declared(expose=["70000"])
    assert ports.expose(entry_of(made, "web"), {}) == ()
    assert len(made.problems) == 1


def test_the_engine_is_told_address_and_port_and_read_back() -> None:
    published = FrozenMap({"80/tcp": ("", "8080", "[::1]:8081"), "53/udp": ("127.0.0.1:",)})
    written = ports.to_engine(published)
    assert written["80/tcp"] == [
        {"HostIp": "", "HostPort": ""},
        {"HostIp": "", "HostPort": "8080"},
        {"HostIp": "::1", "HostPort": "8081"},
    ]
    assert ports.of_engine(written) == published


def test_both_engines_ways_to_say_little_are_read() -> None:
    assert ports.of_engine(None) == {}
    found = ports.of_engine({"90": [{"HostPort": "0"}], "80/TCP": [{"HostIp": "", "HostPort": "1"}], "70/tcp": None})
    assert dict(found) == {"90/tcp": ("",), "80/tcp": ("1",)}


@pytest.mark.parametrize("told", ["::ffff:127.0.0.1", "::FFFF:7f00:1", "0::ffff:127.0.0.1"])
def test_the_host_s_address_is_read_back_however_the_engine_writes_it(told: str) -> None:
    (declared,) = ports.expanded(ports.publication("[::ffff:127.0.0.1]:80:80"))
    assert dict(ports.of_engine({"80/tcp": [{"HostIp": told, "HostPort": "80"}]})) == {declared[0]: (declared[1],)}


def claims(*values: str) -> list[Any]:
    return list(ports.claims(FrozenMap({"80/tcp": values})))


def test_free_ports_and_ranges_claim_nothing() -> None:
    assert claims("", "127.0.0.1:", "8080-8090") == []


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("8080", "127.0.0.1:8080", True),
        ("8080", "[::1]:8080", True),
        ("8080", "8081", False),
        ("0.0.0.0:8080", "127.0.0.1:8080", True),
        ("0.0.0.0:8080", "[::1]:8080", False),
        ("[::]:8080", "127.0.0.1:8080", False),
        ("[::]:8080", "0.0.0.0:8080", False),
        ("[::]:8080", "[::1]:8080", True),
        ("[::]:8080", "8080", True),
        ("127.0.0.1:8080", "127.0.0.2:8080", False),
        ("[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", True),
        ("[::1]:8080", "[::2]:8080", False),
    ],
)
def test_claims_overlap_where_the_kernel_could_not_serve_both(one: str, other: str, overlap: bool) -> None:
    assert claims(one)[0].overlaps(claims(other)[0]) == overlap


def test_a_claim_reads_as_a_person_would_say_it() -> None:
    assert str(claims("127.0.0.1:8080")[0]) == "host port 127.0.0.1:8080/tcp"


def test_what_ranges_publish_twice_is_told_once_for_each_entry() -> None:
    assert read("80-82:80-82", "81-82:81-82")[1] == ["port 81/tcp is published at 81 twice"]
    assert read("80-82:80-82", "81-82:91-92")[1] == ["host port 81/tcp is published for 81/tcp and for 91/tcp"]


def test_ranges_may_stand_for_as_many_ports_as_a_host_has_and_more_are_told_once() -> None:
    assert read("1-65535:1-65535")[1] == []
    found, messages = read("1-65535:1-65535", "127.0.0.1:1-3:1-3", "127.0.0.1:4-5:4-5", "80/udp")
    assert len(found) == 65535 + 1
    assert messages == ["with this the ranges of ports of the file stand for more than 65535"]
