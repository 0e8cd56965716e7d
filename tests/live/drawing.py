"""Topologies of the real world at random, small and valid, and what of one must be left alone on the way to another.

What there is, is drawn, so that a failure shrinks to few entries; what each is like comes from a seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

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
SUBNETS = {"n1": ("172.31.221.0/24", "172.31.222.0/24"), "n2": ("172.31.223.0/24", "172.31.222.0/24")}
_KERNEL = [
    *(f"namespaces/{name}" for name in "abc"),
    *(f"bridges/{name}" for name in ("br0", "br1")),
    *(f"veths/{number}" for number in PAIRS if int(number) <= 8),
]
_ENGINE = [
    *(f"networks/{name}" for name in SUBNETS),
    "volumes/v1",
    "images/own",
    *(f"containers/{name}" for name in "xyz"),
    *(f"veths/{number}" for number in PAIRS if int(number) > 8),
]
_NODES = {"namespace": "namespaces", "bridge": "bridges", "container": "containers", "network": "networks"}


def end_of(text: str) -> tuple[str, str, str]:
    """Read an end's kind of node, its node and its interface."""
    node, _, interface = text.partition(":")
    found = {"h": "host", **dict.fromkeys("abc", "namespace"), **dict.fromkeys("xyz", "container")}
    return found.get(node[0], "bridge" if node.startswith("br") else "network"), node, interface


# What each is like


def _entry(key: str, chance: random.Random) -> Entry:
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
    return {
        "ipam": {"config": [{"subnet": chance.choice(SUBNETS[name])}]},
        "internal": chance.choice([None, None, True]),
        "labels": chance.choice([None, None, {"colour": "red"}]),
    }


def _container(name: str, chance: random.Random) -> Entry:
    state = chance.choice([None] * 8 + ["paused", "stopped", "created", "completed"])
    joined = chance.choice([[], ["n1"], ["n1"], ["n2"], ["n1", "n2"]])
    return {
        "image": chance.choice([BASE["image"], BASE["image"], "own"]),
        "init": True,
        "command": ["true"] if state == "completed" else BASE["command"],
        "state": state,
        "environment": chance.choice([None, {"COLOUR": "red"}, {"COLOUR": "blue"}]),
        "mem_limit": chance.choice([None, "64m", "96m"]),
        "restart": chance.choice([None, None, "unless-stopped"]) if state is None else None,
        "volumes": chance.choice([None, ["v1:/data"]]),
        "networks": {each: _joined(name, each, chance) for each in joined},
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
    }


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
    "images": lambda _, chance: {"import": {"path": "root.tar", "changes": [f"ENV N={chance.randint(1, 2)}"]}},
}


# What a file may say


def sound(entries: Entries) -> Entries:
    """Take out what a file may not say: nodes that are not there, and what only one may have."""
    found: Entries = {key: dict(each) for key, each in entries.items() if not key.startswith("veths/")}
    for each in (each for key, each in list(found.items()) if key == "bridges/br1"):
        if f"namespaces/{each['namespace']}" not in found:
            del found["bridges/br1"]
    _containers(found)
    taken: set[str] = set()
    for key in sorted(each for each in entries if each.startswith("veths/")):
        ends = [end_of(each) for each in PAIRS[key.partition("/")[2]]]
        if all(_is_there(end, found) for end in ends) and not taken & {f"{node}:{i}" for _, node, i in ends if i}:
            taken |= {f"{node}:{i}" for _, node, i in ends if i}
            found[key] = _with_addresses_of_its_own(entries[key], taken)
    _routes(found)
    return found


def _is_there(end: tuple[str, str, str], found: Entries) -> bool:
    kind, node, _ = end
    if kind == "host":
        return True
    entry = found.get(f"{_NODES[kind]}/{node}")
    return entry is not None and entry.get("state") not in ("stopped", "created", "completed")


def _with_addresses_of_its_own(entry: Entry, taken: set[str]) -> Entry:
    ends = []
    for end in entry["endpoints"]:
        free = [each for each in end.get("addresses", ()) if each not in taken]
        taken.update(free)
        ends.append({**end, "addresses": free} if "addresses" in end else end)
    return {**entry, "endpoints": ends}


def _containers(found: Entries) -> None:
    subnets: set[str] = set()
    for key in [each for each in found if each.startswith("networks/")]:
        subnet = found[key]["ipam"]["config"][0]["subnet"]
        if subnet in subnets:
            del found[key]
        subnets.add(subnet)
    taken: set[str] = set()
    for key in [each for each in found if each.startswith("containers/")]:
        found[key] = _container_of(found, found[key], key[-1], taken)


