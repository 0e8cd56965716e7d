"""One thing changed among many containers that run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import peers
from bench.measure import reconciler
from bench.nouns import OURS, PROFILED, Bound, Row, Sample, Scale, Side
from bench.ours import Runner, course, profiled
from bench.topologies import by_veths, written

PAIR = "[c0:l0 10.0.0.1/24, c1:r0 10.0.0.2/24]"
ADDED = "one veth added"
CHANGES = {
    ADDED: ("veths:\n", "veths:\n  - [c0:more 10.245.0.1/24, c1:more 10.245.0.2/24]\n"),
    "one MTU changed": (PAIR, f"{{endpoints: {PAIR}, mtu: 1400}}"),
    "one address changed": (PAIR, PAIR.replace("10.0.0.2", "10.0.0.3")),
    "one network connected": ("networks: [calm]", "networks: [calm, lan]"),
}


def rows(scale: Scale, folder: Path) -> list[Row]:
    """The changes, against looking at all that and finding nothing to do."""
    place = folder / "changes"
    place.mkdir(exist_ok=True)
    files = _files(place, scale.among)
    bounds = (
        *(Bound(change, 1.5, OURS, "no-op") for change in CHANGES),
        *(Bound(change, 0.5, peers.CONTAINERLAB, ADDED) for change in CHANGES),
    )
    title = f"one change among {scale.among} running containers"
    mine = (
        Side(OURS, partial(_course, reconciler, files)),
        Side(PROFILED, partial(_course, profiled, files), once=True),
    )
    return [Row("changes", title, (*mine, peers.containerlab(place, scale.among, per=1, edits=True)), bounds)]


def _course(runner: Runner, files: dict[str, str]) -> Iterator[tuple[str, Sample]]:
    before = files["before"]
    acts = [("", ["apply", before])]
    for change in CHANGES:
        acts += [("no-op", ["apply", before]), (change, ["apply", files[change]]), ("", ["apply", before])]
    return course(runner, acts, before, lambda: None)


def _files(place: Path, count: int) -> dict[str, str]:
    """The topology, and for each change the one that differs by that alone."""
    text = by_veths(count, per=1)
    text = text.replace("containers:\n", "networks: {calm: , lan: }\ncontainers:\n")
    text = text.replace("  c2: {network_mode: none}", "  c2: {networks: [calm]}")
    files = {"before": written(place, "before.yaml", text)}
    for number, (change, (old, new)) in enumerate(CHANGES.items()):
        assert old in text, change
        files[change] = written(place, f"change-{number}.yaml", text.replace(old, new))
    return files
