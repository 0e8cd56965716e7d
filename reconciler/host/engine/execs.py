"""The engine's calls for commands that run in a container."""

from __future__ import annotations

import time
from collections.abc import Sequence

from reconciler.host import ENDING
from reconciler.host.engine.asked import Backoff
from reconciler.host.engine.breaking import broken_off
from reconciler.host.engine.caller import Caller
from reconciler.host.engine.http import part, unframed


class Execs:
    """Commands in containers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def run(self, container: str, argv: Sequence[str], *, seconds: float) -> tuple[int, str]:
        """Run a command and return its exit code and what it printed; TimeoutError after so many seconds.

        When no more waiting is wanted it has a last few seconds; what still runs then goes on, and nobody listens.
        """
        deadline = time.monotonic() + seconds
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(argv)}
        # One that was made and never started costs nothing.
        made = self._caller.json("POST", f"/containers/{part(container)}/exec", body=body, again=True)["Id"]
        start = {"Detach": False, "Tty": False}
        with (
            self._caller.stream("POST", f"/exec/{made}/start", body=start) as stream,
            broken_off(stream.interrupt, self._caller.stop, after=ENDING),
        ):
            output = unframed(stream.rest(seconds))
        return self._code(made, deadline), output.decode(errors="replace")

    def _code(self, made: str, deadline: float) -> int:
        """Return the exit code once it has ended, which a command may do long after it has closed its output."""
        backoff = Backoff(deadline - time.monotonic(), self._caller.stop)
        while (found := self._caller.json("GET", f"/exec/{made}/json"))["Running"]:
            if not backoff.again():
                raise TimeoutError
        return int(found["ExitCode"] or 0)
