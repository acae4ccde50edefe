"""Notes on a run: limits of its figures, reasons to trust it or not, and the evidence that would decide an objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from math import ceil, isfinite, log
from typing import Any, Literal

import numpy as np

from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.evidence.profiles import DISTURBED_SHARE, ThreadRun
from simulator.explain.bottleneck import group_words
from simulator.explain.causes import cause_of
from simulator.explain.claims import Claim, Remedy, RemedyKind, figure, load_claim, on_metric, on_verdict
from simulator.intervals import Interval, quantile_interval
from simulator.metrics.label_uncertainty import labelled_behind
from simulator.metrics.stage_metrics import StageTimes, clock, last_change
from simulator.metrics.summary import POSITIVES_FOR_99, POSITIVES_FOR_99_WITH_ONE_MISS, Summary, Verdict, grows, idle_labels
from simulator.theory.loads import loads
from simulator.units import counted, duration, roughly, significant, with_noun

#: An event that did not occur in N trials has a rate below 3 / N, as 0.05 = exp(-3) nearly (one-sided 95%, rule of three).
CHANCE = 0.05


def too_few_labels(plan: Plan, metric: Metric, share: float | None) -> str | None:
    """Say that the labelled people are too few for any design to prove a share; empty where they are enough.

    Empty also where the scores of this design name no one of the group: those of another design may. None where no labelled
    people stand behind the metric.
    """
    behind = labelled_behind(plan, metric)
    if share is None or behind is None:
        return None
    of_class, labelled = behind
    people = plan.scenario.population
    names = (people.negatives, people.positives) if people else ("negatives", "positives")
    whom, error = names[of_class] + group_words(plan, metric), ("a false alarm", "a miss")[of_class]
    if share >= 1:
        return f"No design can prove this here: no number of labelled {whom} proves a share of 100%."
    needed = ceil(log(CHANCE) / log(share)) if share > 0 else 0
    if labelled >= needed or (metric.group and not labelled):
        return ""
    # a group counts people, of each of whom several items may be labelled; the case may speak of the items
    of_people = f"the labelled ones come from {labelled:,.0f} {plan.scenario.who.many}"
    those = of_people if metric.group else f"{labelled:,.0f} were labelled"
    return f"No design can prove this here: it takes {needed:,} {whom} without {error}, and {those}."


# ---- what a reader of the figures has to know


#: The population of a note that counts nothing.
NOTE = "note"

_TURNED_AWAY = "{0} that find the queue full, or wait too long, are turned away."

_GROWS = "There is no steady state: the queue grows as long as {1} arrive, so no 95th or 99th percentile can be quoted."


def notes_of(summary: Summary) -> list[Claim]:
    """Claim everything that a reader of the figures has to know, the most important first."""
    plan, idle = summary.plan, idle_labels(summary.plan, summary.stages)
    notes = [
        *map(_note, filter(None, [plan.outside_brief])),
        *(_note(warning) for warning in plan.warnings if not any(warning.startswith(f"{label}: ") for label in idle)),
        *([_note(summary.warm_up.sentence, "warm-up")] if summary.warm_up else []),
        *_overload(summary),
        *_peaks(summary),
        *_too_short(summary),
        *(on_metric(withheld.metric, "is", None, withheld.sentence) for withheld in summary.withheld),
        *(
            Claim(f"threshold of {limit.gate}, {limit.route}", "is", limit.reached,
                  unit="share", words=limit.sentence, evidence="table")
            for limit in summary.thresholds
        ),
        *_on_sensitivity(summary),
        *([_note(summary.mlperf.sentence, "MLPerf")] if summary.mlperf else []),
    ]  # fmt: skip
    already = {note.words for note in notes}
    for name, edge in summary.at_edges.items():
        place = f"{name} edge of the projection"
        notes += [
            replace(note, subject=f"{note.subject} at the {place}", words=f"At the {place}: {note.words}", parts=())
            for note in notes_of(edge)
            if note.words not in already
        ]
    return notes


def _note(words: str, subject: str = NOTE) -> Claim:
    return Claim(subject, "is", population=NOTE, words=words)


def _too_short(summary: Summary) -> Iterator[Claim]:
    """Claim of a run that stands for a longer one that its waits are too short, where a queue grows at the busiest time."""
    plan = summary.plan
    if plan.scenario.run.stands_for_days is None:
        return
    for load in (load for load in loads(plan) if load.at_peak >= 1):
        label, times = plan.scenario.stages[load.stage].label, f"{plan.scenario.run.pace:.3g} times as long"
        grows_then = f"{label}: its queue grows at the busiest time, in reality for {times}."
        yield _note(f"{grows_then} Waits are too short here: simulate it all.")


def _overload(summary: Summary) -> Iterator[Claim]:
    stages = summary.plan.scenario.stages
    for name, times in summary.stages.items() if summary.plan.scenario.arrivals.has_rate else ():
        if load := _overloaded(summary, name, times):
            yield replace(load, words=f"{stages[name].label}: {load.words}")


def _overloaded(summary: Summary, name: str, times: StageTimes) -> Claim | None:
    plan = summary.plan
    since = f"from {clock(plan.scenario, last_change(plan, name))} on"
    bounded = plan.scenario.stages[name].service.is_bounded
    many = plan.scenario.unit.many
    then = (_GROWS if grows(plan, name, times) else _TURNED_AWAY).format(many.capitalize(), many)
    if min(times.load, times.late_load) >= 1:
        return load_claim(name, times.load, f"{_much(times.load)}. {then}")
    if times.late_load >= 1:
        return load_claim(name, times.late_load, f"{since}, {_much(times.late_load)}. {then}", at="late load")
    passes = f"{since} it is {times.late_load:.2f} times, so the queue is worked off again."
    if times.load >= 1:
        words = f"{_much(times.load)} over the whole run; {passes}{f' {then}' if bounded else ''}"
        return load_claim(name, times.load, words)
    if times.struck_load >= 1 and not bounded:
        return load_claim(
            name, times.struck_load, f"while something strikes, {_much(times.struck_load)}; {passes}", at="struck load"
        )
    return None


def _much(load: float) -> str:
    return f"the offered load is {significant(load)} times what it can serve" if isfinite(load) else "it has no server"


def _peaks(summary: Summary) -> Iterator[Claim]:
    # of a stage that stays overloaded after the peak, the note on its overload speaks: its queue outlasts the fall of the rate
    lasting = {name for name, times in summary.stages.items() if times.late_load >= 1}
    for load in loads(summary.plan):
        if load.at_peak >= 1 > load.mean and load.stage not in lasting:
            label, times = (
                summary.plan.scenario.stages[load.stage].label,
                f"{significant(load.at_peak)} times what it can serve",
            )
            words = f"{label}: at the peak, the offered load is {times}; a queue builds up until the rate falls again."
            yield load_claim(load.stage, load.at_peak, words, "closed form", "peak load")


def _on_sensitivity(summary: Summary) -> Iterator[Claim]:
    """Claim the sensitivity of the run, where a strike has broken a threshold's promise, and the positives that it rests on."""
    estimate, scores = summary.metrics.get("sensitivity"), summary.plan.scores
    if estimate is None:
        return
    metric, (share, bounds) = summary.metric("sensitivity"), summary.shown("sensitivity")
    if not all(check.holds for check in summary.thresholds if check.of_positives):
        words = f"Over the whole run, before the strike and after it, “{metric.label}” is {share} (95% interval {bounds})."
        yield figure(metric, estimate, words)
    if scores is not None:
        words = f"“{metric.label}” rests on {scores.positive_evidence:,.0f} {scores.about.counted} positives: "
        words += f"its 95% interval is {bounds}. Claiming 99% takes {POSITIVES_FOR_99} positives without a miss, or "
        yield figure(metric, estimate, f"{words}{POSITIVES_FOR_99_WITH_ONE_MISS} with one.", evidence="table")


