"""How an act is measured: by the clock, and by what the kernel says that its processes took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.nouns import Sample

PYTHON = str(Path(sys.executable).resolve())
"""The interpreter itself: a version manager's shim in front of it takes longer than it does."""
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
TESTS = Path(__file__).parents[1]
_MB = 1024  # ru_maxrss is in KB


class Failed(Exception):
    """A side could not do its act, so that there is nothing to compare."""


def command(*argv: str, text: str | None = None, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end; it and its children are measured (wait4(2))."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
        given.write(text or "")
        given.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(
            argv, stdin=given, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise Failed(f"{' '.join(argv)}: exit code {process.returncode}\n{output.read()[-3000:]}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _MB)


def reconciler(*arguments: str) -> Sample:
    """Run our command."""
    return command(RECONCILER, *arguments)


def called(function: Callable[[], object]) -> Sample:
    """Call a function here; what it and its children computed is counted."""
    before, began = _cpu(), time.perf_counter()
    function()
    return Sample(time.perf_counter() - began, _cpu() - before)


def inside(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this suite in an interpreter of its own, and return what it tells as JSON at its end."""
    done = subprocess.run(
        [*runs(module), *arguments], capture_output=True, text=True, env={**os.environ, **surroundings()}, check=False
    )
    if done.returncode:
        raise Failed(f"{module} {' '.join(arguments)}: {(done.stderr or done.stdout)[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def runs(module: str) -> list[str]:
    """Return the command that runs a module of this suite, in its `surroundings`."""
    return [sys.executable, "-m", f"bench.{module}"]


def surroundings() -> dict[str, str]:
    """Return the variables with which an interpreter finds this suite."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))}


def added(samples: Sequence[Sample]) -> Sample:
    """Count several acts as one."""
    return Sample(
        sum(each.seconds for each in samples),
        sum(each.cpu for each in samples),
        max(each.memory for each in samples),
    )


def _cpu() -> float:
    found = (resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in found)
