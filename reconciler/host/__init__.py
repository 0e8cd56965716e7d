"""The machine, and our handles to it."""

from __future__ import annotations

import copy
import errno
import os
import sys
from dataclasses import field
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Self

from reconciler.errors import (
    EngineUnreachable,
    HostRefuses,
    NoEngine,
    NotNow,
    NotPermitted,
    ReconcilerError,
    StepFailed,
)
from reconciler.host.descriptors import allowed
from reconciler.host.privilege import REFUSED, privilege, remedy
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host.engine import Engine
    from reconciler.host.kernel.known import Known
    from reconciler.model import ResourceKey

TRIAL = 10.0
"""Seconds after which the engine itself takes a container that it restarts for one that lives (its backoff ends)."""
ENDING = 5.0
"""Seconds for a command that runs to end when no more waiting is wanted."""
DEFAULT_ENGINE = "unix:///var/run/docker.sock"
ENGINE_TIMEOUT, PATIENCE, WAIT_TIMEOUT, LOCK_TIMEOUT = 120.0, 10.0, 300.0, 300.0
"""Seconds, unless told otherwise."""

_UNKNOWN = (errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT, errno.ENOSYS)
_UNKNOWN_LINK = "Unknown device type"
"""What rtnl_newlink says where it has no link of that type; other reasons are about a link that is there."""


@dataclass
class Memory:
    """What the last look into all network namespaces found out."""

    known: Known | None = None

    @property
    def recalled(self) -> Known:
        """That; NotNow if there was none yet."""
        if self.known is None:
            raise NotNow("nothing was seen yet: look into all network namespaces")
        return self.known


@dataclass
class Host:
    """One machine: its engine and its kernel, and how patient to be with them.

    `engine_url` as in DOCKER_HOST, and like Docker's own client by default; all times are in seconds. `engine_timeout`
    bounds one answer of the engine. `patience` is how long to try again what may pass: an engine that restarts, an
    endpoint that is about to go. `wait_timeout` bounds what takes the time that it takes: a container that becomes
    healthy or completes, a command, a build or a pull that says nothing. `trial` is for how long something that the
    engine has restarted has to live to count as running. `kill` ends containers without asking; `stop` is set when no
    more waiting is wanted. `memory` keeps what a look into all network namespaces finds out; where `nodes` are given,
    the next one is into theirs alone, by what is kept. `away` says why the engine is not even asked, if it is not. What
    is used in a `with` leaves no connection open.
    """

    engine_url: str = ""
    engine_timeout: float = ENGINE_TIMEOUT
    patience: float = PATIENCE
    wait_timeout: float = WAIT_TIMEOUT
    trial: float = TRIAL
    kill: bool = False
    stop: Event = field(default_factory=Event)
    memory: Memory | None = None
    nodes: frozenset[ResourceKey] | None = None
    away: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the engine that are kept; what comes later opens its own."""
        engine: Engine | None = vars(self).pop("engine", None)
        if engine:
            engine.close()

    def near(self, nodes: frozenset[ResourceKey]) -> Self:
        """Return the same host, of which only the network namespaces of some nodes are looked at."""
        found = copy.copy(self)
        found.nodes = nodes
        return found

    def without_engine(self, away: str) -> Self:
        """Return the same host, whose engine is known to be out of reach, so that nobody waits for it."""
        found = copy.copy(self)
        found.__dict__.pop("engine", None)
        found.away = away
        return found

    @cached_property
    def engine(self) -> Engine:
        """The Docker Engine; EngineUnreachable when none answers."""
        from reconciler.host.engine import Engine
        from reconciler.host.engine.address import address
        from reconciler.host.poll import LONGEST

        if self.away:
            raise EngineUnreachable(self.away)
        where = address(self.engine_url)
        if where.scheme == "unix" and _is_missing(where.path):
            text = f"no Docker Engine listens at {where.url}: start one, or set DOCKER_HOST"
            raise EngineUnreachable(text) if where.given else NoEngine(text)
        timeout, silence = (min(each, LONGEST) for each in (self.engine_timeout, self.wait_timeout))
        return Engine(where, timeout=timeout, silence=silence, patience=self.patience, stop=self.stop)

    @cached_property
    def identity(self) -> str:
        """Which host this is of those that the machine has: its network namespace, as marks on interfaces name it."""
        from reconciler.host.netlink import Socket

        with Socket() as here:
            return f"{here.cookie:x}"

    @cached_property
    def key(self) -> bytes:
        """What only this machine knows, until it is started again: keyed with it, digests of secrets tell nothing."""
        from reconciler.host.machine import passing

        return passing()

    def lacks(self, link: str) -> bool:
        """Tell whether the kernel does not have a type of link (man 8 ip-link), without making one."""
        from reconciler.host.netlink import Socket, probe

        with Socket() as here:
            refused = here.send([probe(link)])[0]
        return refused is not None and refused.errno == errno.EOPNOTSUPP

    def may_hold(self, topology: str) -> bool:
        """Tell, as far as anybody may see, whether something of a topology may be in the kernel, beside containers.

        That is so where namespaces have names, since nobody knows whose they are, or where one of its marks is here.
        """
        from reconciler.host import netns
        from reconciler.host.kernel.packed import by_name
        from reconciler.host.kernel.space import LOOPBACK
        from reconciler.host.marks import of_alias
        from reconciler.host.netlink import Socket, get_links

        with Socket() as here:
            links = here.dump(get_links())
        marked = {mark.topology for each in links if (mark := of_alias(each.alias))}
        noted = (name for each in links if each.index == LOOPBACK for name, _ in by_name(each, "route"))
        return bool(netns.named()) or topology in {*marked, *noted}

    def explain(self, error: BaseException) -> ReconcilerError:
        """Translate what a library or the kernel raised into an error that says what to do."""
        if isinstance(error, ReconcilerError):
            return error
        if isinstance(error, OSError) and error.errno in REFUSED:
            return NotPermitted(f"{_said(error)}: {remedy([privilege(error)])}")
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            return HostRefuses(f"{_said(error)}: this process may have {allowed()} at once: raise `ulimit -Hn`")
        if isinstance(error, OSError) and _is_unknown(error):
            return HostRefuses(f"{_said(error)}: this kernel lacks what that takes: load its module, or do without it")
        if isinstance(error, OSError) and error.errno is not None:  # those of the HTTP client have none
            return StepFailed(_said(error))
        explanation = _of_library(error) or StepFailed(f"{type(error).__name__}: {error}")
        explanation.__cause__ = error
        return explanation


def _is_missing(path: str) -> bool:
    """Tell whether there is no such file; one that may not even be looked for is left to who opens it."""
    try:
        return not Path(path).exists()
    except PermissionError:
        return False


def _is_unknown(error: OSError) -> bool:
    """Tell whether it is the kernel that does not know what was asked for, whatever that was asked of."""
    reason = getattr(error, "reason", "")
    return error.errno in _UNKNOWN and (not reason or reason == _UNKNOWN_LINK)


def _of_library(error: BaseException) -> ReconcilerError | None:
    """Translate an error of Docker's own library, which nobody has loaded where there is none."""
    if "docker" not in sys.modules:
        return None
    from reconciler.host.engine.sdk import explained

    return explained(error)


def _said(error: OSError) -> str:
    """Put an error of the system in words, without its number; where it is about a file, that comes first."""
    about = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{about}{error.strerror or error}"
