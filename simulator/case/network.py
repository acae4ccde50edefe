"""The routes from stage to stage as a directed graph: reachable stages, and the stages between a fork and its join.

The branches of a fork work on one request at once. They share nothing that one writes and another reads, so that the order of
simulating them makes no difference. So they may share a stage only if one visit of a request does not affect another: a link,
or a pool that gives no scores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod
from typing import Any

import networkx as nx
from cachetools import cachedmethod

from simulator.case.any_stage import AnyStage
from simulator.case.document import Path
from simulator.phrases import phrase


class Network:
    """Stages by name, and every route of a request from one of them to another, or to an end."""

    def __init__(self, stages: Mapping[str, AnyStage]) -> None:
        self.stages = stages
        self.graph = graph_of({name: stage.targets().values() for name, stage in stages.items()})
        self.forks = [name for name, stage in stages.items() if stage.branching == "fork"]
        self.joins = [name for name, stage in stages.items() if stage.branching == "join"]
        self._met: dict[Any, str | None] = {}
        self._reached: dict[Any, frozenset[str]] = {}

    @cachedmethod(lambda self: self._reached)
    def reached(self, start: str, stop: str | None = None) -> frozenset[str]:
        """Return every stage and end on the routes from `start` on, itself included, up to but without `stop`."""
        if start == stop or start not in self.graph:
            return frozenset()
        graph = self.graph if stop is None else nx.restricted_view(self.graph, [stop] if stop in self.graph else [], [])
        return frozenset({start, *nx.descendants(graph, start)})

    def only_after(self, gates: Collection[str], start: str) -> set[str]:
        """Return every stage and end that the planned routes from `start` reach through one of these gates alone."""
        planned = {name: () if name in gates else stage.planned_targets().values() for name, stage in self.stages.items()}
        return set[str]().union(*map(self.reached, gates)) - {start, *nx.descendants(graph_of(planned), start)}

    def ring_of(self, name: str) -> set[str]:
        """Return the stages on the ways from a stage back to it, itself included."""
        return next((ring for ring in _rings(self.graph) if name in ring), {name})

    def branches(self, fork: str, join: str | None) -> list[frozenset[str]]:
        return [self.reached(target, join) for target in self.stages[fork].planned_targets().values()]

    def inside(self, fork: str) -> set[str]:
        return set[str]().union(*self.branches(fork, self.meeting(fork)))

    @cachedmethod(lambda self: self._met)
    def meeting(self, fork: str) -> str | None:
        """Return the first join that every route from the fork passes; None if there is none."""
        return min(self._passed(fork), key=lambda passed: passed[1], default=(None, 0))[0]

    def _passed(self, fork: str) -> Iterator[tuple[str | None, int]]:
        for join in self.joins:
            within = set[str]().union(*self.branches(fork, join))
            if within <= self.stages.keys() and join in {*self.graph[fork]}.union(*(self.graph[name] for name in within)):
                yield join, len(within)

    def inputs_of(self, join: str) -> int:
        return next((len(self.branches(fork, join)) for fork in self.forks if self.meeting(fork) == join), 0)

    def times_shared(self, name: str) -> int:
        each = ([name in branch for branch in self.branches(fork, self.meeting(fork))] for fork in self.forks)
        return prod(max(sum(inside), 1) for inside in each)

    def faults(self, start: str) -> Iterator[tuple[Path, str]]:
        """Yield every fault of forks and joins, and of routes that lead nowhere: place, message."""
        yield from self._unreached(start)
        yield from self._endless()
        for fork in self.forks:
            if fork in set[str]().union(*self.branches(fork, None)):
                yield ("stages", fork), phrase("forks.passed_again")
            elif self.meeting(fork) is None:
                yield ("stages", fork, "to"), phrase("forks.no_join")
        yield from self._joined_once()
        for fork in self.forks:
            if join := self.meeting(fork):
                yield from self._entered_by_the_fork_alone(start, fork, join)
                yield from self._apart(fork, join)
                yield from self._allowed(fork, join)

    def _unreached(self, start: str) -> Iterator[tuple[Path, str]]:
        reached = self.reached(start) if start in self.stages else self.stages.keys()
        for name in (name for name in self.stages if name not in reached):
            yield ("stages", name), phrase("routes.unreached")

    def _endless(self) -> Iterator[tuple[Path, str]]:
        unserved = graph_of({name: stage.unserved() for name, stage in self.stages.items()})
        rings = set[str]().union(*_rings(unserved))
        for name in self.stages:
            if name in rings:
                yield ("stages", name), phrase("routes.unserved")
        if not rings:
            yield from self._alike_for_ever()

    def _alike_for_ever(self) -> Iterator[tuple[Path, str]]:
        """Yield routes that bring a request back to a stage to go on as before, and stages without a route to an end."""
        open_ = {name: _alike(stage) for name, stage in self.stages.items()}
        ring_of = {name: number for number, ring in enumerate(_rings(graph_of(open_))) for name in ring}
        places = {name: place for place, name in enumerate(self.stages)}
        for name in (name for name in self.stages if name in ring_of):
            for path, target in self.stages[name].targets().items():
                back = target in open_[name] and ring_of.get(target) == ring_of[name] and places[target] <= places[name]
                if back:
                    yield ("stages", name, *path), phrase("routes.back", target=target)
        if not ring_of:
            yield from self._without_an_end()

    def _without_an_end(self) -> Iterator[tuple[Path, str]]:
        stages = self.stages.items()
        ways = {name: (stage.targets() if stage.repeats.counts else stage.planned_targets()).values() for name, stage in stages}
        graph = graph_of(ways)
        for name in self.stages:
            if nx.descendants(graph, name) <= self.stages.keys():
                yield ("stages", name), phrase("routes.no_end")

    def _joined_once(self) -> Iterator[tuple[Path, str]]:
        met = [self.meeting(fork) for fork in self.forks]
        for name in self.joins:
            if met.count(name) != 1 and None not in met:
                yield ("stages", name), phrase("forks.join_of_others", several=name in met)

    def _entered_by_the_fork_alone(self, start: str, fork: str, join: str) -> Iterator[tuple[Path, str]]:
        inside = self.inside(fork)
        if start in inside | {join}:
            yield ("start",), phrase("forks.start", start=start, fork=fork)
        for name, stage in self.stages.items():
            for path, target in stage.targets().items():
                if name not in inside | {fork} and target in inside | {join}:
                    yield ("stages", name, *path), phrase("forks.entry", target=target, fork=fork)

    def _apart(self, fork: str, join: str) -> Iterator[tuple[Path, str]]:
        each = self.branches(fork, join)
        shared = {name for name in self.stages if sum(name in branch for branch in each) > 1}
        for name, stage in self.stages.items():
            if name in shared and not stage.shared_by_branches:
                yield ("stages", name), phrase("forks.shared_stage", fork=fork)
        marking = [[name for name in self.stages if name in branch - shared and self.stages[name].marks] for branch in each]
        for names in [names for names in marking if names][1:]:
            yield ("stages", names[0]), phrase("forks.marks", fork=fork)

    def _allowed(self, fork: str, join: str) -> Iterator[tuple[Path, str]]:
        """Yield fallbacks in branches that lead neither to the join nor to a retry: the outcome is decided behind the join."""
        inside = self.inside(fork)
        inner = [self.inside(other) for other in self.forks if other in inside and self.meeting(other)]
        for name in sorted(inside.difference(*inner)):
            stage = self.stages[name]
            if not stage.in_branches:
                yield ("stages", name, "kind"), phrase("forks.kind", kind=stage.kind, join=join)
                continue
            for path, target in stage.fallbacks().items():
                if target != join and not (target in self.stages and self.stages[target].repeats.resends):
                    yield ("stages", name, *path), phrase("forks.fallback", join=join)


def _alike(stage: AnyStage) -> set[str]:
    if stage.repeats.counts:
        return set(stage.fallbacks().values())
    return {target for _, target in stage.arrows()} if stage.sends_alike else set()


def _rings(graph: nx.DiGraph[str]) -> list[set[str]]:
    return [ring for ring in nx.strongly_connected_components(graph) if len(ring) > 1 or graph.has_edge(*ring, *ring)]


def graph_of(ways: Mapping[str, Iterable[str]]) -> nx.DiGraph[str]:
    """Return the graph from each name to all it leads to."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(ways)
    graph.add_edges_from((name, target) for name, targets in ways.items() for target in targets)
    return graph
