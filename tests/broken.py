"""Topologies that say something of everything, where each of their values stands, and what can be put in its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

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


def places(value: Any, *place: str | int) -> Iterator[Place]:
    """Yield the place of every value of a file."""
    for step, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, step)
        yield from places(each, *place, step)


def replaced(data: Any, place: Place, value: Any) -> Any:
    """Return a file with another value at a place."""
    other = copy.deepcopy(data)
    around = other
    for step in place[:-1]:
        around = around[step]
    around[place[-1]] = value
    return other


FILES = [yaml.safe_load(text) for text in (RICH, *(each.read_text() for each in sorted(EXAMPLES.glob("*.yaml"))))]
JUNK: list[Any] = yaml.safe_load("""
[~, true, false, -1, 0, 5, 1.5, 1180591620717411303424, [], {}, [~], [[]], [{}], {x: ~}, {x-y: 1}, {a b: {}}, "", " ",
 "a\\nb", "a:b:c", a--b, é, $$, "9", /, ., .., ~nobody-here/x, host, bridge, always, images, D, 10.0.0.300, 10.0.0.1,
 10.0.0.1/24, 0.0.0.0/0, "fd00::/64", "::", 1-2, 2-1, "80:80", "ff:ff:ff:ff:ff:ff", "service:web", "container:db",
 "service:", web, db, red, lan, br0, "red:eth0"]
""")
JUNK += ["x" * 300, "9" * 400]
