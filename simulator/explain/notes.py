"""Notes on a run: limits of its figures, reasons to trust it or not, and the evidence that would decide an objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite, log
from typing import Any, Literal

import numpy as np

from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.evidence.profiles import DISTURBED_SHARE, ThreadRun
from simulator.explain.bottleneck import group_words, peak_claim
from simulator.explain.causes import cause_of
from simulator.explain.claims import Claim, Remedy, RemedyKind, figure, load_claim, on_metric, on_verdict
from simulator.intervals import Interval, quantile_interval
from simulator.metrics.label_uncertainty import labelled_behind
from simulator.metrics.stage_metrics import clock, last_change
from simulator.metrics.summary import POSITIVES_FOR_99, POSITIVES_FOR_99_WITH_ONE_MISS, Summary, Verdict, grows, idle_labels
from simulator.phrases import Slot, phrase
from simulator.theory.loads import loads
from simulator.units import significant, with_noun

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
    whom = names[of_class] + group_words(plan, metric)
    if share >= 1:
        return phrase("unprovable.perfect", whom=whom)
    needed = ceil(log(CHANCE) / log(share)) if share > 0 else 0
    if labelled >= needed or (metric.group and not labelled):
        return ""
    # a group counts people, of each of whom several items may be labelled; the case may speak of the items
    of_people = plan.scenario.who.many if metric.group else ""
    return phrase("unprovable.labels", needed=needed, whom=whom, positive=of_class, labelled=labelled, people=of_people)


# ---- what a reader of the figures has to know


#: The population of a note that counts nothing.
NOTE = "note"


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
            replace(
                note,
                subject=f"{note.subject} at the {place}",
                words=phrase("notes.at_edge", place=place, note=note.words),
                parts=(),
            )
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
        label = plan.scenario.stages[load.stage].label
        yield _note(phrase("overload.too_short", label=label, pace=plan.scenario.run.pace))


def _overload(summary: Summary) -> Iterator[Claim]:
    for name, times in summary.stages.items() if summary.plan.scenario.arrivals.has_rate else ():
        bounded = summary.plan.scenario.stages[name].service.is_bounded
        if min(times.load, times.late_load) >= 1:
            yield _overloaded(summary, name, "lasting", "load", times.load)
        elif times.late_load >= 1:
            yield _overloaded(summary, name, "late", "late load", times.late_load)
        elif times.load >= 1:
            yield _overloaded(summary, name, "passing", "load", times.load)
        elif times.struck_load >= 1 and not bounded:
            yield _overloaded(summary, name, "struck", "struck load", times.struck_load)


def _overloaded(summary: Summary, name: str, which: str, at: str, load: float) -> Claim:
    plan, times = summary.plan, summary.stages[name]
    stage, since = plan.scenario.stages[name], clock(plan.scenario, last_change(plan, name))
    then = "overload.grows" if grows(plan, name, times) else "overload.turned_away"
    words = phrase(
        f"overload.{which}",
        label=stage.label,
        since=since,
        much=phrase("overload.much", finite=isfinite(load), load=load),
        passes=phrase("overload.passes", since=since, late=times.late_load),
        bounded=stage.service.is_bounded,
        then=phrase(then, many=plan.scenario.unit.many),
    )
    return load_claim(name, load, words, at=at)


def _peaks(summary: Summary) -> Iterator[Claim]:
    # of a stage that stays overloaded after the peak, the note on its overload speaks: its queue outlasts the fall of the rate
    lasting = {name for name, times in summary.stages.items() if times.late_load >= 1}
    for load in loads(summary.plan):
        if load.at_peak >= 1 > load.mean and load.stage not in lasting:
            label, fresh = summary.plan.scenario.stages[load.stage].label, load.retried is not None
            yield peak_claim(load, phrase("overload.at_peak", label=label, load=load.at_peak, fresh=fresh))


def _on_sensitivity(summary: Summary) -> Iterator[Claim]:
    """Claim the sensitivity of the run, where a strike has broken a threshold's promise, and the positives that it rests on."""
    estimate, scores = summary.metrics.get("sensitivity"), summary.plan.scores
    if estimate is None:
        return
    metric, (share, bounds) = summary.metric("sensitivity"), summary.shown("sensitivity")
    if not all(check.holds for check in summary.thresholds if check.of_positives):
        words = phrase("notes.after_a_strike", label=metric.label, share=share, interval=bounds)
        yield figure(metric, estimate, words)
    if scores is not None:
        words = phrase(
            "notes.positives", label=metric.label, count=scores.positive_evidence, counted=scores.about.counted,
            interval=bounds, without_a_miss=POSITIVES_FOR_99, with_one=POSITIVES_FOR_99_WITH_ONE_MISS,
        )  # fmt: skip
        yield figure(metric, estimate, words, evidence="table")


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
        return Remedy("replications", phrase("decides.replications", count=count))
    largest, alone = max(labels, band), summary.replications * run**2
    kind, more, why = _beyond_runs(summary, projected=band > labels)
    if abs(margin) < NEAREST * largest or not largest or alone > MOST_REPLICATIONS * margin**2:
        return Remedy("nothing", phrase("decides.nothing"), why if largest > run else "")
    return Remedy(kind, phrase("decides.more", more=more, runs=run >= abs(margin)), why)


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
    topics = (_most_loaded, _warm_up, _recording, _latencies, _positives, _verdicts, _assumptions)
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
            words = phrase("trust.only_if", note=note.sentence)
            yield replace(note, level="fair", claim=replace(note.claim, value="fair", words=words))


