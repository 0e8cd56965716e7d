"""What touches no machine, measured inside an interpreter: `python -m bench.pure parse|load|plan FILE [profiled]`.

Profiled, it tells where the time goes as well, which takes time itself.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

Cost = dict[str, Any]
Told = dict[str, Cost]
Timer = Callable[[Callable[[], object]], Cost]
_PART = 100


def main() -> None:
    """Do it, and print what it took as JSON, by act."""
    what, file, *profiled = sys.argv[1:]
    acts: dict[str, Callable[[str, Timer], Told]] = {"parse": parse, "load": load, "plan": plan}
    print(json.dumps(acts[what](file, _profiled if profiled else _timed)))


def parse(file: str, timed: Timer) -> Told:
    """Read the file with the C parser and nothing else."""
    import yaml

    text = Path(file).read_text()
    return {"load": timed(lambda: yaml.load(text, Loader=yaml.CSafeLoader))}


def load(file: str, timed: Timer) -> Told:
    """Load it with all the checks; the imports are made before, as for the parser."""
    import reconciler

    tiny = Path(file).with_name("tiny.yaml")
    tiny.write_text("name: tiny\nnamespaces: {red: }\n")
    reconciler.load(tiny)
    return {"load": timed(lambda: reconciler.load(file))}


def plan(file: str, timed: Timer) -> Told:
    """Compare and plan: where there is nothing, where all is as declared, and where one in a hundred differs."""
    import reconciler
    from reconciler.kinds import kinds

    known, desired, same = kinds(), reconciler.load(file), reconciler.load(file)
    changed = {key: _drifted(each) if not n % _PART else each for n, (key, each) in enumerate(same.resources.items())}
    cases = {
        "all new": reconciler.Topology(desired.name),
        "all equal": same,
        "1 % changed": replace(same, resources=MappingProxyType(changed)),
    }

    def planned(observed: reconciler.Topology) -> list[Any]:
        return list(reconciler.plan(reconciler.diff(desired, observed, kinds=known), kinds=known).ordered)

    gc.collect()
    gc.freeze()
    gc.disable()  # as good as the command does, whose objects are all needed to the end
    return {name: timed(lambda observed=observed: planned(observed)) for name, observed in cases.items()}  # type: ignore[misc]


def _drifted(resource: Any) -> Any:
    """Change what can be changed in place, or else let the resource be absent from sight."""
    fields = {"cpu_shares": 77, "aliases": ("drifted",), "state": "paused"}
    for name, value in fields.items():
        if hasattr(resource.spec, name):
            return replace(resource, spec=replace(resource.spec, **{name: value}))
    return resource


def _profiled(function: Callable[[], object]) -> Cost:
    from bench.sampler import sampled

    return {"cpu": 0.0, **sampled(function)[1]}


def _timed(function: Callable[[], object]) -> Cost:
    cpu, began = time.process_time(), time.perf_counter()
    function()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
