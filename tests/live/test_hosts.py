"""Several hosts on one machine: each run belongs to that of the network namespace that it lives in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from live.lab import NOWHERE, Lab

pytestmark = pytest.mark.live

OURS = """
namespaces: {red: , blue: }
bridges: {br0: {forward: false}}
veths: [[red:eth0 10.98.1.1/30, blue:eth0 10.98.1.2/30], [red:eth1 10.98.2.2/24, br0]]
"""
WITHIN = """
prefix: within-
namespaces: {red: }
bridges: {br0: {addresses: [10.98.3.1/24], forward: false}}
veths: [[red:eth0 10.98.3.2/24, br0]]
host: {routes: [{to: 10.98.4.0/24, via: 10.98.3.2}, {to: 10.98.5.0/24, via: 10.98.1.2}]}
"""
BESIDE = 'mount -t tmpfs none /run/netns && ip link set lo up && for each; do "$0" -m reconciler $each || exit; done'
"""Runs commands as a host beside this one: in a network namespace, and with names of namespaces, of its own."""


def reconciler(folder: Path, *argv: str) -> tuple[int, str]:
    """Run a command line that ends in one of the reconciler's; its exit code and output."""
    environment = {**os.environ, **NOWHERE}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_same_file_in_a_host_beside_this_one_is_a_topology_of_its_own(lab: Lab) -> None:
    lab.apply(OURS)
    beside = ("unshare", "--mount", "--net", "sh", "-c", BESIDE, sys.executable)
    code, output = reconciler(lab.folder, *beside, "apply", "plan", "destroy")
    assert code == 0, output
    assert "Plan: 5 to create; 0 unchanged." in output
    assert "Plan: nothing to do; 5 unchanged." in output
    assert "Plan: 5 to delete; 0 unchanged." in output
    assert lab.tells(OURS) == {}


def test_a_namespace_of_ours_that_is_a_host_by_itself_keeps_what_it_made(lab: Lab) -> None:
    lab.apply(OURS)
    inside = ("nsenter", f"--net=/run/netns/{lab.name}-red", sys.executable, "-m", "reconciler")
    code, output = reconciler(lab.folder, *inside, "plan")
    assert code == 4
    assert f"held by namespace {lab.name}-blue, which is not ours" in output, "both see the same names"

    lab.folder.joinpath("within.yaml").write_text(f"name: {lab.name}\n{WITHIN}")
    code, output = reconciler(lab.folder, *inside, "apply", "within.yaml")
    try:
        assert code == 0, output
        assert lab.tells(OURS) == {}
        assert reconciler(lab.folder, *inside, "plan", "within.yaml", "--detailed-exitcode")[0] == 0
    finally:
        code, output = reconciler(lab.folder, *inside, "destroy", "within.yaml")
    assert "Plan: 5 to delete; 0 unchanged." in output
    assert code == 0, output
    assert lab.tells(OURS) == {}
