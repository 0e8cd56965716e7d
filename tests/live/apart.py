"""A network namespace of a test's own, with mounts of its own: what is named in /run/netns is seen nowhere else."""

from __future__ import annotations

import subprocess
from typing import Self

from live.lab import run

HOLD = "mount -t tmpfs none /run/netns; mount -t tmpfs none /run/docker; ip link set lo up; echo; exec sleep infinity"


class Apart:
    """Use `with`: whatever is in it goes with it. A command behind `enter` runs inside."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", HOLD], stdout=subprocess.PIPE)
        assert self._holder.stdout
        self._holder.stdout.readline()
        self.enter = ["nsenter", f"--target={self._holder.pid}", "--net", "--mount", "--"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout
        self._holder.stdout.close()

    def __call__(self, *argv: str) -> str:
        """Run a command inside, and return what it prints."""
        return run(*self.enter, *argv)
