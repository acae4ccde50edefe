"""Trust in a result: notes on its load, evidence, labels and assumptions, and the evidence that would decide an objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, Literal

import numpy as np

from simulator.evidence.profiles import DISTURBED_SHARE, ThreadRun
from simulator.explain.causes import cause_of
from simulator.explain.claims import Claim, Remedy, RemedyKind, load_claim, on_metric, on_verdict
from simulator.explain.notes import too_few_labels
from simulator.intervals import Interval, quantile_interval
from simulator.metrics.summary import POSITIVES_FOR_99, Summary, Verdict, grows, idle_labels
from simulator.theory.loads import loads
from simulator.units import counted, duration, roughly, significant, with_noun

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


Level = Literal["good", "fair", "weak"]

#: From these loads on, a stage is busy, and close to saturation.
BUSY, SATURATED = 0.7, 0.9

#: If other programs used at least this share of the machine, the latencies say more about them than about the model.
SWAMPED_SHARE = 0.3

#: With at most these shares of the figures assumed, a result is well or fairly founded.
FEW_ASSUMED, MANY_ASSUMED = 0.25, 0.6

_PASSES = "It passes within the run, and how long its queue grows depends on how long it lasts."

_GROWS = "The length of its queue depends on the length of the run, not on the design."


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


def _note(topic: str, level: Level, words: str, *parts: Claim, stage: str = "") -> TrustNote:
    """Note a doubt, or that there is none; parts: the claims in its sentence."""
    return TrustNote(topic, level, Claim(topic, "rests on", level, population="trust", words=words, parts=parts), stage)


def notes_on(summary: Summary) -> list[TrustNote]:
    """Collect every note on a result, in a fixed order, without topics that the scenario does not touch."""
    topics = (_load, _warm_up, _latencies, _positives, _verdicts, _assumptions)
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
    good = sum(note.level == "good" for note in notes)
    return f"{good} of {counted(len(notes), 'point')} {'is' if good == 1 else 'are'} good"


def _load(summary: Summary) -> Iterator[TrustNote]:
    by_stage = {name: times.load for name, times in summary.stages.items() if times.load > 0}
    if not by_stage:
        return
    name = max(by_stage, key=lambda stage: by_stage[stage])
    load, stage = by_stage[name], summary.plan.scenario.stages[name]
    if not isfinite(load):
        yield _note("load", "weak", f"{stage.label} has no server.", stage=stage.label)
        return
    at = f"{stage.label} is the most loaded stage, at {roughly(load)} of what it can serve"
    claim = load_claim(name, load, at)
    retried = max(load.retried or 0.0 for load in loads(summary.plan) if load.stage == name)
    if load >= 1:
        many = summary.plan.scenario.unit.many.capitalize()
        turned_away = f"{many} that wait too long, or find the queue full, are turned away."
        then = (
            turned_away if stage.service.is_bounded else _GROWS if grows(summary.plan, name, summary.stages[name]) else _PASSES
        )
        yield _note("load", "weak", f"{at}: overload. {then}", claim)
    elif load >= BUSY:
        level: Level = "weak" if load >= SATURATED else "fair"
        regime = "near saturation" if load >= SATURATED else "busy"
        yield _note("load", level, f"{at}: {regime}. {_leverage(summary, name, load)}", claim)
    elif peaks := _over_at_peak(summary):
        text = f"{at}. At the peak, {peaks}: that queue depends on the real height of the peak."
        yield _note("load", "fair", text, claim)
    elif retried >= 1:
        text = f"{at}, but at {roughly(retried)} if all it turns away came back as often as allowed: overload could last."
        yield _note("load", "fair", text, claim)
    else:
        yield _note("load", "good", f"{at}: calm. Small errors in a capacity change little.", claim, stage=stage.label)


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
    over = [load for load in loads(summary.plan) if load.peak is not None and load.peak >= 1]
    stages = summary.plan.scenario.stages
    return ", ".join(
        f"{stages[load.stage].label} is offered {load.peak:.1f} times what it can serve"
        f"{' before any retry' if load.retried is not None else ''}"
        for load in over
    )


def _warm_up(summary: Summary) -> Iterator[TrustNote]:
    if summary.warm_up is not None:
        level: Level = "good" if summary.warm_up.steady else "weak"
        yield _note("warm-up", level, summary.warm_up.sentence)


def _latencies(summary: Summary) -> Iterator[TrustNote]:
    """Judge service times: their evidence, batch sizes, disturbance and tail."""
    idle = {f"{label}: latency" for label in idle_labels(summary.plan, summary.stages)}
    timed = [source for source in summary.provenance if source.what.endswith(": latency") and source.what not in idle]
    derived = [source for source in timed if source.kind != "measured"]
    for source in derived:
        level: Level = "fair" if source.kind in ("projected", "published") else "weak"
        label = source.what.removesuffix(": latency")
        sentence = f"{label}: its latencies are {source.kind}, {source.value}; not measured on the machine that would serve."
        yield _note("latency", level, sentence, stage=label)
    for name, runs in summary.plan.timed.items():
        stage = summary.plan.scenario.stages[name]
        for run in runs:
            yield _sizes(stage, run)
            yield _disturbance(stage, run)
        if len(runs) == 1:
            yield _tail(stage, runs[0])


def _sizes(stage: Any, run: ThreadRun) -> TrustNote:
    """Report gaps between measured sizes; a plan beyond the measured sizes or threads is refused."""
    sizes = sorted(calls.batch for calls in run.calls)
    between = [size for size in range(1, stage.max_batch + 1) if size not in sizes]
    topic, measured_with = "batch sizes", f"{stage.label}: measured with {counted(run.threads, 'thread')}"
    if not between:
        return _note(topic, "good", f"{measured_with} at every batch size it may use.", stage=stage.label)
    measured = ", ".join(str(size) for size in sizes if size <= stage.max_batch)
    level: Level = "good" if max(sizes) >= stage.max_batch else "weak"
    beyond = "" if level == "good" else f"; nothing was measured beyond {max(sizes)}"
    words = f"{measured_with} at batches of {measured}; sizes in between are interpolated{beyond}."
    return _note(topic, level, words, stage=stage.label)


def _disturbance(stage: Any, run: ThreadRun) -> TrustNote:
    if run.others_share is None:
        words = f"{stage.label}: how busy the machine was during the measurement was not recorded."
        return _note("disturbance", "fair", words, stage=stage.label)
    level: Level = "good"
    if run.others_share >= DISTURBED_SHARE:
        level = "fair" if run.others_share < SWAMPED_SHARE else "weak"
    sentence = f"{stage.label}: other programs used {roughly(run.others_share)} of the machine during the measurement."
    return _note("disturbance", level, sentence, stage=stage.label)


def _tail(stage: Any, run: ThreadRun) -> TrustNote:
    """Bound the 99th percentile of the service times of single requests, by order statistics: calls are nearly independent."""
    calls = min(run.calls, key=lambda calls: calls.batch)
    tail = quantile_interval(np.array(calls.latency_ms) * stage.times_measured / 1000, 0.99)
    percentile_lies, count = f"{stage.label}: the 99th percentile of its service times lies", len(calls.latency_ms)
    which = f"{count} calls with a batch of {calls.batch}"
    if not isfinite(tail.high):
        text = f"{percentile_lies} above {duration(tail.low)}; {which} give no upper bound."
        return _note("service-time tail", "fair", text, stage=stage.label)
    text = f"{percentile_lies} between {duration(tail.low)} and {duration(tail.high)}, from {which}."
    return _note("service-time tail", "good", text, stage=stage.label)


def _positives(summary: Summary) -> Iterator[TrustNote]:
    scores, sensitivity = summary.plan.scores, summary.metrics.get("sensitivity")
    if scores is None or sensitivity is None:
        return
    count = scores.positive_evidence
    level: Level = "weak" if count < POSITIVES_FOR_99 else "fair" if count < 10 * POSITIVES_FOR_99 else "good"
    width = 100 * (sensitivity.high - sensitivity.low)
    rests = f"“{summary.metric('sensitivity').label}” rests on {count:,.0f} {scores.about.counted} positives"
    text = f"{rests}; its interval is {with_noun(significant(width, 2), 'point')} wide."
    if sensitivity.labels is not None:
        labels = 100 * (sensitivity.labels.high - sensitivity.labels.low)
        text += f" With more replications it would still be {with_noun(significant(labels, 2), 'point')} wide."
    yield _note("positives", level, text)


def _verdicts(summary: Summary) -> Iterator[TrustNote]:
    if not summary.verdicts:
        return
    if summary.outside_brief:
        words = "The design is outside of the brief, so every verdict is void."
        yield _note("verdicts", "weak", words, *(on_verdict(verdict, words=words) for verdict in summary.verdicts))
        return
    without_figure = [verdict for verdict in summary.verdicts if verdict.standing == "no figure"]
    open_ones = [verdict for verdict in summary.verdicts if verdict.standing == "not proven"]
    for verdict in without_figure:
        words = f"{verdict.objective.label}: the run has no figure for it, so it is undecided."
        yield _note("verdicts", "weak", words, on_verdict(verdict, words=words))
    if not open_ones and not without_figure:
        words = "No interval includes its bound: each verdict is certain."
        each = (on_metric(verdict.metric, "certain", True, words) for verdict in summary.verdicts)
        yield _note("verdicts", "good", words, *each)
    for verdict in open_ones:
        remedy = remedy_of(summary, verdict)
        words = f"{verdict.objective.label}: the interval includes the bound. {remedy.sentence}"
        yield _note("verdicts", "weak", words, on_verdict(verdict, remedy, words))


def _assumptions(summary: Summary) -> Iterator[TrustNote]:
    sources = summary.provenance
    if not sources:
        return
    assumed = sum(source.kind == "assumed" for source in sources)
    share = assumed / len(sources)
    level: Level = "good" if share <= FEW_ASSUMED else "fair" if share <= MANY_ASSUMED else "weak"
    yield _note(
        "assumptions",
        level,
        f"{assumed} of {counted(len(sources), 'figure')} {'is' if assumed == 1 else 'are'} assumed by the author of the case.",
    )
