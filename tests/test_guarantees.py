"""The counts that docs/guarantees.md names are those of the tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUARANTEES = (ROOT / "docs/guarantees.md").read_text()


def test_as_many_topologies_are_drawn_as_is_said() -> None:
    text = (ROOT / "tests/live/test_laws.py").read_text()
    (kernel, sample), (back, back_sample), (mixed, mixed_sample), (mixed_back, mixed_back_sample) = re.findall(
        r"max_examples=.*?(\d+) if MANY else (\d+)", text
    )
    assert f"{kernel} drawn transitions in the kernel alone, {mixed} with an engine" in GUARANTEES
    assert f"a sample of {sample} and {mixed_sample} in the plain run" in GUARANTEES
    assert f"{back} drawn in the kernel alone, {mixed_back} with an engine" in GUARANTEES
    assert f"a sample of {back_sample} and {mixed_back_sample} in the plain run" in GUARANTEES


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(?:tests/live/|tests/)?(test_\w+\*?\.py)`", GUARANTEES)
    assert len(named) > 30
    for each in named:
        assert [*ROOT.glob(f"tests/{each}"), *ROOT.glob(f"tests/live/{each}")], each
