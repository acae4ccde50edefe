"""Which stage holds requests up, why, and what would relieve it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from simulator.analysis.run.advice import FEW, Move, advice_on, load_on
from simulator.analysis.run.scorecard import Verdict
from simulator.analysis.run.stage_times import StageTimes
from simulator.analysis.run.summary import Summary
from simulator.scenario.stages import AnyStage
from simulator.serving.calendar import DAY_S, HOUR_S
from simulator.serving.plan import Plan
from simulator.serving.servers import servers
from simulator.serving.timetables import Steps
from simulator.units import duration, roughly

#: A cause is named if it accounts for at least this share of the wait.
CAUSE = 0.25


@dataclass(frozen=True)
class Bottleneck:
    """The stage that holds requests up.

    objective: the missed objective that pointed to it, None if it is simply where most time goes
    share: of the time that counts (to the answer, or to the end); queueing: the part of the stage's time spent waiting
    """

    stage: str
    label: str
    objective: str | None
    share: float
    queueing: float
    load: float
    why: str
    moves: list[Move]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The bottleneck as `casesim run --json` prints it, without what does not apply."""
        return _finite(vars(self)) | {"moves": [_finite(vars(move)) for move in self.moves]}


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    """What applies, as JSON can hold it: an infinite load is left out."""
    return {name: value for name, value in fields.items() if value is not None and value != inf}


def bottleneck_of(summary: Summary) -> Bottleneck | None:
    """The bottleneck of a run; None where no stage took any time.

    An overloaded stage is one, whatever else is slow. Next comes the time objective missed by most: the stage it names, or
    the one that takes most of the time to the answer. Otherwise it is where requests spend most of their time.
    """
    found = {name: times for name, times in summary.stages.items() if times.total_s > 0}
    if not found:
        return None
    overloaded = {name: times.load for name, times in found.items() if times.load >= 1}
    missed = _worst_missed(summary, found)
    if overloaded:
        return _told(summary, max(overloaded, key=lambda name: overloaded[name]), found, None)
    if missed is not None:
        counted = _counted(missed)
        slowest = max(found, key=lambda name: counted(found[name]))
        return _told(summary, missed.metric.stage or slowest, found, missed)
    return _told(summary, max(found, key=lambda name: found[name].total_s), found, None)


def _worst_missed(summary: Summary, found: dict[str, StageTimes]) -> Verdict | None:
    """The time objective missed by the largest share of its bound, among those that a stage can explain."""
    missed = [verdict for verdict in summary.verdicts if not verdict.met and _leads_somewhere(verdict, found)]
    return max(missed, key=_excess, default=None)


def _leads_somewhere(verdict: Verdict, found: dict[str, StageTimes]) -> bool:
    metric = verdict.metric
    return metric.is_time and (metric.stage in found if metric.stage else any(times.answer_s > 0 for times in found.values()))


def _counted(missed: Verdict | None) -> Callable[[StageTimes], float]:
    """The seconds at a stage that count: up to the answer, those of the slowest requests if a tail is missed, or all."""
    if missed is None or missed.metric.stage is not None:
        return lambda times: times.total_s
    return (lambda times: times.slow_s) if missed.metric.is_tail else (lambda times: times.answer_s)


def _excess(verdict: Verdict) -> float:
    return float("inf") if verdict.margin is None else -verdict.margin / (abs(verdict.bound) or 1.0)


def _told(summary: Summary, name: str, found: dict[str, StageTimes], missed: Verdict | None) -> Bottleneck:
    plan, times = summary.plan, found[name]
    stage = plan.scenario.stages[name]
    to_answer = missed is not None and missed.metric.stage is None
    counted = _counted(missed)
    share = counted(times) / (sum(counted(other) for other in found.values()) or 1.0)
    queueing = times.waited_s / times.total_s
    why = _why(plan, name, times)
    advice = advice_on(summary, name, missed)
    whose = "the slowest requests" if missed and to_answer and missed.metric.is_tail else "requests"
    of = "the time to their answer" if to_answer else "their time"
    spent = f"; {roughly(queueing)} of all time at this stage is waiting" if times.load else ""
    because = f"{missed.objective.label} {_failed(missed)}. " if missed else ""
    told = f"The bottleneck is {stage.label}, where {whose} spend {roughly(share)} of {of}{spent}: {why}. {advice.sentence}"
    sentence = (because + told).strip()
    objective = missed.objective.metric if missed else None
    return Bottleneck(name, stage.label, objective, share, queueing, times.load, why, advice.moves, sentence)


def _why(plan: Plan, name: str, times: StageTimes) -> str:
    """The load, and what else keeps requests waiting."""
    stage = plan.scenario.stages[name]
    said = [*_why_busy(plan, name, stage, times)] if stage.server else ["its time does not depend on the load"]
    if times.turned_away >= FEW * times.visits:
        said.append(f"{roughly(times.turned_away / times.visits)} of its requests were turned away or gave up")
    return "; ".join(said)


def _comes_in(times: StageTimes, what: str) -> str:
    return f"the offered load is {roughly(times.load)} of what {what}" if isfinite(times.load) else "it has no server"


def _failed(missed: Verdict) -> str:
    return "is missed" if missed.estimate else "has no figure"


def _why_busy(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> Iterator[str]:
    yield _comes_in(times, f"{stage.servers} can serve")
    load = load_on(plan, name)
    if load is not None and load.peak is not None and load.peak >= 1 > times.load:
        yield f"at the peak it is {load.peak:.2f} times what they can serve, and a queue builds up"
    if times.waited_s and times.held_s >= CAUSE * times.waited_s:
        yield _why_held(plan, name, stage, times)
    if times.waited_s and times.down_s >= CAUSE * times.waited_s:
        yield f"{roughly(times.down_s / times.waited_s)} of the wait is while a {stage.server} was down"


def _why_held(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> str:
    part = roughly(times.held_s / times.waited_s)
    if stage.keeps_hours:
        there = servers(plan, name)
        hours = Steps(there.times, tuple(float(people == 0) for people in there.values)).total(DAY_S) / HOUR_S
        return f"nobody is on duty for {hours:.3g} hours a day, and {part} of the wait is in those hours"
    return f"{part} of the wait is batching delay, of up to {duration(stage.company_s)}"
