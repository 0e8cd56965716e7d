"""The graph of a plan's steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from reconciler.kinds.base import Kind
from reconciler.model import StepKey, Verb, reached
from reconciler.plan.carry import Carriers
from reconciler.plan.edges import Edge

Graph = dict[StepKey, set[StepKey]]
"""Each step, and those that have to wait for it."""


def graph_of(steps: Iterable[StepKey], edges: Iterable[Edge], carriers: Carriers, kinds: Mapping[str, Kind]) -> Graph:
    """Build the graph; what must come before a carried step must come before the one that carries it."""
    graph: Graph = {key: set() for key in steps}
    for before, after in _sent(edges, carriers):
        graph[before].add(after)
    for each in sorted(carriers):
        graph[carriers.outermost(each)].add(each)
    _irrecoverable_last(graph, kinds)
    return graph


def with_wishes(graph: Graph, wishes: Iterable[Edge], carriers: Carriers) -> Graph:
    """Add the edges that are wanted and not needed to a graph without cycles; those that would close one are left."""
    new = [(before, after) for before, after in _sent(wishes, carriers) if after not in graph[before]]
    if not new:
        return graph
    wished = {key: set(after) for key, after in graph.items()}
    for before, after in new:
        wished[before].add(after)
    place = {key: number for number, knot in enumerate(knots_of(wished)) for key in knot}
    for before, after in new:
        if before in place and place[before] == place.get(after):
            wished[before].discard(after)
    return wished


def _sent(edges: Iterable[Edge], carriers: Carriers) -> Iterator[Edge]:
    """Yield the edges between steps that go by themselves, or lead there."""
    carried = {each: carriers.outermost(each) for each in carriers}
    for before, after in edges:
        by = carried.get(after, after)
        if carried.get(before, before) != by and not carriers.could(after, before):
            yield before, by


def knots_of(graph: Graph) -> list[set[StepKey]]:
    """Return the groups of steps that lie on cycles with each other."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        import networkx  # which takes longer than most plans, few of which have knots

        whole: networkx.DiGraph[StepKey] = networkx.DiGraph()
        whole.add_edges_from((key, after) for key, behind in graph.items() for after in behind)
        knots = networkx.strongly_connected_components(whole)
        return sorted((each for each in knots if len(each) > 1), key=min)
    return []


def _irrecoverable_last(graph: Graph, kinds: Mapping[str, Kind]) -> None:
    """Put what cannot be made again behind everything that does not itself have to come after it."""
    last = {key for key in graph if key.verb is Verb.DELETE and kinds[key.key.kind].irrecoverable}
    if not last:
        return
    if all(last >= graph[key] for key in last):
        # What comes after one of them comes after all else as well.
        _put_behind(graph, last.difference(*(graph[key] for key in last)), last)
        return
    for key in sorted(last):
        _put_behind(graph, [key], last | reached(graph[key], graph.__getitem__))


def _put_behind(graph: Graph, keys: Iterable[StepKey], behind: set[StepKey]) -> None:
    for end, after in graph.items():
        if end not in behind and after <= behind:
            after.update(keys)
