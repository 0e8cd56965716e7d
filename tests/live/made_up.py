"""What each entry of a topology is like, made up by chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from live.boxes import BASE

Entry = dict[str, Any]
Entries = dict[str, Entry]
"""What a file declares, by `section/name`."""

PAIRS = {
    "1": ("a:e1", "b:e1"),
    "2": ("b:e2", "c:e1"),
    "3": ("a:e2", "c:e2"),
    "4": ("a:e3", "br0"),
    "5": ("b:e3", "br0"),
    "6": ("c:e3", "br1"),
    "7": ("a:e4", "host:h@"),
    "8": ("b:e1", "c:e4"),
    "11": ("x:net1", "a:e5"),
    "12": ("y:net1", "br0"),
    "13": ("x:net2", "y:net2"),
    "14": ("b:e5", "n1"),
    "15": ("z:net1", "br1"),
}
"""The ends of every veth that there may be; some take the same interface's name."""
SUBNETS_6 = {"n1": "fd66:221::/64", "n2": "fd66:223::/64"}
SUBNETS = {"n1": ("172.31.221.0/24", "172.31.222.0/24"), "n2": ("172.31.223.0/24", "172.31.222.0/24")}
NODES = {"namespace": "namespaces", "bridge": "bridges", "container": "containers", "network": "networks"}
HEALTHY = {"test": ["CMD", "true"], "interval": "100ms"}


def end_of(text: str) -> tuple[str, str, str]:
    """Read an end's kind of node, its node and its interface."""
    node, _, interface = text.partition(":")
    found = {"h": "host", **dict.fromkeys("abc", "namespace"), **dict.fromkeys("xyz", "container")}
    return found.get(node[0], "bridge" if node.startswith("br") else "network"), node, interface


def entry(key: str, chance: random.Random) -> Entry:
    section, _, name = key.partition("/")
    found = _MAKERS[section](name, chance)
    return {each: value for each, value in found.items() if value is not None}


def _namespace(_: str, chance: random.Random) -> Entry:
    return {
        "sysctls": chance.choice([None, {"net.ipv4.ip_forward": 1}, {"net.ipv4.conf.all.rp_filter": 2}]),
        "exec": chance.choice([None, None, ["true"], ["echo done"]]),
        "routes": _hints(chance),
    }


def _bridge(name: str, chance: random.Random) -> Entry:
    stp = chance.random() < 0.3
    return {
        "namespace": chance.choice("ab") if name == "br1" else None,
        "stp": stp or None,
        "priority": chance.choice([None, None, 4096]),
        "forward_delay": "4s" if stp else chance.choice([None, None, "8s"]),
        "ageing_time": chance.choice([None, None, "60s"]),
        "ports": chance.choice([None, None, ["@p"]]) if name == "br0" else None,
        "mtu": chance.choice([None, None, 1400]),
        "mac": chance.choice([None, None, "02:00:00:00:66:01" if name == "br0" else "02:00:00:00:66:02"]),
        "addresses": chance.choice([None, ["10.66.50.1/24"], ["10.66.51.1/24", "fd66:51::1/64"]])
        if name == "br0"
        else None,
        "forward": chance.choice([None, None, False]) if name == "br0" else None,
    }


def _veth(number: str, chance: random.Random) -> Entry:
    flip = chance.randrange(2)
    ends = [_end(each, number, 1 + (place + flip) % 2, chance) for place, each in enumerate(PAIRS[number])]
    return {"endpoints": ends, "mtu": chance.choice([None, None, 1400, 9000])}


