"""Everything that can go wrong, as one tree; every error knows its exit code."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.secret import masked
from reconciler.value import dataclass

_LONGEST = 1000
"""How many characters of a problem are told: what a file says may be of any length."""
_HALF = _LONGEST // 2 - 1


class ReconcilerError(Exception):
    """The root of all errors of this package; what one says is without secrets."""

    exit_code = 1

    @property
    def unmasked(self) -> str:
        """What it says to the program itself."""
        return super().__str__()

    def __str__(self) -> str:
        return masked(self.unmasked)

    def __repr__(self) -> str:
        return masked(super().__repr__())


class StepFailed(ReconcilerError):
    """A step could not be carried out; the message says by whom it was refused and what to do."""


class Interrupted(StepFailed):
    """A step was cut short: no more waiting is wanted."""


class Usage(ReconcilerError):
    """The command line asks for something that does not make sense."""

    exit_code = 3


def visible(text: str) -> str:
    """Write a text on one line, without what would command a terminal: controls, and what turns or hides letters."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a file: `position: pointer: message (hint)`."""

    position: Position
    pointer: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        pointer = f"{self.pointer}: " if self.pointer else ""
        hint = f" ({self.hint})" if self.hint else ""
        whole = visible(masked(f"{self.position}: {pointer}{self.message}{hint}"))
        return whole if len(whole) <= _LONGEST else f"{whole[:_HALF]}…{whole[-_HALF:]}"


class FileInvalid(ReconcilerError):
    """The topology file is wrong: all its problems at once."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class HostRefuses(ReconcilerError):
    """No privilege, no such feature, or something that is not ours stands in the way."""

    exit_code = 4


class NotPermitted(HostRefuses):
    """A capability is missing, for which another user has to run it."""


class Conflict(HostRefuses):
    """Something that is not ours holds what the topology declares."""


class NotNow(ReconcilerError):
    """It may work later: try again."""

    exit_code = 5


class EngineUnreachable(NotNow):
    """No Docker Engine answers."""


class NoEngine(EngineUnreachable):
    """There is no Docker Engine on this host, and nothing says that there should be one."""


class EngineForbidden(EngineUnreachable):
    """The engine's socket may not be opened."""

    exit_code = HostRefuses.exit_code


class Locked(NotNow):
    """Another run holds the topology's lock."""


class PlanStale(NotNow):
    """The host or the file is no longer as it was when the plan was saved."""
