"""The real command, killed at a point of one's own choice: `killing.py POINT COMMAND…`.

A point is `before STEP`, `after STEP`, `call STEP NUMBER` (just before so many of its calls that write, to the engine or
the kernel) or `late STEP SECONDS` (so long after its start); a step is written `verb kind/name`, and one of the way back
begins with `back `. `record PATH` kills nothing, but notes each step with its calls and its seconds.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

READS = ("GET", "HEAD")
AUDITED = ("subprocess.Popen", "os.link", "os.remove")
TEMPORARY = Path(tempfile.gettempdir())


class Witness:
    """Sees each step begin and end, and each call in between."""

    def __init__(self, point: str) -> None:
        self.what, _, rest = point.partition(" ")
        self.step, self.number = (rest, 0.0) if self.what in ("before", "after", "record") else split(rest)
        self.runs = self.calls = 0
        self.begun = False
        self.seen: list[tuple[str, int, float]] = []

    def name(self, step: Any) -> str:
        return f"{'back ' * (self.runs > 1)}{step.key.verb.value} {step.key.key}"

    def started(self, step: Any) -> None:
        if self.what == "record":
            self.calls = 0
        elif self.name(step) == self.step:
            self.begin()

    def begin(self) -> None:
        if self.what == "before":
            die()
        self.calls, self.begun = 0, True
        if self.what == "late":
            timer = threading.Timer(self.number, die)
            timer.daemon = True
            timer.start()

    def ended(self, outcome: Any) -> None:
        self.seen.append((self.name(outcome.step), self.calls, outcome.seconds or 0.0))
        if self.what == "after" and self.name(outcome.step) == self.step:
            die()

    def called(self) -> None:
        self.calls += 1
        if self.what == "call" and self.begun and self.calls == self.number:
            die()

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in AUDITED and not is_passing(arguments[0]):
            self.called()


def split(text: str) -> tuple[str, float]:
    step, _, number = text.rpartition(" ")
    return step, float(number)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def watch(witness: Witness) -> None:
    """Stand between the program and the calls by which it writes."""
    import reconciler.reconcile as stages
    from reconciler.execute import execute
    from reconciler.host.engine import caller
    from reconciler.host.netlink import transport
    from reconciler.host.netns import naming

    request = http.client.HTTPConnection.putrequest

    def executed(*arguments: Any, on_start: Callable[..., None], on_outcome: Callable[..., None], **more: Any) -> Any:
        witness.runs += 1
        start = both(witness.started, on_start)
        if witness.what == "record":
            more["jobs"] = 1
        return execute(*arguments, on_start=start, on_outcome=both(on_outcome, witness.ended), **more)

    asked = caller.Caller._asked

    def asking(self: Any, what: Any, *arguments: Any) -> Any:
        if what.method not in READS:
            witness.called()
        return asked(self, what, *arguments)

    def requested(self: Any, method: str, *arguments: Any, **more: Any) -> None:
        if method not in READS:
            witness.called()
        request(self, method, *arguments, **more)

    owners: list[tuple[Any, str, Callable[..., Any]]] = [
        (stages, "execute", executed),
        (caller.Caller, "_asked", asking),
        (http.client.HTTPConnection, "putrequest", requested),
    ]
    for owner, name in ((transport.Socket, "_transmit"), (naming, "mount"), (naming, "unmount")):
        owners.append((owner, name, both(lambda *_: witness.called(), getattr(owner, name))))
    for owner, name, instead in owners:
        setattr(owner, name, instead)
    sys.addaudithook(witness.heard)


def is_passing(path: Any) -> bool:
    """Whether this is a temporary file, whose name goes at once where the file system has none without a name."""
    return isinstance(path, str) and Path(path).parent == TEMPORARY


def both(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        first(*arguments)
        return second(*arguments)

    return call


def main() -> None:
    witness = Witness(sys.argv.pop(1))
    from reconciler.cli import main as command

    watch(witness)
    try:
        command()
    finally:
        if witness.what == "record":
            Path(witness.step).write_text(json.dumps(witness.seen))


if __name__ == "__main__":
    main()
