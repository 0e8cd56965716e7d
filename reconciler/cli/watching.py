"""The command that goes on: watch; it returns the exit code of what ended it."""

from __future__ import annotations

import gc
import os
import sys
from datetime import datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from reconciler.cli import OFTEN
from reconciler.cli import options as o
from reconciler.cli.output import Log, hide, style
from reconciler.cli.reading import check_name, environment
from reconciler.cli.signals import interruption
from reconciler.errors import Usage
from reconciler.host import ENGINE_TIMEOUT, LOCK_TIMEOUT, PATIENCE, WAIT_TIMEOUT
from reconciler.kinds.reading import is_stream
from reconciler.model import DEFAULT_FILE, STANDARD_INPUT

if TYPE_CHECKING:
    from reconciler.watch import Said

_LINKS_MAX = 40  # man 7 path_resolution


def watch(
    file: o.Watched = None,
    *,
    name: o.Name = None,
    dry_run: o.DryRun = False,
    resync: o.Resync = None,
    jobs: o.Jobs = 8,
    no_prune: o.NoPrune = False,
    wait_timeout: o.WaitTimeout = WAIT_TIMEOUT,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    lock_timeout: o.LockTimeout = LOCK_TIMEOUT,
    json: o.Json = False,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """Mend what drifts, as it happens, until it is told to end.

    It follows the events of the engine and of the kernel, and the file: what changes there is applied.
    """
    if file is not None and (is_stream(file) or _is_of_a_descriptor(file)):
        raise Usage(f"{'standard input' if file == STANDARD_INPUT else file} cannot be watched: it is read once")
    if resync == 0:
        raise Usage("--resync: nothing else would be done than to look: give it some time")
    check_name(name)
    from reconciler.host import Host
    from reconciler.kinds import kinds
    from reconciler.reconcile import Options
    from reconciler.watch import File, Manner, Watch

    stop = Event()

    def busy() -> None:
        interruption.stop = stop

    def idle() -> None:
        interruption.stop = None
        if interruption.number:  # it came just now, and another thread is about to do this
            stop.set()

    interruption.at_once = b""
    manner = Manner(
        kinds(),
        Options(jobs=jobs, keep=frozenset(kinds()) if no_prune else None, wait=False),
        tell=partial(_tell_json if json else _tell, Log()),
        busy=busy,
        idle=idle,
        lock_timeout=lock_timeout,
        dry_run=dry_run,
        named=bool(name),
    )
    watched = File(DEFAULT_FILE if file is None else file, kinds=kinds(), name=name, environment=environment())

    def made() -> Host:
        return Host(engine_timeout=engine_timeout, patience=patience, wait_timeout=wait_timeout, trial=0, stop=stop)

    watch = Watch(watched, made, manner, resync=resync, stop=stop)
    gc.freeze()  # what is loaded stays to the end, but what is made from here on need not
    gc.set_threshold(*OFTEN)
    watch.run()
    return interruption.exit_code


def _is_of_a_descriptor(file: str) -> bool:
    """Tell whether a path leads to a descriptor of this process, such as /dev/stdin or what a shell makes of `<(…)`."""
    own, links = os.path.realpath("/proc/self/fd"), 0
    while os.path.islink(file) and links < _LINKS_MAX:  # noqa: PTH114 - as text, like the rest
        folder, links = os.path.realpath(os.path.dirname(file)), links + 1  # noqa: PTH120 - likewise
        if folder == own:
            return True
        file = os.path.join(folder, os.readlink(file))  # noqa: PTH115, PTH118 - likewise
    return False


def _tell(log: Log, said: Said) -> None:
    from reconciler.render.watching import said_lines

    log.say(said_lines(said, datetime.now().astimezone(), style=style(sys.stdout)))


def _tell_json(log: Log, said: Said) -> None:
    from reconciler.host import Host
    from reconciler.render.watching import said_json

    log.say_json(said_json(said, datetime.now().astimezone(), hide=hide(Host())))
