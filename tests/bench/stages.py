"""Run a topology's stages one by one, each by the clock: `python -m bench.stages apply|destroy FILE`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from bench.nouns import Sample

T = TypeVar("T")


def main() -> None:
    """Do it, and print the seconds of each stage as JSON."""
    act, file = sys.argv[1:]
    seconds: dict[str, float] = {}

    def timed(name: str, function: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = function()
        seconds[name] = time.perf_counter() - began
        return result

    import reconciler
    from reconciler.kinds import kinds

    host, known = reconciler.Host(), kinds()
    declared = timed("load", lambda: reconciler.load(file))
    observed = timed("observe", lambda: reconciler.observe(host, declared))
    desired = declared if act == "apply" else reconciler.Topology(declared.name, source=declared.source)
    keep = {each for each, kind in known.items() if kind.kept}
    changes = timed("diff", lambda: reconciler.diff(desired, observed, keep=keep))
    plan = timed("plan", lambda: reconciler.plan(changes))
    report = timed("execute", lambda: reconciler.execute(plan, host))
    if report.failed:
        sys.exit(str(report.failed[0].error))
    print(json.dumps({"seconds": seconds}))


def sample(told: dict[str, Any]) -> Sample:
    """Make a sample of the steps alone."""
    return Sample(told["seconds"]["execute"], parts=told["seconds"])


if __name__ == "__main__":
    main()
