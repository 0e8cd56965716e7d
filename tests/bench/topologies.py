"""The files that the works are about, of any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

IMAGE = "reconciler-bench/busybox:latest"
COMMAND = ["sleep", "86400"]
NAME, FLOOR_NAME = "bench", "floor"
_OCTET = 250
_NUMBERS = cycle(range(100, 240))


def written(folder: Path, name: str, text: str) -> str:
    """Write a file, and return where it is."""
    path = folder / name
    path.write_text(text)
    return str(path)


def boxes(count: int) -> list[str]:
    """Name so many containers."""
    return [f"c{number}" for number in range(count)]


def next_network(prefix: str) -> tuple[str, str]:
    """Return the name and the subnet of a network that none before it has.

    An engine before 28.1 may count a network's endpoints wrongly where many come and go at once, and keeps it then
    until it is restarted: what comes after that is not to find it in the way.
    """
    number = next(_NUMBERS)
    return f"{prefix}{number}", f"10.{number}.0.0/16"


def on_network(count: int) -> str:
    """Containers on one bridge network, which no other topology has."""
    name, subnet = next_network(NAME)
    entries = "".join(f"  {each}: {{networks: [lan]}}\n" for each in boxes(count))
    networks = f"networks: {{lan: {{ipam: {{config: [{{subnet: {subnet}}}]}}}}}}\n"
    return f"{_head(name)}{networks}containers:\n{entries}"


def by_veths(count: int, *, per: int = 2) -> str:
    """Containers without a Docker network, each joined with the next ones by an addressed pair."""
    entries = "".join(f"  {each}: {{network_mode: none}}\n" for each in boxes(count))
    return f"{_head()}containers:\n{entries}veths:\n{''.join(map(_line, ring(count, per=per)))}"


def ring(count: int, *, per: int) -> Iterator[tuple[str, str, int]]:
    """Join each container with the next ones; a pair is its two containers and its number."""
    for number in range(count * per):
        yield f"c{number % count}", f"c{(number + 1 + number // count) % count}", number


def namespaces(pairs: int, *, prefix: str = NAME) -> list[str]:
    """A tenth as many namespaces as pairs."""
    return [f"{prefix}{number}" for number in range(max(2, pairs // 10))]


def kernel_pairs(pairs: int, *, prefix: str = NAME) -> Iterator[tuple[str, str, int]]:
    """The pairs of a ring of namespaces."""
    spaces = namespaces(pairs, prefix=prefix)
    for number in range(pairs):
        yield spaces[number % len(spaces)], spaces[(number + 1) % len(spaces)], number


def kernel(pairs: int) -> str:
    """Addressed pairs over namespaces, and nothing of Docker."""
    entries = "".join(f"  {each}:\n" for each in namespaces(pairs))
    return f"name: {NAME}\nprefix: ''\nnamespaces:\n{entries}veths:\n{''.join(map(_line, kernel_pairs(pairs)))}"


def star(leaves: int) -> str:
    """A bridge and so many namespaces around it."""
    entries = "".join(f"  h{number}:\n" for number in range(leaves))
    ends = "".join(
        f"  - [h{number}:eth0 10.0.{number // _OCTET}.{number % _OCTET + 1}/16, s1]\n" for number in range(leaves)
    )
    return f"name: {NAME}\nnamespaces:\n{entries}bridges: {{s1: }}\nveths:\n{ends}"


def declared(count: int) -> str:
    """Containers as people write them, some 240 characters each."""
    volumes = "".join(f"  v{number}:\n" for number in range(min(count, 100)))
    entries = "".join(map(_entry, range(count)))
    return f"name: {NAME}\nnetworks: {{lan: }}\nvolumes:\n{volumes}containers:\n{entries}"


def address(pair: int, last: int) -> str:
    """The address of an end of a pair; 1 is the first end, 2 the second."""
    return f"10.{pair // _OCTET}.{pair % _OCTET}.{last}/24"


def _head(name: str = NAME) -> str:
    defaults = f'{{containers: {{image: "{IMAGE}", init: true, command: {json.dumps(COMMAND)}}}}}'
    return f"name: {name}\ndefaults: {defaults}\n"


def _line(pair: tuple[str, str, int]) -> str:
    left, right, number = pair
    return f"  - [{left}:l{number} {address(number, 1)}, {right}:r{number} {address(number, 2)}]\n"


def _entry(number: int) -> str:
    return f"""\
  c{number}:
    image: busybox:1.{number % 30}
    command: [sleep, "{number}"]
    environment: {{A: "{number}", B: "two", NAME: c{number}}}
    networks: [lan]
    ports: ["{10000 + number}:80"]
    volumes: ["v{number % 100}:/data"]
    labels: {{tier: "{number % 7}"}}
"""