# ---- the evidence that would decide an objective


#: Never advise more replications than this.
MOST_REPLICATIONS = 1000

#: A value nearer to its bound than this part of an interval's half-width is decided by no amount of evidence that can be had.
NEAREST = 0.1


def remedy_of(summary: Summary, verdict: Verdict) -> Remedy:
    """Return the evidence that would decide an objective: replications if they can, else that which lessens the largest doubt.

    Where no design can prove the objective, the sentence that says so is the only one: replications then decide nothing more.
    The doubts of the run and of the labels add in squares; the band of a projection adds to both. Only that of the run shrinks
    with the square root of the replications.
    """
    estimate, margin = verdict.estimate, verdict.margin
    assert estimate is not None
    assert margin is not None
    run, labels, band = (_towards(part, verdict.bound) for part in (estimate.run, estimate.labels, estimate.projected))
    if sentence := unprovable(summary, verdict):
        kind, _, why = _beyond_runs(summary, projected=False)
        return Remedy("nothing" if verdict.objective.at_least == 1 else kind, sentence, why if labels > run else "")
    room = max(abs(margin) - band, 0.0) ** 2 - labels**2
    needed = summary.replications * run**2 / room if room > 0 else MOST_REPLICATIONS + 1
    if needed <= MOST_REPLICATIONS:
        count = max(ceil(round(needed, 6)), summary.replications + 1)
        return Remedy("replications", f"About {count:,} replications would decide it.")
    largest, alone = max(labels, band), summary.replications * run**2
    kind, more, why = _beyond_runs(summary, projected=band > labels)
    if abs(margin) < NEAREST * largest or not largest or alone > MOST_REPLICATIONS * margin**2:
        sentence = "The value lies too close to the bound for anything here to decide it."
        return Remedy("nothing", sentence, why if largest > run else "")
    too = " and more replications" if run >= abs(margin) else ""
    return Remedy(kind, f"Only {more}{too} would decide it.", why)


