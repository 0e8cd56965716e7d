"""What the engine under test perhaps cannot do, on engines of the tests' own that can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from live.boxes import Json, R, alone, inside, text
from live.daemon import Daemon, Rootless
from live.lab import Lab, busybox_tar
from reconciler.host import Host

pytestmark = pytest.mark.live

IMAGES = {"made": {"import": {"path": "busybox.tar"}}}
OLD, MKNOD = (1 << 38) - 1, 27
"""Capabilities by their numbers (linux/capability.h): all that an old engine knows, and one of them."""
MADE: Json = {"image": "made"}


@contextmanager
def running(daemon: Daemon, lab: Lab) -> Iterator[Lab]:
    """A lab on an engine of its own."""
    direct = lab.host
    (lab.folder / "busybox.tar").write_bytes(busybox_tar())
    try:
        daemon.start()
        lab.host = Host(engine_url=daemon.url, wait_timeout=60, kill=True)
        yield lab
        assert lab.destroy().converged
    finally:
        lab.host = direct
        daemon.close()


@pytest.fixture
def capable(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab on an engine that lacks no capability."""
    with running(Rootless(tmp_path_factory.mktemp("d")), lab) as made:
        yield made


def bounds(lab: Lab, name: str) -> int:
    """The capabilities that a container may have at most."""
    status = inside(lab, name, "cat", "/proc/self/status")[1]
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd")), 16)


def test_a_privileged_container_has_all_capabilities_and_one_that_is_so_no_more_has_not(capable: Lab) -> None:
    plain, privileged, added = (
        text({"box": alone(**MADE, **each)}, images=IMAGES)
        for each in ({}, {"privileged": True}, {"cap_add": ["ALL"], "cap_drop": ["MKNOD"]})
    )
    capable.apply(privileged)
    everything = bounds(capable, "box")
    assert everything & OLD == OLD
    assert inside(capable, "box", "mount", "-t", "tmpfs", "none", "/tmp")[0] == 0
    for file, path in ((plain, "privileged"), (privileged, "privileged"), (added, "cap_add")):
        action, paths = capable.tells(file)["container/box"]
        assert (action, path in paths) == (R, True)
        capable.apply(file)
    assert bounds(capable, "box") == everything & ~(1 << MKNOD), "all but CAP_MKNOD"
    capable.apply(plain)
    assert 0 < bounds(capable, "box") < everything
    assert inside(capable, "box", "mount", "-t", "tmpfs", "none", "/tmp")[0] != 0
