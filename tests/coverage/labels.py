"""Label sets from a binormal model, several photos a patient: what the program says of the next people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from simulator.engine.compiled_plan import Plan
from simulator.evidence.latency_tables import constant
from simulator.evidence.score_tables import ScoreTable
from simulator.explain.result import replicate
from simulator.metrics.comparisons import differences
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from tests.builders import assumed, end, gate, people, plan, pool, population, score_table
from tests.coverage.registry import Claim, study

#: Distance of the classes, in standard deviations of either, and the share of patients who are positive.
APART, ILL = 1.5, 0.42
PATIENTS, PHOTOS = 400, 3
#: How alike photos of one patient score, and how alike two models score one photo.
WITHIN, BETWEEN = 0.5, 0.7

PREVALENCE, SEEN, CALLED = 0.1, 0.9, 0.2
VISIT_USD = 180.0
ENDS = {
    "invited": end(escalated=True, detected=assumed(1), usd=assumed(VISIT_USD)),
    "cleared": end(usd=assumed(0)),
}


def label_sets(number: int, apart: tuple[float, ...] = (APART,)) -> list[ScoreTable]:
    """The scores of models on the same labelled photos, one model for each distance of the classes."""
    rng = np.random.default_rng([number, 7])
    photos = rng.integers(1, PHOTOS + 1, PATIENTS)
    patient = np.repeat(np.arange(PATIENTS), photos)
    ill = (rng.random(PATIENTS) < ILL)[patient]

    def noise() -> np.ndarray:
        return np.sqrt(WITHIN) * rng.standard_normal(PATIENTS)[patient] + np.sqrt(1 - WITHIN) * rng.standard_normal(
            len(patient)
        )

    shared = noise()
    found = []
    for distance in apart:
        latent = distance * ill + np.sqrt(BETWEEN) * shared + np.sqrt(1 - BETWEEN) * noise()
        scores = norm.cdf(latent)
        table = score_table(scores[ill], scores[~ill])
        found.append(replace(table, positive_patients=patient[ill], negative_patients=patient[~ill]))
    return found


def screening(table: ScoreTable, sensitivity: float, miss_usd: float = 0.0, reader: bool = False, **run: float) -> Plan:
    """A model and a threshold; behind it the clinic, or a reader who sends on what looks suspicious."""
    routes = {"at_sensitivity": sensitivity, "to": "reader" if reader else "invited"}, {"to": "cleared"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes)}
    if reader:
        reads = {"sensitivity": assumed(SEEN), "specificity": assumed(1 - CALLED)}
        readers = run.pop("readers", 200)
        stages["reader"] = people(("00:00", "24:00", int(readers)), minutes=1, sigma=0.5, positive_to="invited",
                                  negative_to="cleared", order="fifo", **reads)  # fmt: skip
    shape = {"seconds": 1000, "rate": 1.5} | run
    return plan(stages, constant(1e-4), table, ends=ENDS, population=population(PREVALENCE),
                costs={"missed_positive_usd": assumed(miss_usd)}, **shape)  # fmt: skip


def rates(apart: float, cut: float) -> tuple[float, float]:
    """True share of positives and of negatives at or above a score."""
    return float(norm.sf(norm.ppf(cut) - apart)), float(norm.sf(norm.ppf(cut)))


def everybody(apart: float, sensitivity: float) -> float:
    """The threshold that the procedure would choose if everybody were labelled."""
    return float(norm.cdf(apart - norm.ppf(sensitivity)))


def truths(apart: float, made: Plan, sensitivity: float, miss_usd: float, reader: bool) -> dict[str, float]:
    """What the next people meet: positives at the threshold that was chosen, negatives at the procedure's own."""
    found = rates(apart, made.scores.threshold_at(sensitivity))[0]
    alarms = rates(apart, everybody(apart, sensitivity))[1]
    found, alarms = (found * SEEN, alarms * CALLED) if reader else (found, alarms)
    return verdict_truths(found, alarms, miss_usd)


def verdict_truths(found: float, alarms: float, miss_usd: float) -> dict[str, float]:
    """What follows from the true shares of positives and of negatives that are invited."""
    ill, well = PREVALENCE * found, (1 - PREVALENCE) * alarms
    usd = 1000 * (VISIT_USD * (ill + well) + miss_usd * (PREVALENCE - ill))
    return {
        "sensitivity": found,
        "specificity": 1 - alarms,
        "positive_predictive_value": ill / (ill + well),
        "negative_predictive_value": (1 - PREVALENCE - well) / (1 - ill - well),
        "missed_per_1000": 1000 * (PREVALENCE - ill),
        "escalated_share": ill + well,
        "cost_per_1000_usd": usd,
        "cost_per_found_usd": usd / (1000 * ill),
    }


