"""The machine, and our handles to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from reconciler.errors import EngineUnreachable, HostRefuses, ReconcilerError, StepFailed

if TYPE_CHECKING:
    from reconciler.host.engine import Engine

DEFAULT_ENGINE = "unix:///var/run/docker.sock"


@dataclass
class Host:
    """One machine: its engine and its kernel, and how patient to be with them.

    `engine_url` as in DOCKER_HOST; `wait_timeout` in seconds, for a container to become healthy or to complete;
    `kill` ends containers without asking; `stop` is set when no more waiting is wanted.
    """

    engine_url: str = field(default_factory=lambda: os.environ.get("DOCKER_HOST", ""))
    wait_timeout: float = 300.0
    kill: bool = False
    stop: Event = field(default_factory=Event)

    @cached_property
    def engine(self) -> Engine:
        """The Docker Engine; EngineUnreachable when none answers."""
        url = self.engine_url or DEFAULT_ENGINE
        if url.startswith("unix://") and _is_missing(url.removeprefix("unix://")):
            raise EngineUnreachable(f"no Docker Engine listens at {url}: start one, or set DOCKER_HOST")
        from reconciler.host.engine import Engine

        return Engine(url)

    @cached_property
    def identity(self) -> str:
        """Which host this is of those that the machine has: its network namespace, as marks on interfaces name it."""
        from reconciler.host.netlink import Socket

        with Socket() as here:
            return f"{here.cookie:x}"

    def explain(self, error: BaseException) -> ReconcilerError:
        """Translate what a library or the kernel raised into an error that says what to do."""
        if isinstance(error, ReconcilerError):
            return error
        if isinstance(error, PermissionError):
            return HostRefuses(f"{_said(error)}: run as root (or with CAP_NET_ADMIN and CAP_SYS_ADMIN)")
        if isinstance(error, OSError) and error.errno is not None:  # those of the HTTP client have none
            return StepFailed(_said(error))
        from reconciler.host.engine import explained

        explanation = explained(error) or StepFailed(f"{type(error).__name__}: {error}")
        explanation.__cause__ = error
        return explanation


def _is_missing(path: str) -> bool:
    """Tell whether there is no such file; one that may not even be looked for is left to who opens it."""
    try:
        return not Path(path).exists()
    except PermissionError:
        return False


def _said(error: OSError) -> str:
    """Put an error of the system in words, without its number; where it is about a file, that comes first."""
    about = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{about}{error.strerror or error}"
