"""The lock between two runs on one topology, on a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.lab import NOWHERE, REQUIRED, started

pytestmark = pytest.mark.live

SLOW = "namespaces: {red: {exec: ['sleep 3']}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    tmp_path.joinpath("topology.yaml").write_text(f"name: t{uuid.uuid4().hex[:6]}\n{SLOW}")
    yield tmp_path
    with begun(tmp_path, "destroy") as process:
        assert process.wait(timeout=60) == 0


def begun(folder: Path, *arguments: str, alone: bool = False) -> subprocess.Popen[str]:
    return started(folder, *arguments, before=["unshare", "--net"] if alone else [], environment=NOWHERE)


def at_work(folder: Path) -> subprocess.Popen[str]:
    """An apply that has the lock and is in the midst of its work."""
    process = begun(folder, "apply")
    assert process.stderr
    assert "create namespace/red" in process.stderr.readline()
    return process


def test_a_second_apply_waits_says_for_whom_and_finds_nothing_to_do(folder: Path) -> None:
    with at_work(folder) as first, begun(folder, "apply") as second:
        output, errors = second.communicate(timeout=60)
        assert first.wait(timeout=60) == 0
    assert second.returncode == 0
    assert errors.startswith(f"waiting for pid {first.pid} ({sys.executable} -m reconciler apply), since 20")
    assert errors.count("\n") == 1
    assert output == "Plan: nothing to do; 1 unchanged.\n"


def test_a_lock_dies_with_its_holder_and_the_next_run_finishes_the_job(folder: Path) -> None:
    with at_work(folder) as first, begun(folder, "apply") as second:
        assert second.stderr
        assert second.stderr.readline().startswith(f"waiting for pid {first.pid} ")
        first.kill()
        output, _ = second.communicate(timeout=60)
    assert first.returncode == -9
    assert second.returncode == 0
    assert "  + exec/red" in output
    assert "Steps: 1 applied, 0 failed, 0 skipped.\n" in output


def test_a_lock_is_one_of_its_network_namespace(folder: Path) -> None:
    with at_work(folder) as first, begun(folder, "destroy", "--lock-timeout", "0") as second:
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 5
        assert "locked by pid" in errors
        assert first.wait(timeout=60) == 0
    with begun(folder, "destroy", "--lock-timeout", "0", alone=True) as third:
        assert third.wait(timeout=60) == 0