def good_of(notes: Sequence[TrustNote]) -> str:
    """Count the notes without a doubt, in words: `4 of 6 points are good`."""
    return phrase("trust.good", count=sum(note.level == "good" for note in notes), all=len(notes))


def _most_loaded(summary: Summary) -> Iterator[TrustNote]:
    by_stage = {name: times.load for name, times in summary.stages.items() if times.load > 0}
    if not by_stage:
        return
    name = max(by_stage, key=lambda stage: by_stage[stage])
    load, stage = by_stage[name], summary.plan.scenario.stages[name]
    if not isfinite(load):
        yield _trust_note("load", "weak", phrase("trust.no_server", label=stage.label), stage=stage.label)
        return
    at = phrase("trust.most_loaded", label=stage.label, load=load)
    retried = max(load.retried or 0.0 for load in loads(summary.plan) if load.stage == name)
    level: Level = "weak" if load >= SATURATED else "fair"
    if load >= 1:
        text = phrase("trust.overloaded", at=at, lasts=_overload_lasts(summary, name))
    elif load >= BUSY:
        text = phrase("trust.busy", at=at, saturated=load >= SATURATED, leverage=_leverage(summary, name, load))
    elif peaks := _over_at_peak(summary):
        text = phrase("trust.at_peak", at=at, peaks=peaks)
    elif retried >= 1:
        text = phrase("trust.retried", at=at, retried=retried)
    else:
        level, text = "good", phrase("trust.calm", at=at)
    yield _trust_note("load", level, text, load_claim(name, load, at), stage=stage.label if level == "good" else "")


def _overload_lasts(summary: Summary, name: str) -> str:
    if summary.plan.scenario.stages[name].service.is_bounded:
        return phrase("trust.turns_away", many=summary.plan.scenario.unit.many)
    return phrase("trust.grows" if grows(summary.plan, name, summary.stages[name]) else "trust.passes")


def _leverage(summary: Summary, name: str, load: float) -> str:
    """Say what 1% less capacity does: times grow with one over the capacity that is left, unless requests are turned away."""
    stage, after = summary.plan.scenario.stages[name], load / 0.99
    if stage.service.is_bounded:
        return phrase("trust.turns_more_away", many=summary.plan.scenario.unit.many)
    if after >= 1:
        return phrase("trust.would_be_overloaded")
    people = stage.servers is not None and stage.servers.keeps_hours
    return phrase("trust.slower", people=people, more=100 * ((1 - load) / (1 - after) - 1))


def _over_at_peak(summary: Summary) -> list[str]:
    stages = summary.plan.scenario.stages
    return [
        phrase("trust.peak", label=stages[load.stage].label, load=load.at_peak, retried=load.retried is not None)
        for load in loads(summary.plan)
        if load.at_peak >= 1
    ]


def _warm_up(summary: Summary) -> Iterator[TrustNote]:
    if summary.warm_up is not None:
        yield _trust_note("warm-up", _level(summary.warm_up.steady, fair=False), summary.warm_up.sentence)


def _latencies(summary: Summary) -> Iterator[TrustNote]:
    """Judge service times: their evidence, batch sizes, disturbance and tail."""
    idle = {f"{label}: latency" for label in idle_labels(summary.plan, summary.stages)}
    for source in summary.provenance:
        if source.what.endswith(": latency") and source.what not in idle and source.kind != "measured":
            level = _level(good=False, fair=source.kind in ("projected", "published"))
            label = source.what.removesuffix(": latency")
            yield _on_stage("latency", level, label, "latency", kind=source.kind, value=source.value)
    for name, runs in summary.plan.timed.items():
        stage = summary.plan.scenario.stages[name]
        for run in runs:
            yield _sizes(stage, run)
            yield _disturbance(stage.label, run)
        if len(runs) == 1:
            yield _tail(stage, runs[0])


