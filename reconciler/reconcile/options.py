"""How to apply: what the command line and a program say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.diff import NOT_DECLARED
from reconciler.errors import Usage
from reconciler.model import ResourceKey
from reconciler.value import dataclass

Keys = str | Iterable[ResourceKey | str]
"""One key as text, or any number of them, as text or not."""


@dataclass(frozen=True)
class Options:
    """How to apply; `jobs`, `target`, `replace` and `adopt` are as on the command line, keys as text too.

    `keep` names the kinds of which nothing is deleted; by default those that are deleted only when asked for. What is
    `resting` is left alone for this time, with all that needs it. `revert` goes back to what was if the run fails;
    `wait` waits at the end for what is to become ready. `reason` is what the plan says of that which is deleted. Where
    things are but unmade (`unmake`), it is no matter whether an external is there.
    """

    jobs: int = 8
    target: tuple[ResourceKey, ...] = ()
    replace: tuple[ResourceKey, ...] = ()
    adopt: tuple[ResourceKey, ...] = ()
    keep: frozenset[str] | None = None
    resting: frozenset[ResourceKey] = frozenset()
    revert: bool = False
    wait: bool = True
    reason: str = NOT_DECLARED
    unmake: bool = False

    if TYPE_CHECKING:  # what may be given is more than what there is then

        def __init__(
            self,
            *,
            jobs: int = 8,
            target: Keys = (),
            replace: Keys = (),
            adopt: Keys = (),
            keep: frozenset[str] | None = None,
            resting: frozenset[ResourceKey] = frozenset(),
            revert: bool = False,
            wait: bool = True,
            reason: str = NOT_DECLARED,
            unmake: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("target", "replace", "adopt"):
            given: Any = getattr(self, name)
            object.__setattr__(self, name, tuple(map(_key, (given,) if isinstance(given, str) else given)))


def _key(given: ResourceKey | str) -> ResourceKey:
    try:
        return ResourceKey.of(given) if isinstance(given, str) else given
    except ValueError as error:
        raise Usage(f"{error}, such as container/web") from error
