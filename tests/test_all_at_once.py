"""Whatever is wrong is told at once, in one line each, and what merely follows from it is not."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.topology import load

EXAMPLES = Path(__file__).parents[1] / "topologies"
RICH = """
name: rich
prefix: r
defaults:
  containers: {image: lab, command: [sleep, infinity], networks: {lan: {}}, restart: on-failure}
  namespaces: {sysctls: {net.ipv4.ip_forward: 1}}
images:
  lab: {build: {context: ., dockerfile: D, args: {A: 1}, labels: {a: b}}, tags: ["lab:1"]}
  box: {pull: {image: "busybox:1", policy: never}}
  saved: {commit: {container: job, changes: [CMD x], pause: false}}
  there: {external: true, name: "alpine:3"}
volumes: {data: {driver_opts: {a: b}, labels: [a=b]}, old: {external: true, name: old}}
networks:
  lan: {ipam: {config: [{subnet: 10.86.0.0/24, gateway: 10.86.0.1, ip_range: 10.86.0.128/25, aux_addresses: {x: 10.86.0.9}}]}}
  six: {enable_ipv6: true, ipam: {config: [{subnet: "fd00:86::/64"}, {subnet: 10.87.0.0/24}]}}
  dmz: {driver: macvlan, internal: true, driver_opts: {parent: eth0}}
  up: {external: true, name: bridge}
