"""Size against time, ours against each floor and peer, both logarithmic; one picture a family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.judge import points, steepest
from bench.nouns import OURS, PROFILED
from bench.run import Result


def draw(results: Sequence[Result], folder: Path) -> list[Path]:
    """Draw every family of which there are two sizes; nothing where there is no matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9}
    families = dict.fromkeys(each.row.family for each in results if each.row.family)
    return [path for family in families if (path := _drawn(results, family, folder))]


def _drawn(results: Sequence[Result], family: str, folder: Path) -> Path | None:
    from matplotlib import pyplot

    acts = dict.fromkeys(act for each in results if each.row.family == family for _, act in each.samples)
    if max((len(points(results, family, OURS, act)) for act in acts), default=0) <= 1:
        return None
    figure, places = pyplot.subplots(1, len(acts), figsize=(3.2 * len(acts), 3.4), squeeze=False, layout="constrained")
    for place, act in zip(places[0], acts, strict=True):
        for side in dict.fromkeys(side for each in results if each.row.family == family for side, _ in each.samples):
            found = points(results, family, side, act)
            if found and side != PROFILED:
                slope = steepest(found)
                label = side if slope is None else f"{side}, slope {slope:.2f}"
                place.loglog(*zip(*found, strict=True), marker="o", markersize=4, label=label)
        place.set(title=act, xlabel=family)
        place.grid(visible=True, which="both", linewidth=0.3)
        place.legend(fontsize=7)
    places[0][0].set_ylabel("seconds")
    path = folder / f"{family.replace(' ', '-')}.svg"
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
