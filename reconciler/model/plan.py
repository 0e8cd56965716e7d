"""What is to be done, in which order, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reconciler.model.change import Change, Changes
from reconciler.model.resource import ResourceKey

if TYPE_CHECKING:
    import networkx

    from reconciler.errors import ReconcilerError


class Verb(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"


class StepKey(NamedTuple):
    """The identity of a step within a plan."""

    key: ResourceKey
    verb: Verb
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.key}" + (f" ({self.condition})" if self.condition else "")


@dataclass(frozen=True)
class Step:
    """One call; `carries` holds the changes that it carries out along with its own, `carried_by` the converse.

    `topology` and `source` are what is marked on what it makes: the topology's name, and its file.
    """

    key: StepKey
    change: Change
    carries: tuple[Change, ...] = ()
    carried_by: StepKey | None = None
    topology: str = ""
    source: str = ""

    @property
    def verb(self) -> Verb:
        """What the step does."""
        return self.key.verb


@dataclass(frozen=True)
class Plan:
    """The steps and their order: a directed acyclic graph whose nodes are step keys."""

    changes: Changes
    steps: Mapping[StepKey, Step]
    ordering: networkx.DiGraph[StepKey] | None = None
    """None where there is nothing to order: networkx is not imported for that."""

    @cached_property
    def graph(self) -> networkx.DiGraph[StepKey]:
        """The steps, each with an edge to every one that has to wait for it."""
        if self.ordering is not None:
            return self.ordering
        import networkx

        return networkx.DiGraph()

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def ordered(self) -> tuple[Step, ...]:
        """The steps in one deterministic order that respects every edge."""
        if not self.steps:
            return ()
        import networkx

        return tuple(self.steps[key] for key in networkx.lexicographical_topological_sort(self.graph))


class Status(StrEnum):
    """What became of a step."""

    DONE = "done"
    UNCHANGED = "unchanged"
    NOT_NEEDED = "not needed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of a step; `cause` is the failed step on whose account it was skipped."""

    step: Step
    status: Status
    error: ReconcilerError | None = None
    cause: StepKey | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What became of all steps, and what still differs after looking again."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    remaining: tuple[Change, ...] = ()
    reverted: Report | None = None
    interrupted: int = 0
    unseen: tuple[ReconcilerError, ...] = ()
    """Why some of it could not be looked at again."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes of the steps that failed."""
        return tuple(each for each in self.outcomes if each.status is Status.FAILED)

    @property
    def converged(self) -> bool:
        """Tell whether every step succeeded and nothing differs any more."""
        return not self.remaining and all(each.status not in (Status.FAILED, Status.SKIPPED) for each in self.outcomes)
