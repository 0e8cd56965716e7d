"""The unit file for systemd, as the README shows it."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import FileInvalid, HostRefuses

CHECKOUT = Path(__file__).parents[1]
UNIT = CHECKOUT / "systemd/reconciler-watch@.service"


def test_the_readme_shows_the_unit_as_it_is() -> None:
    assert f"```ini\n{UNIT.read_text()}```" in (CHECKOUT / "README.md").read_text()


def test_the_unit_says_what_the_command_does() -> None:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(UNIT)
    service = parsed["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == [str(FileInvalid.exit_code), str(HostRefuses.exit_code)]
    assert service["SuccessExitStatus"] == str(128 + 15)
    assert service["ExecStart"].split()[1:] == ["watch", "/etc/reconciler/%i.yaml"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "reconciler-watch@lab.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/reconciler", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "reconciler-watch" not in done.stdout + done.stderr
