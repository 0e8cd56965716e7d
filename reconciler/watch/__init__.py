"""Watching: the flow of apply, run when something happens that concerns the topology."""

from __future__ import annotations

import importlib
import math
import pkgutil
import select
import threading
import time
from collections.abc import Callable, Collection, Mapping
from threading import Event
from typing import Any

from reconciler.errors import Conflict, EngineUnreachable, HostRefuses, ReconcilerError
from reconciler.host import Host, Memory
from reconciler.host.marks import of_labels
from reconciler.model import ResourceKey
from reconciler.watch.agenda import Agenda
from reconciler.watch.concern import HEALTHY, EngineConcern
from reconciler.watch.engine import EngineEars, Lost, Reached, Word
from reconciler.watch.file import File
from reconciler.watch.kernel import KernelEars
from reconciler.watch.loop import Loop
from reconciler.watch.notify import notify
from reconciler.watch.one_pass import Manner, Pass
from reconciler.watch.part import Part, Parts
from reconciler.watch.passes import Passes
from reconciler.watch.said import Said, What
from reconciler.watch.trouble import Trouble

RESYNC = 300.0
"""Seconds after which to look though nothing was heard, unless told otherwise; longer where looking takes long."""
_SHARE = 400
"""Looking without being told when takes at most one part in so many of a processor's time."""
_LATE = ("reconciler.kinds", "reconciler.topology")
"""The packages of which a run loads what it needs as it comes to need it."""


def load_code() -> None:
    """Import all of them: who goes on for weeks does not want the code that was installed meanwhile.

    Docker's own library comes when an image is made or a container committed.
    """
    for name in _LATE:
        for each in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(each.name)


