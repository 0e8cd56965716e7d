"""What is installed: its name, what it takes, its licence, its types."""

from __future__ import annotations

from importlib import metadata, resources
from pathlib import Path

import pytest

from reconciler.version import __version__

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "topology-reconciler"


def test_the_distribution_is_what_it_says() -> None:
    told = metadata.metadata(DISTRIBUTION)
    assert (told["Name"], told["Version"]) == (DISTRIBUTION, __version__)
    assert told["Requires-Python"] == ">=3.11"
    assert told["License-Expression"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_it_brings_the_command_and_its_types() -> None:
    (command,) = [each for each in metadata.distribution(DISTRIBUTION).entry_points if each.group == "console_scripts"]
    assert (command.name, command.value) == ("reconciler", "reconciler.cli:main")
    assert resources.files("reconciler").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", ["pyroute2", "pytest", "mypy", "ruff", "matplotlib"])
def test_what_only_tests_need_is_not_installed_with_it(name: str) -> None:
    needed = metadata.requires(DISTRIBUTION) or []
    assert any(each.startswith(name) for each in needed)
    assert not any(each.startswith(name) for each in needed if "extra ==" not in each)