def claims(made: Plan, truth: dict[str, float], number: int, replications: int = 6) -> Iterator[Claim]:
    summary = replicate(made, number, replications)
    machines = summary.costs["machines"].value + summary.costs["reviewers"].value
    paid = {"cost_per_1000_usd": machines}
    if "sensitivity" in truth:
        paid["cost_per_found_usd"] = machines / (1000 * PREVALENCE * truth["sensitivity"])
    for name, value in truth.items():
        yield Claim(name, value + paid.get(name, 0.0), summary.metrics.get(name))
    if "cost_per_1000_usd" in truth:
        missed = truth["missed_per_1000"] * made.scenario.costs.missed_positive_usd.value
        yield Claim("cost of what is missed", missed, summary.costs["missed"])


def screened(number: int, sensitivity: float, miss_usd: float, reader: bool) -> Iterator[Claim]:
    [table] = label_sets(number)
    made = screening(table, sensitivity, miss_usd, reader)
    return claims(made, truths(APART, made, sensitivity, miss_usd, reader), number)


@study("threshold at 90% sensitivity, a miss 500 USD")
def cheap_misses(number: int) -> Iterator[Claim]:
    return screened(number, 0.9, 500, reader=False)


@study("threshold at 95%, a miss 15,516 USD, behind readers")
def readers(number: int) -> Iterator[Claim]:
    return screened(number, 0.95, 15_516, reader=True)


FEW_MISSED = "Few positives are missed at 99%, and the exact binomial interval covers more than 95%."


@study("threshold at 99%, a miss 15,516 USD", why={"sensitivity": FEW_MISSED, "cost_per_found_usd": FEW_MISSED})
def strict(number: int) -> Iterator[Claim]:
    return screened(number, 0.99, 15_516, reader=False)


@study("threshold at 30% sensitivity")
def lax(number: int) -> Iterator[Claim]:
    return screened(number, 0.3, 500, reader=False)


#: Readers are busy for this part of their time.
BUSY = {"seconds": 12_000, "rate": 0.25, "readers": 11}


@lru_cache
def true_waits() -> dict[str, float]:
    """Waits where everybody is labelled: pooled over long runs with a table as fine as the model."""
    grid = (np.arange(20_000) + 0.5) / 20_000
    table = score_table(norm.cdf(norm.ppf(grid) + APART), grid)
    rng = np.random.default_rng(0)
    table = replace(table, positives=rng.permutation(table.positives), negatives=rng.permutation(table.negatives))
    summary = summary_of(made := screening(table, 0.9, 500, True, **BUSY), 0, run_replications(made, 0, 150))
    return {name: summary.metrics[name].value for name in ("wait_p95_s.reader", "utilization.reader")}


@study("busy readers behind a threshold at 90%")
def busy_readers(number: int) -> Iterator[Claim]:
    [table] = label_sets(number)
    return claims(screening(table, 0.9, 500, True, **BUSY), true_waits(), number, replications=8)


def compared(number: int, apart: tuple[float, float], reader: bool = False) -> Iterator[Claim]:
    """Two models on the same photos, each at 90% sensitivity."""
    shape = BUSY if reader else {}
    plans = [screening(table, 0.9, 500, reader, **shape) for table in label_sets(number, apart)]
    both = [run_replications(made, number, 6) for made in plans]
    summaries = tuple(summary_of(made, number, found) for made, found in zip(plans, both, strict=True))
    before, after = (truths(distance, made, 0.9, 500, reader) for distance, made in zip(apart, plans, strict=True))
    for moved in differences(*summaries, every=True):
        name = moved.metric.name
        if name in ("specificity", "escalated_share", "cost_per_1000_usd", "sensitivity", "wait_p95_s.reader"):
            same = apart[0] == apart[1] and name != "sensitivity"
            if same or name in before:
                yield Claim(f"change of {name}", 0.0 if same else after[name] - before[name], moved.change)


@study("two models with the same true ROC")
def same(number: int) -> Iterator[Claim]:
    return compared(number, (APART, APART))


@study("two models, one better by a known shift")
def better(number: int) -> Iterator[Claim]:
    return compared(number, (APART, APART + 0.3))


@study(
    "two models with the same true ROC, busy readers behind them",
    why={
        "change of cost_per_1000_usd": "It holds what each threshold will really find, as the next people meet it; here the "
        "truth is that of the procedure, which is the same for both.",
        "change of wait_p95_s.reader": "Seven runs on other labels, of which one near saturation waits long, spread widely.",
    },
)
def same_behind_readers(number: int) -> Iterator[Claim]:
    return compared(number, (APART, APART), reader=True)
