"""How many descriptors there may be, and what opens them where there are too few."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from reconciler.errors import HostRefuses
from reconciler.host import Host, descriptors
from reconciler.host.kernel import Reach, Where
from reconciler.model import HOST

Limits = tuple[int, int]
NONE = resource.RLIM_INFINITY


@pytest.fixture
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """The limits that there were, each after the one before."""
    found: list[Limits] = [request.param]
    monkeypatch.setattr(resource, "getrlimit", lambda _: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: found.append(both))
    return found


@pytest.mark.parametrize(
    ("limits", "allowed", "now"),
    [
        ((1024, 1024), 1024, (1024, 1024)),
        ((1024, 4096), 4096, (4096, 4096)),
        ((1024, 1 << 20), 65536, (65536, 1 << 20)),
        ((1 << 20, 1 << 20), 1 << 20, (1 << 20, 1 << 20)),
        ((1024, NONE), 65536, (65536, NONE)),
        ((NONE, NONE), 65536, (NONE, NONE)),
    ],
    indirect=["limits"],
)
def test_the_limit_is_raised_as_far_as_is_worth_it(limits: list[Limits], allowed: int, now: Limits) -> None:
    assert (descriptors.allowed(), limits[-1]) == (allowed, now)


@pytest.mark.parametrize(
    ("limits", "jobs", "steps"),
    [((40, 40), 8, 1), ((1024, 1024), 8, 28), ((1024, 1024), 1, 224), ((1024, NONE), 8, 2044)],
    indirect=["limits"],
)
def test_batches_beside_each_other_find_room_within_the_limit(limits: list[Limits], jobs: int, steps: int) -> None:
    del limits
    assert descriptors.steps_at_once(jobs) == steps


@pytest.mark.parametrize("limits", [(512, 512)], indirect=True)
def test_too_many_open_files_are_told_with_the_limit(limits: list[Limits]) -> None:
    del limits
    explained = Host().explain(OSError(errno.EMFILE, "Too many open files", "/proc/7/ns/net"))
    assert isinstance(explained, HostRefuses)
    said = "/proc/7/ns/net: Too many open files: this process may have 512 at once: raise `ulimit -Hn`"
    assert str(explained) == said


def test_what_was_opened_before_one_too_many_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> list[object]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("reconciler.host.kernel.reach.sockets", refused)
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(OSError, match="Too many open files"):
        Reach(Host(), [Where(HOST)])
    assert len([*Path("/proc/self/fd").iterdir()]) == before
