"""Evidence that would decide an objective whose interval includes its bound, and bounds that no evidence here can prove."""

from __future__ import annotations

from math import ceil

from simulator.explain.causes import cause_of
from simulator.explain.claims import Remedy, RemedyKind
from simulator.explain.proofs import too_few_labels
from simulator.intervals import Interval
from simulator.metrics.summary import Summary, Verdict

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
    if summary.plan.sights is not None:
        return "drives", "more recorded drives", "little was recorded and labelled"
    many = summary.plan.scenario.who.many
    return "labels", f"more labelled {many}", f"few {many} are labelled"


def unprovable(summary: Summary, verdict: Verdict) -> str:
    """Say that the labels or drives are too few for any design to prove an objective; empty where they are enough."""
    sentence = too_few_labels(summary.plan, verdict.metric, verdict.objective.at_least)
    return cause_of(summary, verdict).unprovable if sentence is None else sentence
