"""Topologies of the real world at random, small and valid, and what of one must be left alone on the way to another.

What there is, is drawn, so that a failure shrinks to few entries; what each is like comes from a seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from live.made_up import NODES, PAIRS, SUBNETS, Entries, Entry, end_of, entry
from live.sound import sound

_KERNEL = [
    *(f"namespaces/{name}" for name in "abc"),
    *(f"bridges/{name}" for name in ("br0", "br1")),
    *(f"veths/{number}" for number in PAIRS if int(number) <= 8),
    "host/",
]
_ENGINE = [
    *(f"networks/{name}" for name in SUBNETS),
    "volumes/v1",
    "images/own",
    "images/built",
    *(f"containers/{name}" for name in "xyz"),
    *(f"veths/{number}" for number in PAIRS if int(number) > 8),
]


def text(entries: Entries) -> str:
    """Write a topology: JSON is YAML; `@` stands for the topology's name."""
    sections: dict[str, Any] = {}
    for key, each in entries.items():
        section, _, name = key.partition("/")
        if section == "veths":
            sections.setdefault(section, []).append(each)
        elif section == "host":
            sections[section] = each
        else:
            sections.setdefault(section, {})[name] = each
    return "".join(f"{name}: {json.dumps(each)}\n" for name, each in sections.items())


# Drawing


def _made_up(keys: list[str], seed: int) -> Entries:
    return {key: entry(key, random.Random(f"{seed} {key}")) for key in keys}


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
        return {f"{NODES[kind]}/{node}" if kind in NODES else "host" for kind, node, _ in ends}
    if section == "bridges":
        return {f"namespaces/{entry['namespace']}"} if "namespace" in entry else set()
    return set(_grounds_of_container(entry)) if section == "containers" else set()


def _grounds_of_container(entry: Entry) -> Iterator[str]:
    if entry["image"] in ("own", "built"):
        yield f"images/{entry['image']}"
    mode, _, other = entry.get("network_mode", "").partition(":")
    if mode == "service":
        yield f"containers/{other}"
