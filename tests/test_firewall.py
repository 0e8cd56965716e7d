"""The firewall's lock in other hands: that is no empty firewall."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import NotNow
from reconciler.host import firewall

HELD = """#!/bin/sh
echo "$@" >> {told}
echo "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?" >&2
exit 4
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the command was told, of which there is one of the test's own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in firewall.FAMILIES:
        (tmp_path / name).write_text(HELD.format(told=tmp_path / "told"))
        (tmp_path / name).chmod(0o755)
    return tmp_path / "told"


@pytest.mark.parametrize(("patience", "seconds"), [(0, "0"), (0.2, "1"), (10.0, "10")])
def test_a_lock_that_is_held_for_too_long_is_told_with_its_option(told: Path, patience: float, seconds: str) -> None:
    with pytest.raises(NotNow, match=r"iptables -w .* holding the xtables lock.*: run again, or raise --patience"):
        firewall.look(patience)
    assert told.read_text() == f"-w {seconds} -S DOCKER-USER\n"


def test_any_other_refusal_means_that_there_is_nothing_to_pass_by(told: Path) -> None:
    for name in firewall.FAMILIES:
        told.with_name(name).write_text("#!/bin/sh\nexit 1\n")
    assert firewall.look(0).passing == {}
