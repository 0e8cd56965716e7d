"""What is compared: rows, their sides, what one act cost, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

OURS, PROFILED, STEPS = "reconciler", "profile", "its steps alone"
FLOOR = "floor"


@dataclass(frozen=True)
class Sample:
    """What one act cost: seconds by the clock and of the processor (its processes together), MB of memory at most.

    `parts` says where the seconds went, where that was looked at; `round` is when it was.
    """

    seconds: float
    cpu: float = 0.0
    memory: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)
    round: int = 0


Course = Callable[[], Iterator[tuple[str, Sample]]]
"""Does one act after the other, and tells what each cost; what it leaves behind it clears away, whatever happens."""


@dataclass(frozen=True)
class Side:
    """One of those that do the same work; `missing` tells why it cannot take part here. `once`: in one round only."""

    name: str
    course: Course
    missing: Callable[[], str] = str
    once: bool = False


@dataclass(frozen=True)
class Bound:
    """What an act of ours may cost: so many times what the rival's costs, and some seconds; without a rival, so much.

    `newer` is the factor on an engine of 23.0 and later, `by` whose act of ours it is, `of` what is counted.
    """

    act: str
    most: float
    rival: str = ""
    their_act: str = ""
    newer: float | None = None
    plus: float = 0.0
    by: str = OURS
    of: str = "seconds"
    unit: str = "×"


@dataclass(frozen=True)
class Row:
    """One work, all who do it, and its bounds; rows of one family differ in size alone."""

    name: str
    title: str
    sides: tuple[Side, ...]
    bounds: tuple[Bound, ...] = ()
    family: str = ""
    size: int = 0
    rounds: int | None = None


@dataclass(frozen=True)
class Growth:
    """By how much acts may grow with their family's size: the steepest slope between two sizes, both logarithmic.

    `last` bounds how many times the largest may cost what the one before it costs.
    """

    family: str
    acts: tuple[str, ...]
    most: float = 1.1
    last: float | None = None


@dataclass(frozen=True)
class Scale:
    """How large and how often."""

    rounds: int
    containers: tuple[int, ...]
    among: int
    pairs: tuple[int, ...]
    star: int
    declared: int
    resources: tuple[int, ...]
    watched: int
    idle: float


FULL = Scale(5, (10, 20, 40), 200, (100, 1000, 10_000), 100, 5000, (100, 1000, 10_000), 10_000, 30.0)
QUICK = Scale(1, (4, 8), 8, (30, 100), 10, 300, (100, 1000), 100, 3.0)
