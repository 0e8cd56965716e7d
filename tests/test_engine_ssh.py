"""ssh that neither speaks nor ends: nothing waits for it for longer than one answer may take."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reconciler.host.engine.address import parse
from reconciler.host.engine.errors import NoWay
from reconciler.host.engine.ssh import SshLine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an ssh of the test's own is found first."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def ssh(folder: Path, script: str) -> None:
    path = folder / "ssh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_one_that_hangs_up_and_does_not_end_is_killed(folder: Path) -> None:
    ssh(folder, "exec <&- >&-; trap '' TERM; exec sleep 60")
    line = SshLine(parse("ssh://there"), timeout=0.3)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        line.recv(1)
    line.close()
    assert time.monotonic() - begun < 5
    assert line._process.returncode


def test_one_that_ends_says_why(folder: Path) -> None:
    ssh(folder, "echo no such host >&2; exit 255")
    line = SshLine(parse("ssh://there"), timeout=20)
    with pytest.raises(NoWay, match="ssh: no such host"):
        line.recv(1)
    line.close()


ALIVE = "-o ServerAliveInterval={} -o ServerAliveCountMax=3 "


@pytest.mark.parametrize(
    ("timeout", "given"),
    [
        *((120.0, "ConnectTimeout=120 "), (0.2, "ConnectTimeout=1 "), (0, "ConnectTimeout=1 ")),
        *((120.0, ALIVE.format(30)), (0.2, ALIVE.format(1))),
    ],
)
def test_it_has_as_long_to_connect_or_to_be_silent_as_one_answer_may_take(
    folder: Path, timeout: float, given: str
) -> None:
    ssh(folder, 'echo "$@" >&2; exit 1')
    line = SshLine(parse("ssh://there"), timeout=timeout)
    line.settimeout(20)
    with pytest.raises(NoWay, match=given):
        line.recv(1)
    line.close()
