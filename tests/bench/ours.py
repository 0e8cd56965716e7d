"""Our own sides of a row: the command as it is, with a look at where its time goes, and its steps alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench import stages
from bench.ip import settle
from bench.measure import Failed, inside, reconciler
from bench.nouns import OURS, PROFILED, STEPS, Sample, Side

Acts = Sequence[tuple[str, Sequence[str]]]
"""What each act is called, and the command's arguments."""
Runner = Callable[..., Sample]
_MISCOUNTED = "the engine has lost count"


def sides(
    acts: Acts, file: str, *, begin: Callable[[], object] = lambda: None, clear: Callable[[], None] = lambda: None
) -> tuple[Side, Side]:
    """The command, and once the same with its time looked at."""

    def begun(runner: Runner) -> Iterator[tuple[str, Sample]]:
        begin()
        yield from course(runner, acts, file, clear)

    return Side(OURS, lambda: begun(reconciler)), Side(PROFILED, lambda: begun(profiled), once=True)


def steps_alone(file: str) -> Side:
    """The steps without all that is around them: no start, no file, no look before and after."""

    def run() -> Iterator[tuple[str, Sample]]:
        try:
            yield "fresh", stages.sample(inside("stages", "apply", file))
            yield "destroy", stages.sample(inside("stages", "destroy", file))
        finally:
            _gone(file)
            settle()

    return Side(STEPS, run)


def course(runner: Runner, acts: Acts, file: str, clear: Callable[[], None]) -> Iterator[tuple[str, Sample]]:
    """Run the acts; an act without a name is not measured. Nothing of the topology is left."""
    try:
        for name, arguments in acts:
            sample = (runner if name else reconciler)(*arguments)
            if name:
                yield name, sample
    finally:
        _gone(file)
        clear()


def profiled(*arguments: str) -> Sample:
    """Run our command in an interpreter that looks at its threads."""
    told = inside("sampler", *arguments)
    return Sample(told["seconds"], parts=told["parts"])


def _gone(file: str) -> None:
    try:
        reconciler("destroy", file, "--now", "--volumes")
    except Failed as error:
        if _MISCOUNTED in str(error):  # an empty network stays, which nobody looks at any more
            raise
        raise SystemExit(f"{file} is not gone: {error}") from error