def _on_stage(topic: str, level: Level, label: str, key: str, **slots: Slot) -> TrustNote:
    return _trust_note(topic, level, phrase(f"trust.{key}", label=label, **slots), stage=label)


def _sizes(stage: Any, run: ThreadRun) -> TrustNote:
    """Report gaps between measured sizes; a plan beyond the measured sizes or threads is refused."""
    sizes = sorted(calls.batch for calls in run.calls)
    if all(size in sizes for size in range(1, stage.max_batch + 1)):
        return _on_stage("batch sizes", "good", stage.label, "every_size", threads=run.threads)
    measured = [str(size) for size in sizes if size <= stage.max_batch]
    level = _level(max(sizes) >= stage.max_batch, fair=False)
    beyond = None if level == "good" else max(sizes)
    return _on_stage("batch sizes", level, stage.label, "sizes", threads=run.threads, sizes=measured, beyond=beyond)


def _disturbance(label: str, run: ThreadRun) -> TrustNote:
    if run.others_share is None:
        return _on_stage("disturbance", "fair", label, "undisturbed")
    level = _level(run.others_share < DISTURBED_SHARE, run.others_share < SWAMPED_SHARE)
    return _on_stage("disturbance", level, label, "disturbed", share=run.others_share)


def _tail(stage: Any, run: ThreadRun) -> TrustNote:
    """Bound the 99th percentile of the service times of single requests, by order statistics: calls are nearly independent."""
    calls = min(run.calls, key=lambda calls: calls.batch)
    tail = quantile_interval(np.array(calls.latency_ms) * stage.times_measured / 1000, 0.99)
    slots = {"low": tail.low, "high": tail.high, "calls": len(calls.latency_ms), "batch": calls.batch}
    bounded = isfinite(tail.high)
    return _on_stage("service-time tail", _level(bounded), stage.label, "tail" if bounded else "open_tail", **slots)


def _recording(summary: Summary) -> Iterator[TrustNote]:
    if file := summary.plan.scenario.arrivals.content.file:
        yield _trust_note("recording", "fair", phrase("trust.recording", file=file))


def _positives(summary: Summary) -> Iterator[TrustNote]:
    scores, sensitivity = summary.plan.scores, summary.metrics.get("sensitivity")
    if scores is None or sensitivity is None:
        return
    count = scores.positive_evidence
    level = _level(count >= 10 * POSITIVES_FOR_99, count >= POSITIVES_FOR_99)
    widths = (100 * (part.high - part.low) for part in (sensitivity, sensitivity.labels) if part is not None)
    width, *labels = (with_noun(significant(points, 2), "point") for points in widths)
    label = summary.metric("sensitivity").label
    slots: dict[str, Slot] = {"label": label, "count": count, "counted": scores.about.counted, "width": width}
    yield _trust_note("positives", level, phrase("trust.positives", **slots, labels=next(iter(labels), "")))


def _verdicts(summary: Summary) -> Iterator[TrustNote]:
    if not summary.verdicts:
        return
    if summary.outside_brief:
        words = phrase("trust.void")
        yield _trust_note("verdicts", "weak", words, *(on_verdict(verdict, words=words) for verdict in summary.verdicts))
        return
    without_figure = [verdict for verdict in summary.verdicts if verdict.standing == "no figure"]
    open_ones = [verdict for verdict in summary.verdicts if verdict.standing == "not proven"]
    for verdict in without_figure:
        words = phrase("trust.no_figure", label=verdict.objective.label)
        yield _trust_note("verdicts", "weak", words, on_verdict(verdict, words=words))
    if not open_ones and not without_figure:
        words = phrase("trust.certain")
        each = (on_metric(verdict.metric, "certain", True, words) for verdict in summary.verdicts)
        yield _trust_note("verdicts", "good", words, *each)
    for verdict in open_ones:
        remedy = remedy_of(summary, verdict)
        words = phrase("trust.open", label=verdict.objective.label, remedy=remedy.sentence)
        yield _trust_note("verdicts", "weak", words, on_verdict(verdict, remedy, words))


def _assumptions(summary: Summary) -> Iterator[TrustNote]:
    sources = summary.provenance
    if not sources:
        return
    assumed = sum(source.kind == "assumed" for source in sources)
    share = assumed / len(sources)
    level = _level(share <= FEW_ASSUMED, share <= MANY_ASSUMED)
    yield _trust_note("assumptions", level, phrase("trust.assumed", count=assumed, all=len(sources)))
