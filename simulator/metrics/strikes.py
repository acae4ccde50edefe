"""Strikes of curveballs during a run: when each struck, and since when nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.case.curveballs import AffectedQuantity
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan
from simulator.records.timetables import DAY_S, HOUR_S, Span, clock_s
from simulator.units import duration

#: In runs that are shorter than this, the time of day is told to the second.
LONG_S = 2 * HOUR_S


#: A stretch at the end of the arrivals that is shorter than this share of them says nothing about what comes next.
LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Strike:
    """A curveball that strikes: from when until when, in seconds of the run; `end_s` is the end of the run at the latest."""

    name: str
    label: str
    note: str | None
    start_s: float
    end_s: float
    to_the_end: bool
    moves_load: bool
    shifts_scores: bool

    @property
    def lasted(self) -> str:
        """For how long, in words."""
        return "to the end of the run" if self.to_the_end else duration(self.end_s - self.start_s)


def strikes_of(plan: Plan) -> list[Strike]:
    """The curveballs that strike in a run of this plan, by their times."""
    return [_strike(plan, name, at_s) for name, at_s in sorted(plan.strikes.items(), key=lambda strike: strike[1])]


def _strike(plan: Plan, name: str, at_s: float) -> Strike:
    ball = plan.scenario.curveballs[name]
    end = inf if ball.lasts_s is None else at_s + ball.lasts_s
    moves_load = bool(ball.changed - {AffectedQuantity.PRICE})
    until = min(end, plan.horizon_s)
    return Strike(name, ball.label, ball.note, at_s, until, end >= plan.horizon_s, moves_load, ball.shifts_scores)


def clock(scenario: Scenario, seconds: float) -> str:
    """A time of a run: `12:00 (16.0 h into the run)`; to the second where the run is short."""
    into = f"{duration(seconds) if seconds else '0 s'} into the run"
    since_midnight = int(clock_s(scenario.run.starts_at) + seconds) % int(DAY_S)
    hours, minutes, rest = since_midnight // 3600, since_midnight // 60 % 60, since_midnight % 60
    short = DAY_S * (scenario.run.days + scenario.run.drain_days) < LONG_S
    return f"{hours:02d}:{minutes:02d}{f':{rest:02d}' if short else ''} ({into})"


def told(plan: Plan, strike: Strike) -> str:
    """What struck, when, for how long and what it does, as a sentence."""
    does = f": {strike.note}" if strike.note else ""
    return f"“{strike.label}” struck at {clock(plan.scenario, strike.start_s)} and lasted {strike.lasted}{does}."


def calm_until(scenario: Scenario, at_s: float) -> str:
    """Up to when a run that is struck at a time, in seconds, is the calm one."""
    return f"Until {clock(scenario, at_s)}, this is the calm run, {scenario.unit.one} for {scenario.unit.one}."


def struck_spans(plan: Plan) -> list[Span]:
    """From when until when, in seconds, curveballs change the load or the capacity while requests come."""
    spans = [(strike.start_s, strike.end_s) for strike in strikes_of(plan) if strike.moves_load]
    return [(start, min(end, plan.arrivals_end_s)) for start, end in spans if start < plan.arrivals_end_s]


def unchanged_since(plan: Plan, daily: bool) -> float:
    """The time, in seconds, from which on nothing strikes any more, or nothing else does: what is left of the arrivals.

    daily: whether load or capacity follow the time of day, so that whole days alone can be compared, where one is left.
    """
    end = plan.arrivals_end_s
    surges = [(surge.at_s, surge.at_s + surge.seconds) for surge in plan.arrivals.spikes]
    edges = [0.0, *(edge for span in [*struck_spans(plan), *surges] for edge in span), *(at_s for at_s, _ in plan.later)]
    last = max(edge for edge in edges if edge <= (1 - LEAST_SHARE) * end)
    days = int((end - last) / DAY_S)
    return end - days * DAY_S if daily and days and last else last
