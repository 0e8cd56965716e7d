"""What is to be done, in which order, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from graphlib import TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from reconciler.model.change import Change, Changes
from reconciler.model.resource import ResourceKey
from reconciler.value import dataclass

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
    """The steps and their order: a directed acyclic graph whose nodes are step keys.

    `successors` holds what has to wait for a step, sorted; a step that none waits for may be missing from it.
    """

    changes: Changes
    steps: Mapping[StepKey, Step]
    successors: Mapping[StepKey, Sequence[StepKey]] = field(default_factory=dict)

    @cached_property
    def predecessors(self) -> Mapping[StepKey, Sequence[StepKey]]:
        """What each step has to wait for, sorted."""
        found: dict[StepKey, list[StepKey]] = defaultdict(list)
        for key in sorted(self.successors):
            for after in self.successors[key]:
                found[after].append(key)
        return {key: found.get(key, ()) for key in self.steps}

    @cached_property
    def graph(self) -> networkx.DiGraph[StepKey]:
        """The steps for graph algorithms: each with an edge to every one that has to wait for it."""
        import networkx

        graph: networkx.DiGraph[StepKey] = networkx.DiGraph()
        graph.add_nodes_from(self.steps)
        graph.add_edges_from((key, after) for key in self.successors for after in self.successors[key])
        return graph

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def ordered(self) -> tuple[Step, ...]:
        """The steps in the one order that respects every edge, and else goes by the key."""
        sorter, found = TopologicalSorter(self.predecessors), []
        sorter.prepare()
        ready = [*sorter.get_ready()]
        heapify(ready)
        while ready:
            found.append(key := heappop(ready))
            sorter.done(key)
            for each in sorter.get_ready():
                heappush(ready, each)
        return tuple(self.steps[key] for key in found)


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
    """Why some of it could not be looked at, or not again."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes of the steps that failed."""
        return tuple(each for each in self.outcomes if each.status is Status.FAILED)

    @property
    def converged(self) -> bool:
        """Tell whether every step succeeded, all could be looked at, and nothing differs any more."""
        succeeded = all(each.status not in (Status.FAILED, Status.SKIPPED) for each in self.outcomes)
        return succeeded and not self.remaining and not self.unseen
