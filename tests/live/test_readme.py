"""Every whole topology of the README, applied by the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.test_examples import CHECKOUT, reconciler

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("lab")]

BLOCKS = re.findall(r"```yaml\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: str(yaml.safe_load(text)["name"]))
def test_an_example_of_the_readme_applies_rests_and_goes(text: str, tmp_path: Path, request: Any) -> None:
    if "containers" in yaml.safe_load(text):
        request.getfixturevalue("engine")
    (tmp_path / "images").symlink_to(CHECKOUT / "topologies" / "images")
    path = tmp_path / "topology.yaml"
    path.write_text(text)
    try:
        reconciler("apply", str(path))
        reconciler("plan", str(path), "--detailed-exitcode")
    finally:
        reconciler("destroy", str(path), "--volumes", "--images", "--now")
