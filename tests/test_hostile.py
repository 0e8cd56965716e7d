"""Malformed topologies: each gets its lines, with the place, the pointer and the words; never a traceback."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hostile_table import CASES, ENVIRONMENT, MAIN, Case, furnish, told

from reconciler.kinds import kinds
from reconciler.topology.violations import _MESSAGES

ENOUGH = 250


@pytest.fixture(scope="module", autouse=True)
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("beside")
    furnish(folder)
    with contextlib.chdir(folder):
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_a_malformed_topology_gets_its_lines(case: Case) -> None:
    assert told(case) == list(case.told)


def test_no_case_stands_twice_and_they_are_many() -> None:
    assert [text for text, count in Counter(str(case.files) for case in CASES).items() if count > 1] == []
    assert len(CASES) >= ENOUGH


def test_every_section_and_every_keyword_of_the_schema_is_broken_by_some(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: set[str] = set()

    def noting(say: Callable[[Any], Any], breach: Any) -> Any:
        broken.add(breach.keyword)
        return say(breach)

    for keyword, message in list(_MESSAGES.items()):
        monkeypatch.setitem(_MESSAGES, keyword, partial(noting, message))
    for case in CASES:
        told(case)
    assert broken == _MESSAGES.keys()
    lines = [line for case in CASES for line in case.told]
    sections = {kind.section for kind in kinds().values()} - {""}
    assert [each for each in sections if not any(f": {each}" in line for line in lines)] == []


def validate(folder: Path, case: Case) -> subprocess.CompletedProcess[str]:
    """Load a case with the real command, in a folder of its own."""
    for name, content in case.files.items():
        (folder / name).write_text(content)
    command = [sys.executable, "-m", "reconciler", "validate", MAIN]
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT}
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, capture_output=True, text=True, check=False
    )


def test_the_command_tells_the_same_in_one_line_each_and_exits_with_3(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Of all cases with RECONCILER_TEST_ALL, otherwise of some dozens."""
    count = len(CASES) if os.environ.get("RECONCILER_TEST_ALL") else 36
    sample = random.Random(pytestconfig.option.hypothesis_seed).sample(CASES, count)
    folders = [tmp_path / str(number) for number in range(count)]
    for folder in folders:
        folder.mkdir()
        furnish(folder)
    with ThreadPoolExecutor(2) as pool:
        for case, done in zip(sample, pool.map(validate, folders, sample), strict=True):
            assert (done.returncode, done.stdout) == (3, ""), (case, done)
            lines = [each.removeprefix(f"{MAIN}:") for each in done.stderr.splitlines()]
            assert lines == list(case.told), case