def _towards(part: Interval | None, bound: float) -> float:
    """Return the distance from a value to the end of its interval on the side of the bound."""
    if part is None:
        return 0.0
    return max(part.high - part.value if bound >= part.value else part.value - part.low, 0.0)


def _beyond_runs(summary: Summary, projected: bool) -> tuple[RemedyKind, str, str]:
    """Return what lessens the doubt that no replication lessens, in words, and its reason."""
    if projected:
        return "measurement", "a measurement on that hardware", "the latencies are projected"
    if summary.plan.scenario.encounters is not None:
        return "drives", "more recorded drives", "little was recorded and labelled"
    many = summary.plan.scenario.who.many
    return "labels", f"more labelled {many}", f"few {many} are labelled"


def unprovable(summary: Summary, verdict: Verdict) -> str:
    """Say that the labels or drives are too few for any design to prove an objective; empty where they are enough."""
    sentence = too_few_labels(summary.plan, verdict.metric, verdict.objective.at_least)
    return cause_of(summary, verdict).unprovable if sentence is None else sentence


# ---- trust in a result


Level = Literal["good", "fair", "weak"]

#: From these loads on, a stage is busy, and close to saturation.
BUSY, SATURATED = 0.7, 0.9

#: If other programs used at least this share of the machine, the latencies say more about them than about the model.
SWAMPED_SHARE = 0.3

#: With at most these shares of the figures assumed, a result is well or fairly founded.
FEW_ASSUMED, MANY_ASSUMED = 0.25, 0.6


@dataclass(frozen=True)
class TrustNote:
    """One reason to trust a result, or not to; stage: the label of the stage that it is about, empty for none."""

    topic: str
    level: Level
    claim: Claim
    stage: str = ""

    @property
    def sentence(self) -> str:
        return self.claim.words

    def to_json(self) -> dict[str, str]:
        return {"topic": self.topic, "level": self.level, "sentence": self.sentence}


def _trust_note(topic: str, level: Level, words: str, *parts: Claim, stage: str = "") -> TrustNote:
    """Note a doubt, or that there is none; parts: the claims in its sentence."""
    return TrustNote(topic, level, Claim(topic, "rests on", level, population="trust", words=words, parts=parts), stage)


def _level(good: bool, fair: bool = True) -> Level:
    return "good" if good else "fair" if fair else "weak"


def trust_notes(summary: Summary) -> list[TrustNote]:
    """Collect every note on a result, in a fixed order, without topics that the scenario does not touch."""
    topics = (_most_loaded, _warm_up, _latencies, _positives, _verdicts, _assumptions)
    return list(_of_one_mind([note for notes in topics for note in notes(summary)]))


def _of_one_mind(notes: Sequence[TrustNote]) -> Iterator[TrustNote]:
    """Leave no stage both in doubt and well founded.

    A sound measurement vouches for nothing where the latencies are doubted, and a calm load holds only if they do.
    """
    doubted = {note.stage for note in notes if note.stage and note.level == "weak" and note.topic != "load"}
    for note in notes:
        if note.level != "good" or note.stage not in doubted:
            yield note
        elif note.topic == "load":
            words = f"{note.sentence} That holds only if its latencies do."
            yield replace(note, level="fair", claim=replace(note.claim, value="fair", words=words))


def good_of(notes: Sequence[TrustNote]) -> str:
    """Count the notes without a doubt, in words: `4 of 6 points are good`."""
    return f"{_part_of(sum(note.level == 'good' for note in notes), notes, 'point')} good"