def _end(text: str, number: str, last: int, chance: random.Random) -> Entry:
    kind, node, interface = end_of(text)
    if kind in ("bridge", "network"):
        cost, hairpin = chance.choice([None, None, 7]), chance.choice([None, None, True])
        found: Entry = {kind: node, "path_cost": cost, "hairpin": hairpin}
    else:
        shared = f"10.66.100.{chance.randint(1, 3)}/24"
        mine = chance.choice([f"10.66.{number}.{last}/24", f"10.66.{number}.{last}/24", shared, None])
        more = [f"fd66:{number}::{last}/64"] if chance.random() < 0.3 else []
        found = {
            kind: True if kind == "host" else node,
            "interface": interface,
            "addresses": [*([mine] if mine else []), *more],
            "mac": chance.choice([None, None, f"02:00:00:00:{int(number):02x}:0{last}"]),
            "up": chance.choice([None] * 5 + [False]),
        }
    return {name: value for name, value in found.items() if value is not None}


def _network(name: str, chance: random.Random) -> Entry:
    six = chance.random() < 0.3
    return {
        "enable_ipv6": six or None,
        "ipam": {"config": [{"subnet": chance.choice(SUBNETS[name])}, *([{"subnet": SUBNETS_6[name]}] if six else [])]},
        "internal": chance.choice([None, None, True]),
        "labels": chance.choice([None, None, {"colour": "red"}]),
    }


def _container(name: str, chance: random.Random) -> Entry:
    state = chance.choice([None] * 8 + ["paused", "stopped", "created", "completed"])
    joined = chance.choice([[], ["n1"], ["n1"], ["n2"], ["n1", "n2"]])
    return {
        "image": chance.choice([BASE["image"], BASE["image"], "own", "built"]),
        "init": True,
        "command": ["true"] if state == "completed" else BASE["command"],
        "state": state,
        "environment": chance.choice([None, {"COLOUR": "red"}, {"COLOUR": "blue"}]),
        "mem_limit": chance.choice([None, "64m", "96m"]),
        "restart": chance.choice([None, None, "unless-stopped"]) if state is None else None,
        "volumes": chance.choice([None, ["v1:/data"]]),
        "networks": {each: _joined(name, each, chance) for each in joined},
        "network_mode": chance.choice([None, None, None, f"service:{chance.choice('xy')}"]),
        "healthcheck": chance.choice([None, None, HEALTHY]) if state is None else None,
        "ports": chance.choice([None, None, [f"127.0.0.1:{chance.randint(8551, 8553)}:80"]]),
        "links": chance.choice([None, None, [f"{chance.choice('xyz')}:friend"]]),
        "depends_on": chance.choice([None, None, [chance.choice("xyz")]]),
        "container_name": chance.choice([None, None, None, f"@-{chance.choice(['one', 'two'])}"]),
        "exec": chance.choice([None, None, ["true"]]) if state is None else None,
        "routes": _hints(chance),
    }


def _joined(name: str, network: str, chance: random.Random) -> Entry:
    return {
        **({"aliases": [chance.choice(["red", "blue"])]} if chance.random() < 0.4 else {}),
        **({"ipv4_address": str(chance.randint(10, 12))} if chance.random() < 0.4 else {}),
        **({"ipv6_address": str(chance.randint(10, 12))} if chance.random() < 0.4 else {}),
        **({"mac_address": f"02:42:66:00:{ord(name):02x}:0{network[-1]}"} if chance.random() < 0.2 else {}),
    }


def _image(name: str, number: str) -> Entry:
    if name == "built":
        return {"build": {"context": "context", "args": {"N": number}}}
    return {"import": {"path": "root.tar", "changes": [f"ENV N={number}"]}}


def _hints(chance: random.Random) -> list[tuple[int, int]]:
    """Routes that are wanted: to which destination, by how many next hops."""
    return [(chance.randint(1, 3), chance.randint(1, 2)) for _ in range(chance.choice([0, 1, 1, 2]))]


_MAKERS: Mapping[str, Callable[[str, random.Random], Entry]] = {
    "namespaces": _namespace,
    "bridges": _bridge,
    "veths": _veth,
    "networks": _network,
    "containers": _container,
    "volumes": lambda *_: {},
    "images": lambda name, chance: _image(name, str(chance.randint(1, 2))),
    "host": lambda _, chance: {"routes": _hints(chance)},
}
