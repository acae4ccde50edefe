"""Places of boxes on the canvas: a column a step of the way, so that requests go from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx

#: The distance between columns and between rows, in pixels.
COLUMN, ROW = 290.0, 320.0

#: Rounds of ordering boxes by the places of their neighbours.
_ROUNDS = 4


def places_of(start: str, ways: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
    """Return a place (x, y) in pixels for each box; ways: the targets of each box, planned ones first.

    A box stands one column behind the last box that leads to it; ways back to an earlier box do not count.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(ways)
    graph.add_edges_from((box, target) for box, targets in ways.items() for target in targets if target in ways)
    forward = _without_rings(graph, start)
    column = {box: depth for depth, layer in enumerate(nx.topological_generations(forward)) for box in layer}
    last = max(column.values(), default=0)
    column |= {box: last for box in ways if not forward.pred[box] and box != start}  # no way leads there: out of the way
    rows = _ordered(forward, column, list(ways))
    return {box: (COLUMN * column[box], ROW * rows[box]) for box in ways}


def _without_rings(graph: nx.DiGraph[str], start: str) -> nx.DiGraph[str]:
    """Return the graph without the ways that lead back, as a walk from the start meets them."""
    forward: nx.DiGraph[str] = nx.DiGraph()
    order = [start] if start in graph else []
    forward.add_nodes_from(graph)
    for root in [*order, *graph]:
        for source, target, label in nx.dfs_labeled_edges(graph, root):
            if source != target and label in ("forward", "nontree") and not nx.has_path(forward, target, source):
                forward.add_edge(source, target)
    return forward


def _ordered(graph: nx.DiGraph[str], column: Mapping[str, int], names: Sequence[str]) -> dict[str, float]:
    """Return the row of each box in its column, by the mean row of its neighbours (Sugiyama's barycentres)."""
    layers = [[name for name in names if column[name] == depth] for depth in range(max(column.values(), default=-1) + 1)]
    row = {name: float(place) for layer in layers for place, name in enumerate(layer)}
    for turn in range(_ROUNDS):
        beside = graph.pred if turn % 2 == 0 else graph.succ
        for layer in layers if turn % 2 == 0 else layers[::-1]:
            wanted = {
                name: sum(row[neighbour] for neighbour in beside[name]) / len(beside[name]) if beside[name] else row[name]
                for name in layer
            }
            layer.sort(key=lambda name: wanted[name])
            row |= {name: float(place) for place, name in enumerate(layer)}
    tallest = max((len(layer) for layer in layers), default=0)
    return {name: place + (tallest - len(layer)) / 2 for layer in layers for place, name in enumerate(layer)}