class Watch:
    """A file that is watched, with all that is heard of what it declares.

    `host` makes handles to the machine: new ones each time that the engine has come back. `resync` is for how many
    seconds nothing may be heard until one looks all the same; RESYNC, or as long as that is worth its time, if None.
    """

    def __init__(
        self, file: File, host: Callable[[], Host], manner: Manner, *, stop: Event, resync: float | None = None
    ) -> None:
        self.file, self.stop, self._make_host, self._resync = file, stop, host, resync
        self.loop, self.agenda, self.tell = Loop(), Agenda(), manner.tell
        self.trouble, self._silence = Trouble(), Trouble()
        self.passes = Passes(
            manner,
            soon=self.loop.soon,
            planned=self._planned,
            done=lambda each: self._note("something was mended", about=each.part.about if each.part else None),
            ended=self._ended,
        )
        self.host, self._former = self._host(), list[Host]()
        self._kinds, self._parts = manner.kinds, Parts(file.topology, manner.kinds)
        self.kernel = KernelEars(file.topology.name, self.host, manner.kinds)
        self.engine = EngineEars(host, lambda word: self.loop.soon(lambda: self._hear_engine(word)))
        self._engine_news = EngineConcern(file.topology.name)
        self._reached, self._lost, self._deaf, self._insists, self._is_ready = False, "", "", True, False
        self._next_resync, self._computed = math.inf, 0.0
        self.loop.on(self.kernel.listener.fileno(), self._hear_kernel)
        self.loop.on(self.kernel.mounts, self._hear_mounts, select.POLLPRI | select.POLLERR)
        self.loop.on(file.files.fd, file.hear)

    def _host(self) -> Host:
        """Make handles to the machine, with a memory of what was seen of it."""
        made = self._make_host()
        made.memory = Memory()
        return made

    def run(self) -> None:
        """Mend whatever drifts until `stop` is set, and all that is under way then has ended."""
        self._begin()
        while not self.stop.is_set():
            now, due = time.monotonic(), self._due()
            if self.file.due <= now:
                self._reread("the file has changed")
            elif due <= now:
                self._look()
            else:
                self.loop.hear(min(due, self.file.due) - now)
        while self.passes.running:
            self.loop.hear(math.inf)

    def _begin(self) -> None:
        load_code()
        topology = self.file.topology
        self.tell(Said(What.WATCHING, f"{topology.name}: {len(topology)} resources of {topology.source}"))
        self._admit_deafness()
        self.agenda.note("the watch begins", time.monotonic())
        self._follow_engine()

    def _follow_engine(self) -> None:
        if self._needs_engine:
            self.engine.follow()

    @property
    def _needs_engine(self) -> bool:
        return any("engine" in self._kinds[each.key.kind].uses for each in self.file.topology)

    def _due(self) -> float:
        """When to look, however far off that is: not before it is known whether the engine answers."""
        if self._needs_engine and not (self._reached or self._lost):
            return math.inf
        others = (self.trouble.until,) if self.trouble else (self.passes.retry, self._next_resync)
        return max(self.passes.room, min(self.agenda.due, *others))

    def _hear_kernel(self) -> None:
        for news in self.kernel.news():
            self._note(news.reason, news.about or None, of=news.of)

    def _hear_mounts(self) -> None:
        for reason in self.kernel.names():
            self._note(reason)

    def _note(self, reason: str, about: Collection[ResourceKey] | None = None, *, of: str = "") -> None:
        self.agenda.note(reason, time.monotonic(), about, of=of)

    def _reread(self, reason: str) -> None:
        is_new = self.file.reread()
        self._admit_deafness()
        if not is_new:
            return
        if self.file.wrong:
            self.tell(Said(What.INVALID, self.file.wrong))
            return
        self._parts = Parts(self.file.topology, self._kinds)
        self.tell(Said(What.FILE, f"{reason}: {len(self.file.topology)} resources"))
        self.passes.renew(self.file.topology)
        self._follow_engine()
        self._note(reason)

    def _admit_deafness(self) -> None:
        """Say so where edits of some file are not heard, once as long as that is so."""
        told, self._deaf = self._deaf, self.file.files.deaf
        if self._deaf and self._deaf != told:
            self.tell(Said(What.TROUBLE, self._deaf))

    def _hear_engine(self, word: Word) -> None:
        if isinstance(word, Reached):
            self._engine_is_back()
        elif isinstance(word, Lost):
            self._engine_is_lost(word.error)
        else:
            self._hear_event(word)

    def _engine_is_back(self) -> None:
        if self._lost:
            self.tell(Said(What.ENGINE, "the engine answers again"))
            self._go_on_with(self._host())
            self.passes.forgive()
        self._reached, self._lost = True, ""
        self._note("the engine answers")

    def _engine_is_lost(self, error: ReconcilerError) -> None:
        """What is of the kernel alone is mended all the same."""
        self._insist_on_beginning(error)
        if not self._lost:
            self.tell(Said(What.LOST, str(error)))
            self._go_on_with(self.host.without_engine(str(error)))
        self._reached, self._lost, self._insists = False, str(error), False
        self._ready()

    def _go_on_with(self, host: Host) -> None:
        self._former.append(self.host)
        self.host = host
        self._let_go()

    def _let_go(self) -> None:
        """Close the connections of each former engine whose last pass has ended."""
        used = {id(each.host) for each in self.passes.running}
        for each in self._former:
            if id(each) not in used:
                each.close()
        self._former = [each for each in self._former if id(each) in used]

    def _hear_event(self, event: Mapping[str, Any]) -> None:
        news = self._engine_news.news(event)
        if not news:
            return
        name, action = str(event["Actor"]["Attributes"].get("name")), event["Action"]
        if action == "die":
            self.agenda.ended(name, time.monotonic())
        elif action == "start":
            self.agenda.started(name)
        elif action == HEALTHY and (mark := of_labels(event["Actor"]["Attributes"])):
            self.passes.forgive(mark.key, among=self.file.topology)
        self._note(news.reason, of=news.of)

    def _look(self) -> None:
        """Begin a pass; it runs beside the listening, so that it holds up nothing."""
        began, self._computed = time.monotonic(), time.process_time()
        because, part = self._because(began)
        begun = self.passes.begin(self.file.topology, self.host, because, part)
        try:
            threading.Thread(target=self.passes.run, args=[begun], name="pass", daemon=True).start()
        except RuntimeError as error:  # there are too many for this machine, or for a limit of its user's
            self.passes.running.remove(begun)
            self._troubled(self.host.explain(error))

    def _because(self, now: float) -> tuple[tuple[str, ...], Part | None]:
        """Take the reasons; where nothing was heard, one looks at the file again as well, and at everything."""
        resync = now >= self._next_resync
        if resync and self.file.due == math.inf:
            self._reread("the file says something else")
        found, about = self.agenda.taken()
        if not found or resync or about is None or self.trouble:
            return found or ("a look without cause" if resync else "another attempt",), None
        return found, self._parts.around(about)

    def _planned(self, each: Pass) -> None:
        """What a pass has seen tells when to look again without any cause, and what there is to listen to."""
        if each.part:
            return
        self.trouble = Trouble()
        worth = max(RESYNC, (time.process_time() - self._computed) * _SHARE)
        self._next_resync = time.monotonic() + (worth if self._resync is None else self._resync)
        try:
            self._listen_to(each)
        except Exception as error:  # noqa: BLE001 - whatever it ends with, there will be another look
            self._troubled(each.host.explain(error))

    def _listen_to(self, each: Pass) -> None:
        """Listen to all that is there now, and look once more where some of it was not heard before."""
        assert each.observed is not None  # noqa: S101 - it has looked
        self._engine_news.know(self.file.topology, each.observed)
        if self.kernel.tune(self.file.topology, each.observed):
            self._note("more is listened to")

    def _ended(self, each: Pass) -> None:
        """Look once more where another pass left something alone meanwhile."""
        self._let_go()
        if each.error:
            self._failed(each.host.explain(each.error))
        elif each.looked is None:  # its turn came too late, and the next pass is due
            return
        else:
            self.agenda.looked(time.monotonic(), found=each.found)
            if not (each.part or self._lost):
                self._silence = Trouble()
        if each.joined:
            self._note("what was under way has ended")
        self._insists = False
        if not each.beside:
            self._ready()

    def _failed(self, error: ReconcilerError) -> None:
        """An engine that does not answer is lost, though the stream of its events goes on: that proves nothing then.

        Nor does another stream prove that it answers all else, and a pass that asks it holds up what is of the kernel
        alone: the more often in a row that is so, the later it is asked again.
        """
        if self._needs_engine and isinstance(error, EngineUnreachable):
            pause = 0.0 if self._lost else self._silence.had(error, time.monotonic())[1]
            self._engine_is_lost(error)
            self.engine.begin_anew(after=pause)
            self._note("the engine does not answer")
        else:
            self._troubled(error)

    def _troubled(self, error: ReconcilerError) -> None:
        self._insist_on_beginning(error)
        words, pause = self.trouble.had(error, time.monotonic())
        if words:
            self.tell(Said(What.TROUBLE, words, retry=pause))

    def _insist_on_beginning(self, error: ReconcilerError) -> None:
        """What is not allowed at the beginning will not be allowed later."""
        if self._insists and error.exit_code == HostRefuses.exit_code and not isinstance(error, Conflict):
            raise error

    def _ready(self) -> None:
        """Say so, once; not while the first pass goes on, beside which shorter ones come and go."""
        if not self._is_ready:
            notify("READY=1")
        self._is_ready = True


__all__ = ["RESYNC", "File", "Manner", "Said", "Watch"]
