"""How many servers a stage has, and when: replicas that are there and up, people on duty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from simulator.scenario.stages import People, Pool
from simulator.serving.calendar import DAY_S, Roster, clock_s
from simulator.serving.conditions import Span, Steps
from simulator.serving.plan import Plan
from simulator.serving.trace import Trace


def servers(run: Plan | Trace, name: str, replica: int | None = None) -> Steps:
    """How many servers may work at a stage from which time on, on the run's own clock; 0 where none are needed.

    Of a plan: as it is meant, with every replica that there may be. Of a trace: as it was, without replicas that were down, or
    that a scaling pool had not started yet. People are on duty outside breaks and hand-overs. replica: this one alone.
    """
    plan = _plan(run)
    stage = plan.scenario.stages[name]
    if isinstance(stage, People):
        roster = roster_of(plan, name)
        return Steps(tuple(roster.times), tuple(float(people) for people in roster.people))
    if isinstance(stage, Pool):
        if isinstance(run, Trace) and not _usual(run, name):
            return _sum(_product(there, up) for there, up, _ in _replicas(run, name, replica))
        return Steps(values=(1.0 if replica is not None else float(stage.most_replicas),))
    return Steps(values=(0.0,))


def down(run: Trace, name: str, replica: int | None = None) -> Steps:
    """How many replicas of a pool are there, but down, from which time on; replica: this one alone."""
    if _usual(run, name):
        return Steps(values=(0.0,))
    return _sum(_product(there, _complement(up)) for there, up, _ in _replicas(run, name, replica))


def server_s(run: Plan | Trace, name: str) -> float:
    """Server-seconds that a stage offers for the work of the arrivals: those until the last of them may come.

    Where nobody is on duty in that time, because all of it is read later, a day's share of those who are.
    """
    plan = _plan(run)
    stage, end = plan.scenario.stages[name], plan.arrivals_end_s
    return _staffed_s(plan, name, stage) if isinstance(stage, People) else servers(run, name).total(end)


def work_s(run: Plan | Trace, name: str) -> float:
    """The same in seconds of usual work: a replica that is slowed down gets less done in a second, and so does who is tired."""
    plan = _plan(run)
    stage = plan.scenario.stages[name]
    if isinstance(stage, People):
        return _staffed_s(plan, name, stage, stage.fatigue_per_h.value if stage.fatigue_per_h else 0.0)
    if isinstance(run, Trace) and not _usual(run, name):
        paces = (_product(_product(there, up), _inverse(slower)) for there, up, slower in _replicas(run, name))
        return _sum(paces).total(plan.arrivals_end_s)
    return server_s(run, name)


def _staffed_s(plan: Plan, name: str, stage: People, slowing_per_h: float = 0.0) -> float:
    end = plan.arrivals_end_s
    day = Roster(stage.shifts, 0.0, DAY_S)
    return roster_of(plan, name).staffed_s(end, slowing_per_h) or day.staffed_s(DAY_S, slowing_per_h) * end / DAY_S


def roster_of(plan: Plan, name: str) -> Roster:
    """Who is on duty at a stage of people, on the run's own clock."""
    stage = plan.scenario.stages[name]
    assert isinstance(stage, People)
    return Roster(stage.shifts, clock_s(plan.scenario.run.starts_at), plan.horizon_s)


def _plan(run: Plan | Trace) -> Plan:
    return run.plan if isinstance(run, Trace) else run


def _usual(run: Trace, name: str) -> bool:
    """Whether every replica is there, up, and as fast as usual throughout."""
    return name not in run.fleets and run.conditions.usual(name)


def _replicas(run: Trace, name: str, only: int | None = None) -> Iterator[tuple[Steps, Steps, Steps]]:
    """For each replica, or one alone: whether it is there (1) or not (0), whether it is up, how many times as long it takes."""
    stage = run.plan.scenario.stages[name]
    assert isinstance(stage, Pool)
    for replica in range(stage.most_replicas) if only is None else [only]:
        there = _within(run.fleets[name].spans.get(replica, [])) if name in run.fleets else Steps()
        yield there, _complement(_within(run.conditions.outages(name, replica))), run.conditions.slowdown(name, replica)


def _within(spans: Iterable[Span]) -> Steps:
    """1 within spans that are sorted and apart, 0 outside."""
    edges = [edge for span in spans for edge in span]
    return Steps((0.0, *edges), (0.0, *(float(index % 2 == 0) for index in range(len(edges)))))


def _complement(found: Steps) -> Steps:
    return Steps(found.times, tuple(1 - value for value in found.values))


def _inverse(found: Steps) -> Steps:
    return Steps(found.times, tuple(1 / value for value in found.values))


def _product(one: Steps, other: Steps) -> Steps:
    times = np.unique(one.times + other.times)
    return Steps(tuple(times.tolist()), tuple((one.at_all(times) * other.at_all(times)).tolist()))


def _sum(parts: Iterable[Steps]) -> Steps:
    found = list(parts)
    times, index = np.unique(np.concatenate([part.times for part in found]), return_inverse=True)
    changes = np.concatenate([np.diff(part.values, prepend=0.0) for part in found])
    return Steps(tuple(times.tolist()), tuple(np.cumsum(np.bincount(index, changes)).tolist()))
