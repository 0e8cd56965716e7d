"""What an apply waits for, and what it finds when it looks again: through the command."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.lab import IMAGE, NOWHERE
from live.test_cli import NAMESPACES, Cli, made
from reconciler.host import netns
from reconciler.host.netlink import Socket, set_link

pytestmark = pytest.mark.live


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Cli]:
    yield from made(tmp_path, NOWHERE)


@pytest.fixture
def cli(tmp_path: Path, engine: Any, image: str) -> Iterator[Cli]:
    del engine, image
    yield from made(tmp_path, {})


SLOW = f"""
defaults: {{containers: {{image: "{IMAGE}", init: true, network_mode: none, command: [sleep, "600"]}}}}
containers:
  db: {{healthcheck: {{test: [CMD, "true"], interval: 600s}}}}
  web: {{depends_on: [db]}}
"""
"""A container that is not healthy before ten minutes are over."""


def test_without_waiting_an_apply_is_done_when_all_is_started(cli: Cli, engine: Any) -> None:
    cli.write(SLOW)
    done = cli("apply", "--no-wait")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Steps: 4 applied, 0 failed, 0 skipped.\n" in done.stdout
    assert "wait" not in done.stderr
    assert engine.inspect_container(f"{cli.name}-db")["State"]["Health"]["Status"] == "starting"
    assert cli("plan", "--detailed-exitcode").returncode == 0


def test_with_waiting_it_is_not_done_before_all_is_healthy(cli: Cli) -> None:
    cli.write(SLOW)
    done = cli("apply", "--wait-timeout", "500ms")
    assert done.returncode == 1
    assert re.search(
        r"^  failed      wait process/db \(healthy\)  .*is not healthy after 0.5 s", done.stdout, re.MULTILINE
    )
    assert "Still different:" not in done.stdout, "it is what it is to be, and not ready"


def test_what_one_container_says_that_it_waits_for_is_waited_for_in_any_case(cli: Cli) -> None:
    cli.write(SLOW.replace("[db]", "{db: {condition: service_healthy}}"))
    done = cli("apply", "--no-wait", "--wait-timeout", "500ms")
    assert done.returncode == 1
    assert re.search(
        r"^  failed      wait process/db \(healthy\)  .*is not healthy after 0.5 s", done.stdout, re.MULTILINE
    )
    assert "  skipped     create process/web  " in done.stdout


@contextlib.contextmanager
def contrary(namespace: str, interface: str, mtu: int) -> Iterator[None]:
    """Somebody who sets an MTU again and again, whatever others set it to."""
    over = threading.Event()
    fd = netns.open_named(namespace)

    def insist() -> None:
        with Socket(fd) as inside:
            while not over.wait(0.001):
                inside.send([set_link(interface, mtu=mtu)])

    thread = threading.Thread(target=insist)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.close(fd)


def test_what_others_undo_at_once_is_still_different_though_every_step_went_well(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    assert kernel("apply").returncode == 0
    with contrary(f"{kernel.name}-red", "eth0", 1400):
        done = kernel("apply")
        told = kernel.told("apply")
    assert done.returncode == 1
    assert done.stdout.endswith(
        "Steps: 1 applied, 0 failed, 0 skipped.\n"
        "Still different:\n"
        "  ~ veth/blue:eth0--red:eth0     endpoints.red:eth0.mtu: 1400 → 1500\n"
    )
    assert (told["converged"], [each["status"] for each in told["outcomes"]]) == (False, ["done"])
    assert [each["key"] for each in told["remaining"]] == ["veth/blue:eth0--red:eth0"]
    assert kernel("apply").returncode == 0
