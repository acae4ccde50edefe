"""The bottleneck of a run: the stage that holds requests up or turns them away, with the reason; and the ends of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import networkx as nx
import pandas as pd

from simulator.case.any_stage import AnyStage
from simulator.case.outputs import Metric, grouping
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import score_gates
from simulator.explain.claims import Claim, load_claim, on_metric, said
from simulator.metrics.request_metrics import MISSED, PRICE
from simulator.metrics.servers import servers
from simulator.metrics.stage_metrics import StageTimes
from simulator.metrics.summary import Summary, Verdict
from simulator.phrases import Slot, phrase
from simulator.records.timetables import DAY_S, HOUR_S, Steps
from simulator.theory.loads import Load, loads, retries_of

#: A part of what is counted is worth telling from this share on.
PART = 0.1

#: How a request was turned away, by the field that says where it goes then.
_FALLBACKS = {
    "on_timeout": " after too long a wait at",
    "on_full": ", refused by",
    "on_give_up": ", having given up at",
    "on_exhausted": " after the last try at",
}
_TURNED_AWAY = ", turned away by"

#: The stage that decided, or None, and the end of the requests in words.
Fate = tuple[str | None, str]


def by_decider(scenario: Scenario, flows: pd.DataFrame) -> dict[Fate, float]:
    fates = [_fate(scenario, str(end), str(last)) for end, last in zip(flows["end"], flows["last"], strict=True)]
    return _summed(fates, flows["count"])


def _fate(scenario: Scenario, end: str, last: str) -> Fate:
    if end not in scenario.ends:
        return last or None, f"are still at “{scenario.stages[last].label}” when the run ends" if last else "are unfinished"
    stage, target = _leading_to(scenario, end, last), end
    while stage and stage != last and _passes_on(scenario, stage) and (before := _leading_to(scenario, stage, last)):
        stage, target = before, stage
    return stage, f"end at “{scenario.ends[end].label}”{_how(scenario, stage, target)}"


def _passes_on(scenario: Scenario, name: str) -> bool:
    """Check for a gate that does not decide on what is found, so that the stage before it does.

    Such a gate routes by chance, as an audit does, or to ends that find as many positives.
    """
    stage = scenario.stages[name]
    routing = stage.routing
    if routing is None:
        return False
    detected = {scenario.ends[to].detected.value if to in scenario.ends else to for to in stage.planned_targets().values()}
    return len(detected) == 1 or not (routing.by_score or routing.by_check or routing.by_source or routing.asks)


def _leading_to(scenario: Scenario, end: str, last: str) -> str | None:
    """Find the stage that sent requests to an end: the last one they came to, or one behind it where no time passes.

    end: or a stage that they came to without a wait
    """
    leading = [name for name, stage in scenario.stages.items() if end in stage.targets().values()]
    if last in leading:
        return last
    if not last:
        return next(iter(leading), None)
    steps_to = nx.single_source_shortest_path_length(scenario.network.graph, last)
    return min((name for name in leading if name in steps_to), key=lambda name: steps_to[name], default=None)


def _how(scenario: Scenario, name: str | None, end: str) -> str:
    if name is None:
        return ""
    stage, by = scenario.stages[name], ""
    if end not in stage.planned_targets().values():
        ways = {str(path[0]) for path, target in stage.fallbacks().items() if target == end}
        return f"{_FALLBACKS.get(ways.pop(), _TURNED_AWAY) if len(ways) == 1 else _TURNED_AWAY} “{stage.label}”"
    routing = stage.routing
    if routing is not None and routing.by_score:
        by = f"the score of “{scenario.stages[scenario.scorer_of(score_gates(scenario)[name])].label}”"
    elif routing is not None and routing.asks:
        by = scenario.attributes[routing.asks].label
    return f": “{stage.label}” decides{by and f', by {by}'}"


def by_tag(scenario: Scenario, flows: pd.DataFrame) -> dict[Fate, float]:
    """Count requests by the gate that tagged them; the others by their end."""
    gates = {tag: name for name, stage in scenario.stages.items() for tag in stage.tags()}
    fates = [
        (
            gates[tag],
            f"are “{tag}”{_how(scenario, gates[tag], next(iter(scenario.stages[gates[tag]].planned_targets().values())))}",
        )
        if tag in gates
        else _fate(scenario, str(end), str(last))
        for tag, end, last in zip(flows["tag"], flows["end"], flows["last"], strict=True)
    ]
    return _summed(fates, flows["count"])


def _summed(fates: Sequence[Fate], counts: pd.Series[Any]) -> dict[Fate, float]:
    sums: dict[Fate, float] = {}
    for fate, count in zip(fates, counts, strict=True):
        sums[fate] = sums.get(fate, 0.0) + float(count)
    return dict(sorted(sums.items(), key=lambda part: -part[1]))


def deciding(parts: dict[Fate, float]) -> list[str]:
    least = PART * sum(parts.values())
    return list(dict.fromkeys(stage for (stage, _), count in parts.items() if stage and count >= least))


def escalated(scenario: Scenario, flows: pd.DataFrame) -> pd.Series[bool]:
    return flows["end"].isin([name for name, end in scenario.ends.items() if end.escalated])


def group_words(plan: Plan, metric: Metric) -> str:
    """Name the group that a metric is about, to stand behind those who are counted; empty where it is about all."""
    group = metric.group
    if group is None:
        return ""
    parts = grouping(plan.scenario.attributes[group.attribute])
    return f" of the group “{parts.label}: {parts.groups[group.value]}”"


def part_label(scenario: Scenario, part: str) -> str:
    """Name a part in the words of the case: people by the labels of their stages, misses by what is missed."""
    if part.startswith(PRICE):
        return part.removeprefix(PRICE)
    if who := scenario.population:
        of_class = {
            "visits of negatives": f"follow-up of {who.negatives}",
            "visits of positives": f"follow-up of {who.positives}",
        }
        labels = of_class | {MISSED: f"{who.missed} {who.positives}"}
        if part in labels:
            return labels[part]
    stages = [
        stage.label for stage in scenario.stages.values() if stage.servers.keeps_hours and stage.servers.cost_part == part
    ]
    paid = _paid_ends(scenario)
    outcomes = paid[0] if len(paid) == 1 else "outcomes"
    return " and ".join(stages) or (outcomes if part == "ends" else part)


def part_in_sentence(scenario: Scenario, part: str) -> str:
    """Name a part within a sentence: the label of a price, or of an end, stands in quotation marks."""
    label = part_label(scenario, part)
    return f"“{label}”" if part.startswith(PRICE) or label in _paid_ends(scenario) else label


def _paid_ends(scenario: Scenario) -> list[str]:
    return [end.label for end in scenario.ends.values() if end.usd.value]


def price_is_assumed(plan: Plan, part: str) -> bool:
    """Check that the author of the case assumed the price of a part, or one of its prices."""
    scenario = plan.scenario
    if part == MISSED:
        missed = scenario.costs.missed_positive_usd if scenario.costs else None
        return missed is not None and missed.kind == "assumed"
    if part.startswith(PRICE):
        stated = scenario.costs.prices if scenario.costs else []
        return any(price.figure.kind == "assumed" for price in stated if price.label == part.removeprefix(PRICE))
    paid = {name: stage for name, stage in scenario.stages.items() if stage.servers.cost_part == part}
    if not paid:
        return any(end.usd.kind == "assumed" for end in scenario.ends.values() if end.usd.value)
    prices = {f"stages.{name}.usd_per_hour" for name in paid} | {f"{stage.label}: price" for stage in paid.values()}
    return any(source.kind == "assumed" for source in plan.provenance if source.what in prices)


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
        return said(self.claim.parts[1:], "sentences.clauses")

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
    because: dict[str, Slot] = {"because": False}
    if verdict and not verdict.void:
        because = {"because": True, "objective": verdict.objective.label, "standing": _standing(verdict)}
    sentence = phrase("bottleneck.stage", label=label, why=[part.words for part in parts], **because)
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
    is_slow, many = bool(metric and to_answer and metric.is_tail), summary.plan.scenario.unit.many
    slots: dict[str, Slot] = {"many": many, "slow": is_slow, "to_answer": to_answer, "share": share}
    waiting = times.waited_s / (times.total_s or 1.0)
    words = phrase("bottleneck.spent", **slots, queued=times.load > 0, waiting=waiting)
    whose, of = f"{'the slowest ' if is_slow else ''}{many}", "the time to their answer" if to_answer else "their time"
    return Claim(f"share of {of} of {whose}.{name}", "is", share, unit="share", words=words)


def why_held_up(plan: Plan, name: str, times: StageTimes) -> Iterator[Claim]:
    """Claim the load of a stage, and the other causes that keep requests waiting or turn them away, a clause each."""
    stage = plan.scenario.stages[name]
    if stage.servers:
        yield from _why_busy(plan, name, stage, times)
    else:
        yield Claim(f"load.{name}", "is", None, words=phrase("bottleneck.any_load"))
    if times.turned_away >= FEW * times.visits:
        share = times.turned_away / times.visits
        yield _share_of(f"turned away.{name}", share, phrase("bottleneck.turned_away", share=share))


def peak_claim(load: Load, words: str) -> Claim:
    """Claim the load of theory at the peak, to which the retries of a run add."""
    at = "peak load" if load.retried is None else "peak load before retries"
    return load_claim(load.stage, load.at_peak, words, "closed form", at)


def _share_of(subject: str, share: float, words: str) -> Claim:
    return Claim(subject, "is", share, unit="share", words=words)


def _why_busy(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> Iterator[Claim]:
    slots: dict[str, Slot] = {"finite": isfinite(times.load), "load": times.load, "together": stage.servers.together}
    yield load_claim(name, times.load, phrase("bottleneck.load", **slots))
    load = load_on(plan, name)
    if load is not None and load.at_peak >= 1 > min(times.load, times.late_load):
        yield peak_claim(load, phrase("bottleneck.peak", load=load.at_peak, fresh=load.retried is not None))
    if times.waited_s and times.held_s >= CAUSE * times.waited_s:
        yield _share_of(f"held.{name}", times.held_s / times.waited_s, _why_held(plan, name, stage, times))
    if times.waited_s and times.down_s >= CAUSE * times.waited_s:
        share = times.down_s / times.waited_s
        yield _share_of(f"down.{name}", share, phrase("bottleneck.down", share=share, server=stage.servers.one))
    if together := _why_together(plan, times):
        yield _share_of(f"waited.{name}", times.waited_s / times.total_s, together)


def _why_together(plan: Plan, times: StageTimes) -> str:
    """Say why requests wait at a stage with a low load; empty where they do not, or something else accounts for the wait."""
    is_explained = max(times.held_s, times.down_s) >= CAUSE * times.waited_s
    if is_explained or times.load >= LOW_LOAD or times.waited_s < CAUSE * times.total_s:
        return ""
    return phrase("bottleneck.together", many=plan.scenario.unit.many)


def _why_held(plan: Plan, name: str, stage: AnyStage, times: StageTimes) -> str:
    share = times.held_s / times.waited_s
    if stage.servers.keeps_hours:
        there = servers(plan, name)
        hours = Steps(there.times, tuple(float(people == 0) for people in there.values)).total(DAY_S) / HOUR_S
        return phrase("bottleneck.off_duty", hours=hours, share=share)
    return phrase("bottleneck.batching", share=share, delay=stage.service.batching_delay_s)


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
