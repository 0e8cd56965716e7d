"""The fixtures of the live tests: a lab for each, an engine's client, an image made without any registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import snapshot, watched
from live.faulty import Door
from live.lab import ENGINE, IMAGE, REQUIRED, Engineless, Lab, busybox_tar, run
from live.proxy import Proxy
from reconciler.errors import ReconcilerError
from reconciler.host import Host

FIRST = "reconciler-test/first"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    _insist_on_root()
    made = Lab(tmp_path)
    yield made
    report = made.destroy()
    assert report.converged, [str(each.error) for each in report.outcomes if each.error] or report.remaining


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Lab]:
    """A lab where there is no engine."""
    _insist_on_root()
    made = Lab(tmp_path)
    made.host = Engineless()
    yield made
    assert made.destroy().converged


@pytest.fixture
def door(lab: Lab, engine: Any) -> Iterator[Door]:
    """A lab whose engine is behind a proxy that lets calls go wrong."""
    (lab.folder / "busybox.tar").write_bytes(busybox_tar())
    (lab.folder / "Dockerfile").write_text(f"FROM {lab.name}/made:1\n")
    direct = lab.host
    with Proxy(ENGINE, lab.folder, lambda call: call.replace(lab.name, "LAB")) as proxy:
        yield Door(lab, proxy, engine)
    lab.host = direct


def _insist_on_root() -> None:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")


@pytest.fixture(scope="session")
def engine() -> Any:
    """The engine's client; the test skips visibly where no engine answers, and fails where one must."""
    try:
        api = Host().engine.api
    except ReconcilerError as error:
        return pytest.fail(str(error)) if REQUIRED else pytest.skip(str(error))
    _used(api)
    return api


def _used(api: Any) -> None:
    """Have had a container and an IPv6 network: the first ones change the host for good, which is no trace of a test."""
    pool = {"Config": [{"Subnet": "172.31.219.0/24"}, {"Subnet": "fd66:219::/64"}]}
    api.remove_network(api.create_network(FIRST.replace("/", "-"), enable_ipv6=True, ipam=pool)["Id"])
    api.import_image_from_data(busybox_tar(), repository=FIRST, tag="latest")
    made = api.create_container(FIRST, ["true"])
    try:
        api.start(made)
        api.wait(made)
    finally:
        api.remove_container(made, force=True)
        api.remove_image(FIRST, force=True)


@pytest.fixture(scope="session")
def image(engine: Any) -> Iterator[str]:
    """A busybox image made without any registry; it is removed at the end."""
    engine.import_image_from_data(busybox_tar(), repository=IMAGE.partition(":")[0], tag="latest", changes=["CMD sh"])
    yield IMAGE
    engine.remove_image(IMAGE, force=True)


@pytest.fixture(scope="module")
def rest(engine: Any, image: str) -> dict[str, Any]:
    """The host before all the tests of a module."""
    return snapshot.at_rest(engine)


@pytest.fixture
def untouched(rest: dict[str, Any], engine: Any) -> Iterator[None]:
    """Insist that a test, when all that it set up is destroyed, has left the host as it was."""
    yield
    assert snapshot.differences(rest, snapshot.settled(rest, engine)) == {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how long it took until what drifted was mended."""
    for name, seconds in watched.TOOK.items():
        terminalreporter.write_line(f"mended by a watch in {seconds * 1000:5.0f} ms: {name}")


__all__ = ["IMAGE", "REQUIRED", "Lab", "run"]
