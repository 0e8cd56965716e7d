"""The graph of a plan's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import networkx

from reconciler.kinds.base import Kind
from reconciler.model import StepKey, Verb
from reconciler.plan.carry import Carriers
from reconciler.plan.edges import Edge


def graph_of(
    steps: Iterable[StepKey], edges: Collection[Edge], carriers: Carriers, kinds: Mapping[str, Kind]
) -> networkx.DiGraph[StepKey]:
    """Build the graph; what must come before a carried step must come before the one that carries it."""
    graph: networkx.DiGraph[StepKey] = networkx.DiGraph()
    graph.add_nodes_from(sorted(steps))
    carried = {each: carriers.outermost(each) for each in sorted(carriers)}
    for before, after in edges:
        by = carried.get(after, after)
        if carried.get(before, before) != by and not carriers.could(after, before):
            graph.add_edge(before, by)
    graph.add_edges_from((by, each) for each, by in carried.items())
    _irrecoverable_last(graph, kinds)
    return graph


def knots_of(graph: networkx.DiGraph[StepKey]) -> list[set[StepKey]]:
    """Return the groups of steps that lie on cycles with each other."""
    if networkx.is_directed_acyclic_graph(graph):
        return []
    tied = (each for each in networkx.strongly_connected_components(graph) if len(each) > 1)
    return sorted(tied, key=min)


def _irrecoverable_last(graph: networkx.DiGraph[StepKey], kinds: Mapping[str, Kind]) -> None:
    """Put what cannot be made again behind everything that does not itself have to come after it."""
    last = {key for key in graph if key.verb is Verb.DELETE and kinds[key.key.kind].irrecoverable}
    if not last:
        return
    if all(last.issuperset(graph.successors(key)) for key in last):
        # What comes after one of them comes after all else as well.
        _put_behind(graph, [key for key in last if last.isdisjoint(graph.predecessors(key))], last)
        return
    for key in sorted(last):
        _put_behind(graph, [key], {*networkx.descendants(graph, key), *last})


def _put_behind(graph: networkx.DiGraph[StepKey], keys: Collection[StepKey], behind: Collection[StepKey]) -> None:
    ends = [each for each in graph if each not in behind and all(key in behind for key in graph.successors(each))]
    graph.add_edges_from((end, key) for key in sorted(keys) for end in ends)
