"""A watch as a process of its own, through the real entry point, and what it tells as it happens."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

RECONCILER = [sys.executable, "-m", "reconciler"]
LONG = 30.0
"""Seconds after which what is awaited will not come; how long it took is told, not judged."""
TOOK: dict[str, float] = {}
"""How long it took from the moment before each drift until it was mended, in seconds."""
Words = dict[str, Any]
_TRIES = 10


class Watched:
    """A watch over a file; `words` holds what it has told so far. Use `with`: it is ended by SIGTERM."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        command: Sequence[str] = RECONCILER,
        errors: IO[str] | None = None,
    ) -> None:
        self.words: list[Words] = []
        self._heard = threading.Condition()
        self.process = subprocess.Popen(
            [*before, *command, "watch", "--json", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=errors or subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()
        for stream in filter(None, (self.process.stdout, self.process.stderr)):
            stream.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=LONG)

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._heard:
                self.words.append(json.loads(line))
                self._heard.notify_all()

    def until(self, told: Callable[[Words], bool], *, after: int = 0, seconds: float = LONG) -> Words:
        """Wait until something is told, and return that."""

        def found() -> Words | None:
            return next((each for each in self.words[after:] if told(each)), None)

        with self._heard:
            word = self._heard.wait_for(found, seconds)
        assert word, f"not told in {seconds} s; what was: {json.dumps(self.words[after:], indent=1)}{self._errors()}"
        return word

    def _errors(self) -> str:
        if self.process.poll() is None or self.process.stderr is None:
            return ""
        return f"; it ended with {self.process.returncode}: {self.process.stderr.read()}"

    def mends(self, name: str, drift: Callable[[], object], *keys: str) -> list[Words]:
        """Make something drift, wait until all these resources are told to be mended, and note how long it took."""
        after, began = len(self.words), time.time()
        drift()
        words = [self.until(lambda each, key=key: is_mended(each, key), after=after) for key in keys]  # type: ignore[misc]
        TOOK[name] = max(moment(each["time"]) for each in words) - began
        return words

    def mends_within(self, seconds: float, name: str, drift: Callable[[], float], *keys: str) -> None:
        """Insist that a drift is mended that soon, by the times in the log: once in ten, as the machine may be busy.

        `drift` returns since when the clock runs.
        """
        best = math.inf
        for _ in range(_TRIES):
            after = len(self.words)
            began = drift()
            words = [self.until(lambda each, key=key: is_mended(each, key), after=after) for key in keys]  # type: ignore[misc]
            best = min(best, max(moment(each["time"]) for each in words) - began)
            TOOK[name] = best
            if best <= seconds:
                return
            settled(self)
        raise AssertionError(f"{name}: mended in {best:.3f} s at best, of {_TRIES} tries")

    def is_up(self) -> Self:
        """Wait until it watches."""
        self.until(lambda each: each["what"] == "watching")
        return self

    def cost(self) -> tuple[int, float]:
        """How often the process went to sleep so far, and how many seconds it has computed, all threads together."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        switches = sum(map(_switches, tasks.iterdir()))
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return switches, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def moment(time: str) -> float:
    """Read a time as the watch and the engine write it."""
    return datetime.fromisoformat(time).timestamp()


def is_mended(word: Words, key: str) -> bool:
    return bool(word["what"] == "mended" and word["key"] == key)


def settled(watch: Watched, *, quiet: float = 0.3) -> None:
    """Wait until a watch sleeps: what was mended has been looked at once more by then."""
    before, deadline = watch.cost(), time.monotonic() + LONG
    while True:
        time.sleep(quiet)
        after = watch.cost()
        if after == before:
            return
        assert time.monotonic() < deadline
        before = after


def _switches(task: Path) -> int:
    try:
        status = task.joinpath("status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
        return 0
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("voluntary_ctxt_switches")))
