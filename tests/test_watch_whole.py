"""What a watch does with its passes and its engine, over a host in memory, hearing nothing of a kernel."""

from __future__ import annotations

import gc
import math
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from entries import Entries, topology
from memory import KINDS, MemoryHost, World

from reconciler.cli.watching import watch as cli
from reconciler.errors import EngineUnreachable
from reconciler.model import ResourceKey, StepKey, Verb
from reconciler.reconcile import Options
from reconciler.watch import RESYNC, Manner, Said, Watch
from reconciler.watch.said import What

BOX: Entries = {"box/a": {}}


class Closing(MemoryHost):
    """A host that notes that it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


class Deaf:
    """Ears that hear nothing."""

    def __init__(self, *_: object) -> None:
        self.mounts = os.eventfd(0)
        self.listener = SimpleNamespace(fileno=lambda: self.mounts)

    def tune(self, *_: object) -> bool:
        return False


class Watching:
    """A watch over some boxes, and what it tells; it ends when something is told that is to end it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, ends: What = What.MENDED, **options: Any) -> None:
        monkeypatch.setattr("reconciler.watch.KernelEars", Deaf)
        self.said, self.stop, self.ends, self.world = list[Said](), threading.Event(), ends, World()
        files = SimpleNamespace(fd=os.eventfd(0), deaf="")
        file: Any = SimpleNamespace(topology=topology(BOX), files=files, hear=None, due=math.inf, reread=lambda: False)
        manner = Manner(KINDS, Options(wait=False), tell=self._tell, lock_timeout=60)
        self.watch = Watch(file, lambda: Closing(world=self.world), manner, stop=self.stop, **options)

    def _tell(self, said: Said) -> None:
        self.said.append(said)
        if said.what is self.ends:
            self.stop.set()


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Watching:
    return Watching(monkeypatch)


def test_a_pass_whose_thread_cannot_be_started_is_tried_again(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = threading.Thread.start, iter((True, False))

    def started(thread: threading.Thread) -> None:
        if thread.name == "pass" and next(refused):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    watching.watch.run()
    words = [(each.what.value, each.text, each.retry) for each in watching.said[1:]]
    assert words == [("trouble", "RuntimeError: can't start new thread", 1), ("mended", "", None)]


def test_an_engine_that_is_back_forgives_all_that_failed_and_the_former_one_is_closed_after_its_last_pass(
    watching: Watching,
) -> None:
    watch, passes = watching.watch, watching.watch.passes
    watching.world.failing = {StepKey(ResourceKey.of("box/a"), Verb.CREATE)}
    watching.ends = What.FAILED
    watch.run()
    assert passes.patience.resting(time.monotonic())
    under_way, first = passes.begin(watch.file.topology, watch.host, ()), watch.host
    watch._engine_is_lost(EngineUnreachable("gone"))
    without = watch.host
    watch._engine_is_back()
    assert not passes.patience.resting(time.monotonic())
    assert [each.closed for each in (first, without, watch.host)] == [False, True, False]  # type: ignore[attr-defined]
    passes.running.remove(under_way)
    watch._ended(under_way)
    assert [each.closed for each in (first, without, watch.host)] == [True, True, False]  # type: ignore[attr-defined]
    watch._engine_is_back()
    assert not watch._former


def test_a_watch_looks_for_garbage_though_the_commands_that_end_do_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("t.yaml").write_text("name: t\n")
    seen: list[tuple[object, int]] = []
    ordinary = gc.get_threshold()
    monkeypatch.setattr("reconciler.watch.KernelEars", Deaf)
    monkeypatch.setattr(Watch, "run", lambda _: seen.append((gc.get_threshold(), gc.get_freeze_count())))
    gc.set_threshold(10**6)
    try:
        assert cli("t.yaml") == 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*ordinary)
        monkeypatch.undo()
    ((threshold, frozen),) = seen
    assert threshold == ordinary
    assert frozen > 1000


@pytest.mark.parametrize(("resync", "at_least", "at_most"), [(2.0, 1, 2), (None, RESYNC * 2 - 10, RESYNC * 2)])
def test_a_look_without_cause_comes_when_it_was_asked_for_or_else_when_it_is_worth_its_time(
    monkeypatch: pytest.MonkeyPatch, resync: float | None, at_least: float, at_most: float
) -> None:
    watching = Watching(monkeypatch, resync=resync)
    watching.watch.run()
    monkeypatch.setattr("reconciler.watch.time.process_time", lambda: watching.watch._computed + RESYNC / 200)
    each = watching.watch.passes.begin(watching.watch.file.topology, watching.watch.host, ())
    each.observed = topology({})
    watching.watch._planned(each)
    assert at_least <= watching.watch._next_resync - time.monotonic() <= at_most
