"""How many servers a stage has, and when: replicas that are there and up, people on duty."""

from __future__ import annotations

from simulator.serving.conditions import Steps
from simulator.serving.plan import Plan
from simulator.serving.stages import STAGES
from simulator.serving.stages.base import Stage, plan_of
from simulator.serving.trace import Trace


def kind(run: Plan | Trace, name: str) -> type[Stage]:
    """What answers for the kind of a stage."""
    return STAGES[plan_of(run).scenario.stages[name].kind]


def servers(run: Plan | Trace, name: str, server: int | None = None) -> Steps:
    """How many servers may work at a stage from which time on, on the run's own clock; 0 where none are needed.

    Of a plan: as it is meant, with every replica that there may be. Of a trace: as it was, without replicas that were down, or
    that a scaling pool had not started yet. People are on duty outside breaks and hand-overs. server: this one alone.
    """
    return kind(run, name).servers(run, name, server)


def down(trace: Trace, name: str, server: int | None = None) -> Steps:
    """How many servers of a stage are there, but down, from which time on; server: this one alone."""
    return kind(trace, name).down(trace, name, server)


def server_s(run: Plan | Trace, name: str) -> float:
    """Server-seconds that a stage offers for the work of the arrivals: those until the last of them may come.

    Where nobody is on duty in that time, because all of it is read later, a day's share of those who are.
    """
    return kind(run, name).server_s(run, name)


def work_s(run: Plan | Trace, name: str) -> float:
    """The same in seconds of usual work: a replica that is slowed down gets less done in a second, and so does who is tired."""
    return kind(run, name).work_s(run, name)