def _part_of(count: int, every: Sized, noun: str) -> str:
    return f"{count} of {counted(len(every), noun)} {'is' if count == 1 else 'are'}"


def _most_loaded(summary: Summary) -> Iterator[TrustNote]:
    by_stage = {name: times.load for name, times in summary.stages.items() if times.load > 0}
    if not by_stage:
        return
    name = max(by_stage, key=lambda stage: by_stage[stage])
    load, stage = by_stage[name], summary.plan.scenario.stages[name]
    if not isfinite(load):
        yield _trust_note("load", "weak", f"{stage.label} has no server.", stage=stage.label)
        return
    at = f"{stage.label} is the most loaded stage, at {roughly(load)} of what it can serve"
    retried = max(load.retried or 0.0 for load in loads(summary.plan) if load.stage == name)
    level: Level = "weak" if load >= SATURATED else "fair"
    if load >= 1:
        text = f"{at}: overload. {_overload_lasts(summary, name)}"
    elif load >= BUSY:
        text = f"{at}: {'near saturation' if load >= SATURATED else 'busy'}. {_leverage(summary, name, load)}"
    elif peaks := _over_at_peak(summary):
        text = f"{at}. At the peak, {peaks}: that queue depends on the real height of the peak."
    elif retried >= 1:
        text = f"{at}, but at {roughly(retried)} if all it turns away came back as often as allowed: overload could last."
    else:
        level, text = "good", f"{at}: calm. Small errors in a capacity change little."
    yield _trust_note("load", level, text, load_claim(name, load, at), stage=stage.label if level == "good" else "")


def _overload_lasts(summary: Summary, name: str) -> str:
    if summary.plan.scenario.stages[name].service.is_bounded:
        many = summary.plan.scenario.unit.many.capitalize()
        return f"{many} that wait too long, or find the queue full, are turned away."
    if grows(summary.plan, name, summary.stages[name]):
        return "The length of its queue depends on the length of the run, not on the design."
    return "It passes within the run, and how long its queue grows depends on how long it lasts."


def _leverage(summary: Summary, name: str, load: float) -> str:
    """Say what 1% less capacity does: times grow with one over the capacity that is left, unless requests are turned away."""
    stage, after = summary.plan.scenario.stages[name], load / 0.99
    if stage.service.is_bounded:
        return f"With 1% less capacity it turns more {summary.plan.scenario.unit.many} away."
    if after >= 1:
        return "With 1% less capacity it would be overloaded."
    people = stage.servers is not None and stage.servers.keeps_hours
    effect = "a backlog takes about {}% longer to work off" if people else "the time there grows by about {}%"
    return f"With 1% less capacity {effect.format(significant(100 * ((1 - load) / (1 - after) - 1), 2))}."


def _over_at_peak(summary: Summary) -> str:
    over = [load for load in loads(summary.plan) if load.at_peak >= 1]
    stages = summary.plan.scenario.stages
    return ", ".join(
        f"{stages[load.stage].label} is offered {load.at_peak:.1f} times what it can serve"
        f"{' before any retry' if load.retried is not None else ''}"
        for load in over
    )


def _warm_up(summary: Summary) -> Iterator[TrustNote]:
    if summary.warm_up is not None:
        yield _trust_note("warm-up", _level(summary.warm_up.steady, fair=False), summary.warm_up.sentence)


def _latencies(summary: Summary) -> Iterator[TrustNote]:
    """Judge service times: their evidence, batch sizes, disturbance and tail."""
    idle = {f"{label}: latency" for label in idle_labels(summary.plan, summary.stages)}
    for source in summary.provenance:
        if source.what.endswith(": latency") and source.what not in idle and source.kind != "measured":
            level = _level(good=False, fair=source.kind in ("projected", "published"))
            words = f"its latencies are {source.kind}, {source.value}; not measured on the machine that would serve."
            yield _on_stage("latency", level, source.what.removesuffix(": latency"), words)
    for name, runs in summary.plan.timed.items():
        stage = summary.plan.scenario.stages[name]
        for run in runs:
            yield _sizes(stage, run)
            yield _disturbance(stage.label, run)
        if len(runs) == 1:
            yield _tail(stage, runs[0])


def _on_stage(topic: str, level: Level, label: str, words: str) -> TrustNote:
    return _trust_note(topic, level, f"{label}: {words}", stage=label)


