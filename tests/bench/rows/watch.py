"""A watch: what it costs while nothing happens, and how soon it mends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from live.watched import RECONCILER, Watched, is_mended, moment, settled

from bench import sampler
from bench.ip import batch, settle
from bench.measure import Failed, reconciler, runs, surroundings
from bench.nouns import OURS, PROFILED, Bound, Row, Sample, Scale, Side
from bench.topologies import kernel, namespaces, written

IDLE, DRIFTED, STEP = "nothing happens, share of a core", "event to mended", "the step itself"
Act = Callable[[Watched], Iterator[tuple[str, Sample]]]
_EVENTS = 5


def rows(scale: Scale, folder: Path) -> list[Row]:
    """A watch over very many interfaces."""
    pairs = scale.watched // 2
    place = folder / "watch"
    place.mkdir(exist_ok=True)
    written(place, "topology.yaml", kernel(pairs))
    bounds = (
        Bound(IDLE, 0.005, of="cpu", unit=" of a core"),
        Bound(DRIFTED, 1.5, OURS, STEP, plus=0.1),
    )
    title = f"watch over {scale.watched:,} interfaces"
    sides = (
        Side(OURS, partial(_course, place, partial(_measured, pairs, scale.idle))),
        Side(PROFILED, partial(_course, place, partial(_profiled, pairs), *runs("sampler"), sampler.HEARD), once=True),
    )
    return [Row("watch", title, sides, bounds, rounds=1)]


def _course(place: Path, act: Act, *command: str) -> Iterator[tuple[str, Sample]]:
    file = str(place / "topology.yaml")
    try:
        reconciler("apply", file)
        with Watched(place, "--resync", "3600", environment=surroundings(), command=command or RECONCILER) as watch:
            yield from act(watch.is_up())
    except AssertionError as error:
        raise Failed(str(error)) from error
    finally:
        reconciler("destroy", file)
        settle()


def _measured(pairs: int, seconds: float, watch: Watched) -> Iterator[tuple[str, Sample]]:
    settled(watch, quiet=1.0)
    yield IDLE, _idle(watch, seconds)
    for number in range(_EVENTS):
        yield from _mended(watch, number % pairs, namespaces(pairs))


def _profiled(pairs: int, watch: Watched) -> Iterator[tuple[str, Sample]]:
    """Look at where the time of mending goes, once the first is done; waiting for the events is none of it."""
    seconds = []
    for number in range(1 + _EVENTS):
        if number == 1:
            watch.process.send_signal(sampler.AFRESH)
        found = dict(_mended(watch, number % pairs, namespaces(pairs)))
        seconds.append(found[DRIFTED].seconds)
    watch.process.send_signal(sampler.TELL)
    parts = watch.until(lambda each: "parts" in each)["parts"]
    parts.pop(sampler.WAITING, None)
    yield DRIFTED, Sample(median(seconds[1:]), parts=parts)


def _idle(watch: Watched, seconds: float) -> Sample:
    before, began = _computed(watch), time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - began
    return Sample(took, (_computed(watch) - before) / took)


def _mended(watch: Watched, pair: int, spaces: list[str]) -> Iterator[tuple[str, Sample]]:
    """Take the address from an end of a pair, and wait until it is there again."""
    left, right = spaces[pair % len(spaces)], spaces[(pair + 1) % len(spaces)]
    key = f"veth/{'--'.join(sorted((f'{left}:l{pair}', f'{right}:r{pair}')))}"
    after, began = len(watch.words), time.time()
    batch([f"address flush dev l{pair}"], "ip", "-n", left)
    word = watch.until(lambda each: is_mended(each, key), after=after)
    yield DRIFTED, Sample(moment(word["time"]) - began)
    yield STEP, Sample(word.get("seconds", 0.0))


def _computed(watch: Watched) -> float:
    return watch.cost()[1]