def _container_of(found: Entries, entry: Entry, name: str, taken: set[str]) -> Entry:
    joined = {
        network: _its_address(each, found[f"networks/{network}"], taken)
        for network, each in entry["networks"].items()
        if f"networks/{network}" in found
    }
    reach: Entry = {"networks": joined} if joined else {"network_mode": "none", "ports": None}
    made = {**entry, "networks": None, **reach}
    if not _linked(found, entry.get("links"), name):
        made["links"] = None
    # Only on one that comes before it, lest there be a circle.
    others = [each for each in made.get("depends_on", ()) if each < name and _runs(found, each)]
    made["depends_on"] = others or None
    for attribute in ("ports", "container_name"):
        text = str(made.get(attribute))
        made[attribute] = None if text in taken else made.get(attribute)
        taken.add(text)
    if "images/own" not in found:
        made["image"] = BASE["image"]
    if "volumes/v1" not in found:
        made["volumes"] = None
    return {attribute: each for attribute, each in made.items() if each is not None}


def _linked(found: Entries, links: list[str] | None, name: str) -> bool:
    """Tell whether what is linked to is another container, on one of the same networks."""
    target = links[0].partition(":")[0] if links else name
    there = found.get(f"containers/{target}", {}).get("networks", {})
    mine = found[f"containers/{name}"]["networks"] if target != name else {}
    return any(network in there and f"networks/{network}" in found for network in mine)


def _runs(found: Entries, name: str) -> bool:
    entry = found.get(f"containers/{name}")
    return entry is not None and "state" not in entry


def _its_address(joined: Entry, network: Entry, taken: set[str]) -> Entry:
    if "ipv4_address" not in joined:
        return joined
    address = network["ipam"]["config"][0]["subnet"].replace("0/24", joined["ipv4_address"])
    mine = {} if address in taken else {"ipv4_address": address}
    taken.add(address)
    return {**{name: each for name, each in joined.items() if name != "ipv4_address"}, **mine}


def _routes(found: Entries) -> None:
    """Turn wishes for routes into routes by the interfaces that are there and up."""
    for key in [each for each in found if each.startswith(("namespaces/", "containers/"))]:
        hints, hops = found[key].pop("routes", ()), _hops(found, key.partition("/")[2])
        if found[key].get("state") in ("stopped", "created", "completed"):
            hops = []
        routes = {
            f"10.200.{to}.0/24": [hops[(to + n) % len(hops)] for n in range(min(many, len(hops)))]
            for to, many in hints
            if hops
        }
        if routes:
            found[key]["routes"] = [{"to": to, "via": via} for to, via in sorted(routes.items())]


def _hops(found: Entries, node: str) -> list[str]:
    ends = [
        end
        for key in sorted(found)
        if key.startswith("veths/")
        for end in found[key]["endpoints"]
        if node in (end.get("namespace"), end.get("container")) and end.get("up", True)
    ]
    addresses = [each for end in ends for each in end.get("addresses", ()) if "." in each]
    return sorted({each.rpartition(".")[0] + ".254" for each in addresses})


def text(entries: Entries) -> str:
    """Write a topology: JSON is YAML; `@` stands for the topology's name."""
    sections: dict[str, Any] = {}
    for key, each in entries.items():
        section, _, name = key.partition("/")
        if section == "veths":
            sections.setdefault(section, []).append(each)
        else:
            sections.setdefault(section, {})[name] = each
    return "".join(f"{name}: {json.dumps(each)}\n" for name, each in sections.items())


# Drawing


def _made_up(keys: list[str], seed: int) -> Entries:
    return {key: _entry(key, random.Random(f"{seed} {key}")) for key in keys}


_seeds = st.integers(0, 2**32 - 1)


@st.composite
def transitions(draw: st.DrawFn, *, engine: bool = False) -> tuple[Entries, Entries]:
    """Draw what was and what is to be, of which most is often as it was."""
    universe = [*_KERNEL, *(_ENGINE if engine else [])]
    keys = [key for key in universe if draw(st.integers(0, 3))]
    before = _made_up(keys, draw(_seeds))
    changed = _made_up([key for key in universe if draw(st.integers(0, 3)) == 1], draw(_seeds))
    gone = [key for key in keys if draw(st.integers(0, 6)) == 1]
    return sound(before), sound({key: each for key, each in (before | changed).items() if key not in gone})


# What must be left alone


def kept(before: Entries, after: Entries) -> set[str]:
    """What is equal in both, and stands on nothing that is not."""
    same = {key for key, each in before.items() if after.get(key) == each}
    while fallen := {key for key in same if not _grounds(key, before[key]) <= {*same, "host"}}:
        same -= fallen
    return same


def _grounds(key: str, entry: Entry) -> set[str]:
    """What an entry falls with."""
    section = key.partition("/")[0]
    if section == "veths":
        ends = [end_of(each) for each in PAIRS[key.partition("/")[2]]]
        return {f"{_NODES[kind]}/{node}" if kind in _NODES else "host" for kind, node, _ in ends}
    if section == "bridges":
        return {f"namespaces/{entry['namespace']}"} if "namespace" in entry else set()
    return {"images/own"} if section == "containers" and entry["image"] == "own" else set()
