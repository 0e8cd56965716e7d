"""Golden plans: what is there, what is wanted, and the whole plan; each is carried out as well.

RECONCILER_TEST_WRITE=1 writes the plans anew, to be read before they are believed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx
import pytest
import yaml
from entries import host_with, topology
from memory import KINDS, MemoryHost

from reconciler import reconcile
from reconciler.errors import ReconcilerError
from reconciler.model import Plan, ResourceKey, Step, StepKey, Topology
from reconciler.reconcile import Options
from reconciler.render import plan_lines

GOLDEN = Path(__file__).parent / "golden"


def read(folder: Path) -> tuple[MemoryHost, Topology, Options]:
    """Read what is there, what is wanted, and under which options."""
    desired = yaml.safe_load((folder / "desired.yaml").read_text()) or {}
    options = {name: _option(name, value) for name, value in (desired.pop("options", None) or {}).items()}
    observed = yaml.safe_load((folder / "observed.yaml").read_text()) or {}
    return host_with(_entries(observed)), topology(_entries(desired)), Options(**options)


def _entries(given: dict[str, Any]) -> dict[str, Any]:
    return {key: entry or {} for key, entry in given.items()}


def _option(name: str, value: Any) -> Any:
    if name == "keep":
        return frozenset(value)
    return tuple(ResourceKey.of(each) for each in value) if isinstance(value, list) else value


def text(made: Plan) -> str:
    """The plan as people see it, then each step with what it waits for."""
    return "\n".join([*plan_lines(made.changes), "", *(line for step in made.ordered for line in _lines(step, made))])


def _lines(step: Step, made: Plan) -> list[str]:
    carried = f", carried by {step.carried_by}" if step.carried_by else ""
    hangs = f", if changed: {', '.join(map(str, step.change.if_changed))}" if step.change.if_changed else ""
    return [f"{step.key}{carried}{hangs}", *(f"  after {each}" for each in _before(step.key, made))]


def _before(key: StepKey, made: Plan) -> list[StepKey]:
    return sorted(networkx.transitive_reduction(made.graph).predecessors(key))


def plan_of(folder: Path) -> str:
    host, desired, options = read(folder)
    try:
        return text(reconcile.prepare(desired, host, kinds=KINDS, options=options)) + "\n"
    except ReconcilerError as error:
        return f"{type(error).__name__}: {error}\n"


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_the_plan_is_the_golden_one_and_does_what_it_says(folder: Path) -> None:
    made = plan_of(folder)
    if os.environ.get("RECONCILER_TEST_WRITE"):
        (folder / "plan.txt").write_text(made)
    assert made == (folder / "plan.txt").read_text()
    if not made.startswith("Conflict"):
        host, desired, options = read(folder)
        report = reconcile.apply(desired, host, kinds=KINDS, options=options)
        assert report.converged, [(str(each.step.key), str(each.error)) for each in report.outcomes if each.error]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_plans_do_not_depend_on_how_a_process_hashes(seed: str) -> None:
    code = "from test_golden import *; print(*(plan_of(each) for each in sorted(GOLDEN.iterdir())), sep='', end='')"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(GOLDEN.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "".join((each / "plan.txt").read_text() for each in sorted(GOLDEN.iterdir()))
