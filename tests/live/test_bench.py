"""The measuring itself, with its smallest sizes: what it says of speed is not judged here, that it says it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("engine")]

TESTS = Path(__file__).parents[1]
ROWS = () if os.environ.get("RECONCILER_TEST_ALL") else ("start", "load")
"""All with RECONCILER_TEST_ALL."""
SIDES = {
    "start": {"reconciler", "profile", "bare interpreter"},
    "load-100": {"reconciler", "profile", "yaml.CSafeLoader"},
}


def test_the_suite_measures_each_side_and_writes_its_report(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--report", tmp_path, *ROWS],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    told = json.loads((tmp_path / "quick.json").read_text())
    sampled = {each["name"]: {sample["side"] for sample in each["samples"]} for each in told["rows"]}
    assert sampled.items() >= SIDES.items()
    assert all("profile" in sides for sides in sampled.values())
    assert all(sample["seconds"] > 0 for each in told["rows"] for sample in each["samples"])
    assert [each for each in told["lines"] if not each["value"] and each["note"].startswith("failed")] == []
    assert [each["act"] for each in told["lines"] if each["work"] == "start of the command" and each["value"]]
    report = (tmp_path / "README.md").read_text()
    for each in told["lines"]:
        assert each["work"] in done.stdout
        assert each["work"] in report
    assert "quick run" in report
