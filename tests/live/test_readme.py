"""What the README shows: every whole topology applied, and the walk typed as it stands, with what it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.test_examples import CHECKOUT, RECONCILER, reconciler

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("lab")]

README = (CHECKOUT / "README.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
TYPED = re.findall(r"^\$ ((?:reconciler|ip) .*)\n((?:(?!\$ |```).*\n)*)", README, re.MULTILINE)
"""The commands of the walk, each with what it prints."""
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: str(yaml.safe_load(text)["name"]))
def test_an_example_of_the_readme_applies_rests_and_goes(text: str, tmp_path: Path, request: Any) -> None:
    if "containers" in yaml.safe_load(text):
        request.getfixturevalue("engine")
    (tmp_path / "topologies").symlink_to(CHECKOUT / "topologies")
    path = tmp_path / "topology.yaml"
    path.write_text(text)
    try:
        reconciler("apply", str(path))
        reconciler("plan", str(path), "--detailed-exitcode")
    finally:
        reconciler("destroy", str(path), "--volumes", "--images", "--now")


def test_the_walk_prints_what_the_readme_shows(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(BLOCKS[0])
    assert [command.split()[1] for command, _ in TYPED if command.startswith("reconciler")][-1] == "destroy"
    try:
        shown = [(command, MAC.sub("MAC", output)) for command, output in TYPED]
        assert [(command, MAC.sub("MAC", typed(command, tmp_path))) for command, _ in TYPED] == shown
    finally:
        reconciler("destroy", str(tmp_path / "topology.yaml"))


def test_what_it_says_of_python_runs(lab: Any) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lab.folder.joinpath("topology.yaml").write_text(f"name: {lab.name}\nnamespaces: {{red: }}\n")
    argv = [sys.executable, "-c", block]
    first, again = (subprocess.run(argv, cwd=lab.folder, capture_output=True, text=True, check=True) for _ in range(2))
    assert (first.stdout, again.stdout) == ("namespace/red create absent\n", "")


def typed(command: str, folder: Path) -> str:
    words = shlex.split(command.replace("reconciler", str(RECONCILER), 1))
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} → {done.returncode}\n{done.stderr}"
    return done.stdout
