"""A kernel that does not have what a topology takes: exit 4, and one line that says what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.lab import NOWHERE, run
from live.test_cli import NAMESPACES, Cli, made
from reconciler.host import Host
from reconciler.host.netlink import BRIDGE, VETH

pytestmark = pytest.mark.live

UNKNOWN = "rtnowhere"
"""A type of link that no kernel has: what is said of it is what is said of any other that is missing."""
SCRIPT = """
import sys
from reconciler.cli import main
from reconciler.host.netlink import bridges, links
from reconciler.kinds.bridge import BridgeKind
from reconciler.kinds.veth import VethKind
made, asked = sys.argv[1:3]
links.VETH = bridges.BRIDGE = made
VethKind.link = BridgeKind.link = asked
sys.argv[:3] = ["reconciler"]
main()
"""
"""The command where the links to be made are of another type, and those that are asked about before of yet another."""
TEXT = f"{NAMESPACES}bridges: {{br0: }}\n"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Cli]:
    yield from made(tmp_path, NOWHERE)


def without(cli: Cli, *, asked: str) -> Cli:
    """Let a command run on a kernel that has neither veth pairs nor bridges."""
    cli.program = [sys.executable, "-c", SCRIPT, UNKNOWN, asked]
    return cli


def test_a_type_of_link_is_asked_about_without_making_one(kernel: Cli) -> None:
    before = run("ip", "-o", "link")
    assert [Host().lacks(each) for each in (VETH, BRIDGE, UNKNOWN)] == [False, False, True]
    assert run("ip", "-o", "link") == before


def test_a_type_of_link_that_is_missing_is_named_in_one_line_before_the_first_step(kernel: Cli) -> None:
    kernel.write(TEXT)
    program = kernel.program
    said = (
        rf"error: bridge/br0 and 1 more: this kernel has no {UNKNOWN}: `modprobe {UNKNOWN}`, or boot one that has it\n"
    )
    done = without(kernel, asked=UNKNOWN)("apply")
    assert (done.returncode, done.stdout) == (4, "")
    assert re.fullmatch(said, done.stderr)
    assert kernel.name not in run("ip", "netns")
    done = kernel("plan", "--out", "plan.json")
    assert (done.returncode, "Plan: 4 to create; 0 unchanged.\n" in done.stdout) == (4, True)
    assert re.fullmatch(said, done.stderr)
    assert not (kernel.folder / "plan.json").exists()
    kernel.write("namespaces: {red: }\n")
    assert kernel("apply").returncode == 0, "what does not take it is done"
    kernel.program = program


def test_what_only_the_making_brings_to_light_is_told_of_the_step(kernel: Cli) -> None:
    kernel.write(TEXT)
    program = kernel.program
    done = without(kernel, asked=VETH)("apply")
    kernel.program = program
    assert done.returncode == 1
    assert "Steps: 2 applied, 2 failed, 0 skipped.\n" in done.stdout
    for key in ("bridge/br0", "veth/blue:eth0--red:eth0"):
        assert re.search(
            rf"^  failed      create {key}  {key}: Operation not supported \(netlink: Unknown device type\): "
            r"this kernel lacks what that takes: load its module, or do without it$",
            done.stdout,
            re.MULTILINE,
        ), done.stdout
