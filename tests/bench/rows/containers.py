"""Containers made, looked at and removed: on a bridge network, and joined by addressed pairs without any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from bench import ip, peers
from bench.engine import Containers
from bench.measure import called
from bench.nouns import FLOOR, Bound, Growth, Row, Sample, Scale, Side
from bench.ours import sides
from bench.topologies import by_veths, on_network, written

WORKERS = (1, 2, 4, 8)
READY = 1.0
"""Seconds after which an init is sure to take a signal: before that a first process loses it."""
GROWTHS = (Growth("on a network", ("fresh", "no-op", "destroy")), Growth("by veths", ("fresh", "no-op", "destroy")))
_ENDS = Bound("destroy", 1.10, FLOOR), Bound("destroy --now", 1.10, FLOOR)
ON_NETWORK = (
    Bound("fresh", 1.08, FLOOR, newer=1.12),
    Bound("fresh", 0.65, peers.COMPOSE_5),
    Bound("fresh", 0.95, peers.COMPOSE_1),
    Bound("no-op", 3.0, peers.COMPOSE_5),
    Bound("no-op", 0.30, peers.COMPOSE_1),
    Bound("no-op", 0.06, peers.TERRAFORM),
    *_ENDS,
    Bound("destroy", 0.75, peers.COMPOSE_5),
    Bound("destroy", 0.90, peers.COMPOSE_1),
)
BY_VETHS = (
    Bound("fresh", 1.10, FLOOR, newer=1.15),
    Bound("fresh", 0.5, peers.CONTAINERLAB),
    Bound("no-op", 0.4, peers.CONTAINERLAB),
    *_ENDS,
    Bound("destroy", 0.75, peers.CONTAINERLAB),
)


def rows(scale: Scale, folder: Path) -> list[Row]:
    """Both at several sizes; bounds and peers at the largest."""
    return [
        row(folder, count, full=count == scale.containers[-1])
        for row in (_on_network, _by_veths)
        for count in scale.containers
    ]


def _on_network(folder: Path, count: int, *, full: bool) -> Row:
    file = str(folder / f"network-{count}.yaml")
    mine = sides(_acts(file), file, begin=lambda: written(folder, f"network-{count}.yaml", on_network(count)))
    place = folder / f"peers-{count}"
    place.mkdir(exist_ok=True)
    rivals = (*peers.composes(place, count), peers.terraform(place, count)) if full else ()
    floor = Side(FLOOR, partial(_floor, count, network=True))
    return Row(
        f"network-{count}",
        f"{count} containers on one bridge network",
        (*mine, floor, *rivals),
        ON_NETWORK if full else (),
        "on a network",
        count,
    )


def _by_veths(folder: Path, count: int, *, full: bool) -> Row:
    file = written(folder, f"veths-{count}.yaml", by_veths(count))
    place = folder / f"lab-{count}"
    place.mkdir(exist_ok=True)
    rivals = (peers.containerlab(place, count, per=2),) if full else ()
    floor = Side(FLOOR, partial(_floor, count, network=False))
    return Row(
        f"joined-{count}",
        f"{count} containers joined by {2 * count} addressed veths",
        (*sides(_acts(file), file), floor, *rivals),
        BY_VETHS if full else (),
        "by veths",
        count,
    )


def _acts(file: str) -> list[tuple[str, list[str]]]:
    return [
        ("fresh", ["apply", file]),
        ("no-op", ["apply", file]),
        ("destroy", ["destroy", file]),
        ("fresh", ["apply", file]),
        ("destroy --now", ["destroy", file, "--now"]),
    ]


def _floor(count: int, *, network: bool) -> Iterator[tuple[str, Sample]]:
    """The bare client, by the number of workers that was the best at making them."""
    floor = Containers(count, network=network, workers=_best(count, network))

    def make() -> None:
        floor.make()
        if not network:
            ip.between_containers(floor.pids())

    try:
        yield "fresh", called(make)
        yield "no-op", called(floor.look)
        time.sleep(READY)
        yield "destroy", called(floor.end)
        yield "fresh", called(make)
        yield "destroy --now", called(floor.kill)
    finally:
        floor.clear()


@cache
def _best(count: int, network: bool) -> int:
    seconds = {}
    for workers in WORKERS:
        floor = Containers(count, network=network, workers=workers)
        try:
            seconds[workers] = called(floor.make).seconds
        finally:
            floor.clear()
    return min(seconds, key=seconds.__getitem__)