containers:
  db:
    networks: {lan: {ipv4_address: 10.86.0.10, aliases: [database], mac_address: "02:00:00:00:00:05"}, six: {ipv6_address: "fd00:86::5"}}
    healthcheck: {test: [CMD, "true"], interval: 1s, retries: 2}
    environment: {A: 1}
    volumes: ["data:/data", {type: bind, source: ./D, target: /d, bind: {propagation: private}}, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
    tmpfs: [/run]
    mem_limit: 64m
    memswap_limit: 128m
    mem_reservation: 32m
    ulimits: {nofile: {soft: 10, hard: 20}, nproc: 7}
    exec: [ls, {command: [ip, route], in: network}]
  web:
    image: box
    ports: ["8080:80", "127.0.0.1:8490-8491:90-91", {target: 443, published: 8443, host_ip: 127.0.0.1}]
    networks: [lan]
    links: ["db:store"]
    depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
    cap_add: [NET_ADMIN]
    routes: [{to: 10.99.0.0/16, via: 10.86.0.10}]
  job: {build: {context: ., dockerfile: D}, hostname: job, user: "1", working_dir: /w, stop_signal: SIGINT}
  idle: {state: created, extra_hosts: {a: 10.0.0.1}, dns: 10.0.0.1, devices: [/dev/null]}
  onup: {networks: [up], links: [onup2]}
  onup2: {network_mode: bridge, ports: [9000], healthcheck: {disable: true}}
  shared: {network_mode: "service:web"}
  alone: {network_mode: none, sysctls: [net.ipv4.ip_forward=1], security_opt: [label=disable]}
  far: {external: true, container_name: far-away}
namespaces:
  red: {routes: [{to: default, via: 10.70.0.2}, {to: 10.96.0.0/16, via: [10.70.0.2], metric: 7, source: 10.70.0.1}]}
  blue: {sysctls: {net.ipv4.ip_forward: 0}, routes: [{to: 10.98.0.0/16, dev: eth0}, {to: 10.97.0.0/16, via: 10.98.0.1}]}
  green: {external: true, name: gone}
bridges:
  br0: {stp: true, forward_delay: 4s, addresses: [10.9.0.1/24], priority: 4096, mtu: 1400}
  br1: {namespace: blue, addresses: [10.9.0.1/24], ports: [eth9]}
  br2: {external: true, name: virbr0}
veths:
  - [alone:eth0 10.70.0.2/30, red:core 10.70.0.1/30]
  - endpoints:
      - {container: web, interface: eth1, addresses: [10.71.0.2/30], mac: "02:00:00:00:70:02", mtu: 1400}
      - {namespace: blue, interface: eth0, addresses: [10.71.0.1/30], routes: [{to: 10.95.0.0/16, via: 10.71.0.2}]}
    mtu: 9000
  - [red:eth1, br0]
  - [blue:eth1, br1:port]
  - {endpoints: [{bridge: br2, path_cost: 5}, {network: lan, hairpin: true}], name: glue}
  - [host:h0 10.72.0.1/30, far:eth7 10.72.0.2/30]
  - [db:eth2, green:eth3]
host: {routes: [{to: 10.94.0.0/16, via: 10.72.0.2}]}
"""
Place = tuple[str | int, ...]
NOTHING = "variable 'NOTHING' is not set"


def found(data: Any) -> list[str]:
    Path("t.yaml").write_text(data if isinstance(data, str) else json.dumps(data))
    try:
        load("t.yaml", kinds=kinds(), environment={"ALSO": ""})
    except FileInvalid as error:
        return [str(each) for each in error.problems]
    return []


def places(value: Any, *place: str | int) -> Iterator[Place]:
    """Yield the place of every value of a file."""
    for step, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, step)
        yield from places(each, *place, step)


def without(data: Any, place: Place) -> Any:
    """Return a file in which one value is not known."""
    return replaced(data, place, "${NOTHING}")


def replaced(data: Any, place: Place, value: Any) -> Any:
    """Return a file with another value at a place."""
    other = copy.deepcopy(data)
    around = other
    for step in place[:-1]:
        around = around[step]
    around[place[-1]] = value
    return other


@pytest.fixture(scope="module", autouse=True)
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the files name stands beside them."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "images").symlink_to(EXAMPLES / "images")
    (folder / "D").write_text("FROM scratch\n")
    with contextlib.chdir(folder):
        yield


FILES = [yaml.safe_load(text) for text in (RICH, *(each.read_text() for each in sorted(EXAMPLES.glob("*.yaml"))))]
VALUES = st.one_of([st.tuples(st.just(data), st.sampled_from(list(places(data)))) for data in FILES])


@pytest.mark.parametrize("data", FILES, ids=lambda data: data["name"])
def test_what_is_broken_in_these_tests_is_right(data: Any) -> None:
    assert found(data) == []


@given(VALUES)
def test_what_follows_from_a_value_that_is_not_known_is_not_told_as_well(broken: tuple[Any, Place]) -> None:
    told = found(without(*broken))
    assert len(told) == 1, told
    assert NOTHING in told[0]


@given(VALUES)
def test_what_does_not_follow_from_it_is_told_beside_it(broken: tuple[Any, Place]) -> None:
    data, place = broken
    strange: dict[str, Any] = {"namespaces": {"strange": {"sysctls": {"kernel.x": 1}}}, "bridges": {"odd": {"mtu": 60}}}
    more = {section: {**data.get(section, {}), **entry} for section, entry in strange.items()}
    told = found(without({**data, **more}, place))
    expected = {"namespaces": "kernel.x is not of a network namespace", "bridges": "60 is too small"}
    for section, message in expected.items():
        assert place == (section,) or any(message in each for each in told), told
    assert any(NOTHING in each for each in told)


JUNK: list[Any] = yaml.safe_load("""
[~, true, false, -1, 0, 5, 1.5, 1180591620717411303424, [], {}, [~], [[]], [{}], {x: ~}, {x-y: 1}, {a b: {}}, "", " ",
 "a\\nb", "a:b:c", a--b, é, $$, "9", /, ., .., ~nobody-here/x, host, bridge, always, images, D, 10.0.0.300, 10.0.0.1,
 10.0.0.1/24, 0.0.0.0/0, "fd00::/64", "::", 1-2, 2-1, "80:80", "ff:ff:ff:ff:ff:ff", "service:web", "container:db",
 "service:", web, db, red, lan, br0, "red:eth0"]
""")
JUNK += ["x" * 300, "9" * 400]


@given(st.sampled_from(FILES), st.data())
def test_whatever_is_wrong_gets_lines_with_places_and_never_a_traceback(data: Any, drawn: st.DataObject) -> None:
    for _ in range(drawn.draw(st.integers(1, 3))):
        data = replaced(data, drawn.draw(st.sampled_from(list(places(data)))), drawn.draw(st.sampled_from(JUNK)))
    for each in found(data):
        assert re.fullmatch(r"t\.yaml:[0-9]+:[0-9]+: [^\n]+", each)


EXAMPLE_OF_MANY = """
name: all
bridges: {br0: {mtu: 60}, br1: {namespace: nope}, br2: {namespace: wrong!}}
namespaces: {wrong!: }
containers:
  a: {image: "x:1", depends_on: [zz], tty: "${UNSET}"}
  a1: {}
  b: {image: 5x, network_mode: brigde, links: [a], ports: ["80:80"]}
  c: {image: "x:1", env_file: [nowhere, {path: 5, format: raw}, gone]}
veths:
  - [a:eth7, 5]
  - [a:eth8 10.0.0.1/24, br9]
  - [br0, b:eth0]
"""


TOLD_OF_MANY = """
bridges.br0.mtu: 60 is too small: at least 68
bridges.br1.namespace: there is no 'nope' in namespaces
bridges.br2.namespace: 'wrong!' is not a name of letters, digits, '_', '.' and single '-' (e.g. web)
namespaces: 'wrong!' is not a name of letters, digits, '_', '.' and single '-' (e.g. web)
containers.a.depends_on[0]: there is no 'zz' in containers
containers.a.tty: variable 'UNSET' is not set (set it, write ${UNSET:-default}, or $$UNSET for itself)
containers.a1: the container has neither 'image' nor 'build' (e.g. image: busybox:1.36)
containers.b.network_mode: 'brigde' is not a network mode: none, bridge, host, service:NAME or container:NAME (e.g. none)
containers.c.env_file[0]: there is no file 'nowhere'
containers.c.env_file[1]: unknown attribute 'format' (a word of Compose's, not part of this language)
containers.c.env_file[2]: there is no file 'gone'
veths[0][1]: there is no node '5'
veths[1][1]: there is no node 'br9' (did you mean 'br1'?)
""".strip()


def test_every_stage_tells_what_it_finds_with_its_place_as_the_file_counts() -> None:
    assert [each.partition(" ")[2] for each in found(EXAMPLE_OF_MANY)] == TOLD_OF_MANY.splitlines()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("include: gone.yaml\nveths: [[far:a, red:b]]", ["there is no file 'gone.yaml'"]),
        ("include: broken.yaml\nbridges: {b: {namespace: far}}", ["found undefined alias"]),
        ("include: ['${UNSET}']\nveths: [[far:a, red:b]]", ["variable 'UNSET' is not set"]),
        ("<<: 5\nveths: [[far:a, red:b]]", ["can only merge mappings"]),
        ("services: {}\nimages: {i: {commit: c}}", ["unknown attribute 'services'"]),
        ("x-a: &a {<<: 5}\ncontainers: {c: {<<: *a}}", ["can only merge mappings"] * 2),
        ("include: wrong.yaml\nveths: [[far:a, red:b]]", ["expected a mapping of names to namespaces"]),
        ("bridges: {b: {namespace: 'a b', ports: [b]}}\nveths: [[b, host:x]]", ["'a b' is not a name"]),
        ("defaults: 5\ncontainers: {c: }", ["expected a mapping with 'containers'"]),
        ("defaults: {containers: 5}\ncontainers: {c: }", ["expected a mapping, not 5"]),
        (
            "defaults: {containers: {imaeg: x}}\ncontainers: {c: , d: {image: 'x y'}}",
            ["did you mean 'image'?", "'x y' is"],
        ),
        (
            "defaults: {containers: {networks: [lan]}}\ncontainers: {c: {image: x, networks: 5}}",
            ["expected a list of n"],
        ),
        ("name: 'a b'\nnamespaces: {r: {sysctls: {a.b: 1}}}", ["given twice", "a.b is not of a network namespace"]),
    ],
)
def test_what_is_missing_for_another_reason_is_not_told_as_well(more: str, told: list[str]) -> None:
    Path("broken.yaml").write_text("namespaces: {a: *b}")
    Path("wrong.yaml").write_text("namespaces: 5")
    lines = found(f"name: t\n{more}\n")
    assert len(lines) == len(told), lines
    assert all(message in each for each, message in zip(lines, told, strict=True)), lines


@pytest.mark.parametrize("name", ["'a b'", "${UNSET}", ""])
def test_a_topology_without_a_right_name_is_looked_at_all_the_same(name: str) -> None:
    assert len(found(f"name: {name}\nveths: [[red:a, blue:b]]\n")) == 3