def _sizes(stage: Any, run: ThreadRun) -> TrustNote:
    """Report gaps between measured sizes; a plan beyond the measured sizes or threads is refused."""
    sizes = sorted(calls.batch for calls in run.calls)
    measured_with = f"measured with {counted(run.threads, 'thread')}"
    if all(size in sizes for size in range(1, stage.max_batch + 1)):
        return _on_stage("batch sizes", "good", stage.label, f"{measured_with} at every batch size it may use.")
    measured = ", ".join(str(size) for size in sizes if size <= stage.max_batch)
    level = _level(max(sizes) >= stage.max_batch, fair=False)
    beyond = "" if level == "good" else f"; nothing was measured beyond {max(sizes)}"
    words = f"{measured_with} at batches of {measured}; sizes in between are interpolated{beyond}."
    return _on_stage("batch sizes", level, stage.label, words)


def _disturbance(label: str, run: ThreadRun) -> TrustNote:
    if run.others_share is None:
        return _on_stage("disturbance", "fair", label, "how busy the machine was during the measurement was not recorded.")
    level = _level(run.others_share < DISTURBED_SHARE, run.others_share < SWAMPED_SHARE)
    words = f"other programs used {roughly(run.others_share)} of the machine during the measurement."
    return _on_stage("disturbance", level, label, words)


def _tail(stage: Any, run: ThreadRun) -> TrustNote:
    """Bound the 99th percentile of the service times of single requests, by order statistics: calls are nearly independent."""
    calls = min(run.calls, key=lambda calls: calls.batch)
    tail = quantile_interval(np.array(calls.latency_ms) * stage.times_measured / 1000, 0.99)
    which = f"{len(calls.latency_ms)} calls with a batch of {calls.batch}"
    level, where = _level(good=isfinite(tail.high)), f"above {duration(tail.low)}; {which} give no upper bound."
    if level == "good":
        where = f"between {duration(tail.low)} and {duration(tail.high)}, from {which}."
    return _on_stage("service-time tail", level, stage.label, f"the 99th percentile of its service times lies {where}")


def _positives(summary: Summary) -> Iterator[TrustNote]:
    scores, sensitivity = summary.plan.scores, summary.metrics.get("sensitivity")
    if scores is None or sensitivity is None:
        return
    count = scores.positive_evidence
    level = _level(count >= 10 * POSITIVES_FOR_99, count >= POSITIVES_FOR_99)
    width = 100 * (sensitivity.high - sensitivity.low)
    rests = f"“{summary.metric('sensitivity').label}” rests on {count:,.0f} {scores.about.counted} positives"
    text = f"{rests}; its interval is {with_noun(significant(width, 2), 'point')} wide."
    if sensitivity.labels is not None:
        labels = 100 * (sensitivity.labels.high - sensitivity.labels.low)
        text += f" With more replications it would still be {with_noun(significant(labels, 2), 'point')} wide."
    yield _trust_note("positives", level, text)


def _verdicts(summary: Summary) -> Iterator[TrustNote]:
    if not summary.verdicts:
        return
    if summary.outside_brief:
        words = "The design is outside of the brief, so every verdict is void."
        yield _trust_note("verdicts", "weak", words, *(on_verdict(verdict, words=words) for verdict in summary.verdicts))
        return
    without_figure = [verdict for verdict in summary.verdicts if verdict.standing == "no figure"]
    open_ones = [verdict for verdict in summary.verdicts if verdict.standing == "not proven"]
    for verdict in without_figure:
        words = f"{verdict.objective.label}: the run has no figure for it, so it is undecided."
        yield _trust_note("verdicts", "weak", words, on_verdict(verdict, words=words))
    if not open_ones and not without_figure:
        words = "No interval includes its bound: each verdict is certain."
        each = (on_metric(verdict.metric, "certain", True, words) for verdict in summary.verdicts)
        yield _trust_note("verdicts", "good", words, *each)
    for verdict in open_ones:
        remedy = remedy_of(summary, verdict)
        words = f"{verdict.objective.label}: the interval includes the bound. {remedy.sentence}"
        yield _trust_note("verdicts", "weak", words, on_verdict(verdict, remedy, words))


def _assumptions(summary: Summary) -> Iterator[TrustNote]:
    sources = summary.provenance
    if not sources:
        return
    assumed = sum(source.kind == "assumed" for source in sources)
    share = assumed / len(sources)
    level = _level(share <= FEW_ASSUMED, share <= MANY_ASSUMED)
    yield _trust_note("assumptions", level, f"{_part_of(assumed, sources, 'figure')} assumed by the author of the case.")
