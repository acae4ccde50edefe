"""The bottleneck of a run: the stage that holds requests up or turns them away, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from simulator.case.any_stage import AnyStage
from simulator.case.outputs import Metric
from simulator.engine.plan import Plan
from simulator.engine.servers import servers
from simulator.explain.claims import Claim, load_claim, on_metric, said
from simulator.metrics.stage_metrics import StageTimes
from simulator.metrics.summary import Summary, Verdict
from simulator.records.timetables import DAY_S, HOUR_S, Steps
from simulator.theory.loads import Load, loads, retries_of
from simulator.units import duration, roughly, significant

#: A cause is named if it accounts for at least this share of the wait.
CAUSE = 0.25

#: Below this load, requests wait only for others that arrive with them, where nothing else holds them up.
LOW_LOAD = 0.3

#: A smaller share of requests turned away is not reported.
FEW = 0.01

#: The metrics, by the first part of their names, that hang on requests being turned away, or on their not being served in time.
THROUGHPUT = frozenset(
    {"done_share", "goodput_per_s", "throughput_per_s", "on_time_share", "shed_share", "timed_out_share", "failed_share",
     "unfinished_share", "exhausted_share", "retries_per_request"}
)  # fmt: skip

#: The samples, by the first part of their names, that are times of requests up to their answer.
_ANSWERS = ("latency", "served")


@dataclass(frozen=True)
class Bottleneck:
    """The stage that holds requests up, or turns them away.

    objective: the metric of the objective that pointed to it, None if it is overloaded
    share: of the time that counts (to the answer, or to the end); queueing: the part of the stage's time spent waiting
    """

    stage: str
    label: str
    objective: str | None
    share: float
    queueing: float
    load: float
    claim: Claim

    @property
    def sentence(self) -> str:
        return self.claim.words

    @property
    def why(self) -> str:
        return said(self.claim.parts[1:], "; ")

    def to_json(self) -> dict[str, Any]:
        whole = {name: value for name, value in vars(self).items() if name != "claim"} | {"why": self.why}
        return {name: value for name, value in whole.items() if value is not None and value != inf} | {
            "sentence": self.sentence
        }


def bottleneck_of(summary: Summary) -> Bottleneck | None:
    """Return the overloaded stage, else the one behind the time or throughput objective that is furthest from met.

    None where no stage is overloaded and no such objective is short of being met: then nothing is held up that matters.
    """
    overloaded = {name: times.load for name, times in summary.stages.items() if times.load >= 1 and times.total_s > 0}
    if overloaded:
        return _bottleneck(summary, max(overloaded, key=lambda name: overloaded[name]), None)
    unmet = [verdict for verdict in summary.verdicts if verdict.by_figure != "met"]
    for verdict in sorted(unmet, key=_excess, reverse=True):
        stage = slowest_stage(summary, verdict.metric) or turning_away(summary, verdict.metric)
        if stage is not None:
            return _bottleneck(summary, stage, verdict)
    return None


def slowest_stage(summary: Summary, metric: Metric) -> str | None:
    """Return the stage behind a time: the one it names, or that with most of the time to the answer; None if none is."""
    taking_time = {name: times for name, times in summary.stages.items() if times.total_s > 0}
    if not metric.is_time or not taking_time:
        return None
    if metric.stage is not None:
        return metric.stage if metric.stage in taking_time else None
    if metric.sample.partition(".")[0] not in _ANSWERS:
        return None
    counted = _counted(metric)
    slowest = max(taking_time, key=lambda name: counted(taking_time[name]))
    return slowest if counted(taking_time[slowest]) > 0 else None


def turning_away(summary: Summary, metric: Metric) -> str | None:
    """Return the stage that turns most requests away; None if the metric does not depend on that."""
    if metric.name.partition(".")[0] not in THROUGHPUT:
        return None
    stages = summary.plan.scenario.stages
    lost = {name: times.turned_away for name, times in summary.stages.items() if not stages[name].repeats.resends}
    most = max(lost, key=lambda name: lost[name], default=None)
    return most if most and lost[most] >= FEW * summary.requests else None


def _counted(metric: Metric | None) -> Callable[[StageTimes], float]:
    """Choose the seconds at a stage that count: up to the answer, those of the slowest requests for a tail, or all."""
    if metric is None or metric.stage is not None or not metric.is_time:
        return lambda times: times.total_s
    return (lambda times: times.slow_s) if metric.is_tail else (lambda times: times.answer_s)


def _excess(verdict: Verdict) -> float:
    return inf if verdict.margin is None else -verdict.margin / (abs(verdict.bound) or 1.0)


def _bottleneck(summary: Summary, name: str, verdict: Verdict | None) -> Bottleneck:
    plan, times = summary.plan, summary.stages[name]
    counted = _counted(verdict.metric if verdict else None)
    share = counted(times) / (sum(counted(other) for other in summary.stages.values()) or 1.0)
    parts = (spent(summary, name, verdict), *why_held_up(plan, name, times))
    label = plan.scenario.stages[name].label
    because = f"“{verdict.objective.label}” {_standing(verdict)}. " if verdict and not verdict.void else ""
    sentence = f"{because}The bottleneck is {label}, where {said(parts, '; ')}."
    objective = verdict.objective.metric if verdict else None
    claim = Claim("run", "limits", name, words=sentence, parts=parts)
    if verdict:
        claim = on_metric(verdict.metric, "causes", name, sentence, parts=parts)
    return Bottleneck(name, label, objective, share, times.waited_s / times.total_s, times.load, claim)


def _standing(verdict: Verdict) -> str:
    return "has no figure" if verdict.estimate is None else f"is {verdict.standing}"


def spent(summary: Summary, name: str, verdict: Verdict | None) -> Claim:
    """Claim the share of their time that requests spend at a stage."""
    times, metric = summary.stages[name], verdict.metric if verdict else None
    counted = _counted(metric)
    share = counted(times) / (sum(counted(other) for other in summary.stages.values()) or 1.0)
    to_answer = metric is not None and metric.is_time and metric.stage is None
    many = summary.plan.scenario.unit.many
    whose = f"the slowest {many}" if metric and to_answer and metric.is_tail else many
    of = "the time to their answer" if to_answer else "their time"
    waiting = f", {roughly(times.waited_s / times.total_s)} of it waiting" if times.load else ""
    words = f"{whose} spend {roughly(share)} of {of}{waiting}"
    return Claim(f"share of {of} of {whose}.{name}", "is", share, unit="share", words=words)


def why_held_up(plan: Plan, name: str, times: StageTimes) -> Iterator[Claim]:
    """Claim the load of a stage, and the other causes that keep requests waiting or turn them away, a clause each."""
    stage = plan.scenario.stages[name]
    if stage.servers:
        yield from _why_busy(plan, name, stage, times)
    else:
        yield Claim(f"load.{name}", "is", None, words="its time does not depend on the load")
    if times.turned_away >= FEW * times.visits:
        share = times.turned_away / times.visits
        yield _share_of(f"turned away.{name}", share, f"{roughly(share)} of what comes to it is turned away or gives up")


def _share_of(subject: str, share: float, words: str) -> Claim:
    return Claim(subject, "is", share, unit="share", words=words)


def _comes_in(times: StageTimes, what: str) -> str:
    return f"the offered load is {roughly(times.load)} of what {what}" if isfinite(times.load) else "it has no server"


def _why_busy(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> Iterator[Claim]:
    yield load_claim(name, times.load, _comes_in(times, f"{stage.servers.together} can serve"))
    load = load_on(plan, name)
    if load is not None and load.peak is not None and load.peak >= 1 > min(times.load, times.late_load):
        fresh = " before any retry" if load.retried is not None else ""  # theory: the retries of a run add to it
        words = f"at the peak it is {significant(load.peak)} times what they can serve{fresh}, and a queue builds up"
        yield load_claim(name, load.peak, words, "closed form", "peak load")
    if times.waited_s and times.held_s >= CAUSE * times.waited_s:
        yield _share_of(f"held.{name}", times.held_s / times.waited_s, _why_held(plan, name, stage, times))
    if times.waited_s and times.down_s >= CAUSE * times.waited_s:
        share = times.down_s / times.waited_s
        yield _share_of(f"down.{name}", share, f"{roughly(share)} of the wait is while a {stage.servers.one} was down")
    if together := _why_together(plan, times):
        yield _share_of(f"waited.{name}", times.waited_s / times.total_s, together)


def _why_together(plan: Plan, times: StageTimes) -> str:
    """Say why requests wait at a stage with a low load; empty where they do not, or something else accounts for the wait."""
    is_explained = max(times.held_s, times.down_s) >= CAUSE * times.waited_s
    if is_explained or times.load >= LOW_LOAD or times.waited_s < CAUSE * times.total_s:
        return ""
    return f"{plan.scenario.unit.many} that arrive close together wait for one another"


def _why_held(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> str:
    part = roughly(times.held_s / times.waited_s)
    if stage.servers.keeps_hours:
        there = servers(plan, name)
        hours = Steps(there.times, tuple(float(people == 0) for people in there.values)).total(DAY_S) / HOUR_S
        return f"no one is on duty for {hours:.3g} hours a day, and {part} of the wait is in those hours"
    return f"{part} of the wait is batching delay, of up to {duration(stage.service.batching_delay_s)}"


def load_on(plan: Plan, stage: str) -> Load | None:
    """Return the load on one stage before a run; None where it has no servers."""
    return next((load for load in loads(plan) if load.stage == stage), None)


@dataclass(frozen=True)
class Resent:
    """Load that retries add at a stage: the retries, by name, that send back to it; the share of its visits that they send.

    load: that it would have without them; late_load: that of what came since the last thing that struck began or ended
    """

    retries: list[str]
    share: float
    load: float
    late_load: float


def resent(summary: Summary, name: str) -> Resent | None:
    """Measure the load that retries add at a stage; None where they add nothing."""
    times, retries = summary.stages[name], [key for key in retries_of(summary.plan, name) if key in summary.stages]
    by_retry = [summary.stages[key] for key in retries]
    sent = sum(retry.visits - retry.turned_away for retry in by_retry)
    if not sent:
        return None
    late = sum(retry.late_visits - retry.late_turned_away for retry in by_retry)
    fresh, late_fresh = (1 - min(part / (of or 1), 1.0) for part, of in ((sent, times.visits), (late, times.late_visits)))
    return Resent(retries, 1 - fresh, times.load * fresh, times.late_load * late_fresh)
