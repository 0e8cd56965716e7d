"""Whatever stands in a file: a topology or lines that say what is wrong, and the same whichever way it is read."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path

import pytest
from fuzz.found import FOUND
from fuzz.oracle import check, files

ALL = os.environ.get("RECONCILER_TEST_ALL")
SECONDS = 600 if ALL else 10
TESTS = Path(__file__).parent
REQUIRED = os.environ.get("CI") == "true" and sys.version_info < (3, 15) and os.uname().machine == "x86_64"
"""There are wheels of the fuzzer for these."""


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("content", FOUND)
def test_what_the_fuzzer_found_once_is_told_in_lines(content: bytes) -> None:
    assert check(files(content)) == (FOUND[content],)


@pytest.mark.usefixtures("folder")
def test_an_input_is_cut_into_files_of_which_some_are_included() -> None:
    found = check(files(b"name: x\ninclude: one.yaml\n== one.yaml\nx-a: $A\n== .env\nA=1\n== ../out\n"))
    assert not isinstance(found, tuple)


@pytest.mark.skipif(not (REQUIRED or find_spec("atheris")), reason="atheris, the fuzzer, cannot be had here")
def test_a_coverage_guided_fuzzer_finds_nothing(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """For ten minutes with RECONCILER_TEST_ALL, otherwise for ten seconds."""
    seed = zlib.crc32(str(pytestconfig.option.hypothesis_seed).encode()) % 2**31 or 1
    arguments = ["--seconds", str(SECONDS), "--seed", str(seed)]
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", *arguments, "--findings", str(tmp_path)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS + 120,
    )
    said = "\n".join(done.stderr.splitlines()[-60:])
    assert done.returncode == 0, f"python -m fuzz {' '.join(arguments)}\n{said}"
    assert list(tmp_path.iterdir()) == []
    assert int(done.stderr.partition("number_of_executed_units:")[2].split()[0]) > SECONDS
