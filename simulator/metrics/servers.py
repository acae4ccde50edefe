"""Servers of a stage over time: replicas that are there and up, people on duty; their work and their cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import stage_of
from simulator.engine.run_trace import Trace
from simulator.records.timetables import HOUR_S, Span, Steps


def servers(run: Plan | Trace, name: str, server: int | None = None) -> Steps:
    """Return the number of servers that may work at a stage over the run's time (s); 0 where none are needed.

    A plan has every replica that there may be. A trace lacks replicas that were down, or that a scaling pool had not started
    yet. People are on duty outside breaks and hand-overs. server: count this one alone.
    """
    return _over_phases(run, lambda part: stage_of(part, name).server_steps(part, name, server).able)


def down(trace: Trace, name: str, server: int | None = None) -> Steps:
    return _over_phases(trace, lambda part: stage_of(part, name).server_steps(part, name, server).down)


def _over_phases(run: Plan | Trace, number: Callable[[Plan | Trace], Steps]) -> Steps:
    """Return a number over the time of a run: after each change of a pick as if the plan in force had run alone."""
    if not isinstance(run, Trace) or len(run.phases) < 2:
        return number(run)
    times: list[float] = []
    values: list[float] = []
    for start, end, plan in run.parts():
        steps = number(run.under(plan))
        edges = [start, *(time for time in steps.times if start < time < end)]
        times += edges
        values += map(steps.at, edges)
    return Steps(tuple(times), tuple(values))


def server_s(run: Plan | Trace, name: str) -> float:
    """Return server-seconds that a stage offers for the work of the arrivals: those until the last of them may come.

    If no reader is on duty in that time, because all of it is read later, the offer is a day's share of the later shifts.
    """
    return _summed(run, lambda part: stage_of(part, name).offered(part, name).server_s)


def work_s(run: Plan | Trace, name: str) -> float:
    """Return server-seconds in usual work: a slowed replica, or a tired reviewer, gets less done in a second."""
    return _summed(run, lambda part: stage_of(part, name).offered(part, name).work_s)


def paid_s(trace: Trace, name: str) -> float:
    """Return the server-seconds that are paid in a run under one plan."""
    paid = stage_of(trace, name).paid(trace, name)
    return paid.until_end_s + paid.beyond_s()


def paid_usd(trace: Trace, name: str) -> float:
    about = stage_of(trace, name)
    if len(trace.phases) < 2:
        price = trace.conditions.price(name).mean(trace.plan.arrivals_end_s)
        return paid_s(trace, name) / HOUR_S * about.hourly_usd(trace.plan, name) * price
    return sum(_paid_in_part(trace, name, *part) for part in trace.parts())


def _paid_in_part(trace: Trace, name: str, start: float, end: float, plan: Plan) -> float:
    """Return the cost of a stage while one of the trace's plans ran, with the services begun then."""
    about, whole = stage_of(plan, name), trace.under(plan)
    if name in trace.fleets:
        seconds = trace.fleets[name].paid_between(start, end)
    else:
        until, since = (about.paid(trace.under(plan, time), name).until_end_s for time in (end, start))
        seconds = until - since
    seconds += about.paid(replace(whole, logs={name: trace.logs[name].begun_within(start, end)}), name).beyond_s()
    last = min(end, plan.arrivals_end_s)
    price = trace.conditions.price(name).total(last, start) / (last - start) if start < last else 1.0
    return seconds / HOUR_S * about.hourly_usd(plan, name) * price


def weighted_work_s(trace: Trace, name: str, weight: Callable[[Plan], float], within: Span = (0.0, inf)) -> float:
    """Return seconds of usual work that a stage offers, each weighted by a figure of the plan that ran at the time.

    within: from when until when, in seconds of the run
    """
    if len(trace.phases) < 2 and within == (0.0, inf):
        return weight(trace.plan) * work_s(trace, name)
    since, until = within
    spans = [(max(start, since), min(end, until), plan) for start, end, plan in trace.parts()]
    parts = [(plan, trace.under(plan, start), trace.under(plan, end)) for start, end, plan in spans if start < end]
    return sum(weight(plan) * (work_s(after, name) - work_s(before, name)) for plan, before, after in parts)


def _summed(run: Plan | Trace, figure: Callable[[Plan | Trace], float]) -> float:
    if not isinstance(run, Trace) or len(run.phases) < 2:
        return figure(run)
    return sum(figure(run.under(plan, end)) - figure(run.under(plan, start)) for start, end, plan in run.parts())
