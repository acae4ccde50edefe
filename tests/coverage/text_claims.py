"""Claims of a case's text: ratios of paired runs, and readings of score tables with few positives."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.stats import norm

from simulator.authoring import claim_evidence
from simulator.authoring.claim_evidence import paired_ratio
from simulator.case.case_tests import TextClaim
from simulator.engine.compiled_plan import Plan
from simulator.metrics.paired_samples import Readings, readings_of
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from tests.builders import exponential, plan, pool
from tests.coverage.queues import mean_latency, one_server
from tests.coverage.registry import Claim, study
from tests.truths.queue_formulas import mg1_wait


def ratio(replications: int, number: int) -> Iterator[Claim]:
    """The mean time in a queue as a share of that of a server which is a tenth slower."""
    name = "latency_mean_s"
    plans = [one_server(3000, load=0.5), plan({"p": pool()}, exponential(0.9), rate=0.5, seconds=6000)]
    slow, fast = (readings(made, number, replications, name) for made in plans)
    assert slow[0] is not None and fast[0] is not None
    second = float((exponential(0.9).seconds[0, 1] ** 2).mean())
    truth = (0.9 + mg1_wait(0.5, 0.9, second)) / mean_latency(0.5)
    value = fast[0].run.value / slow[0].run.value
    yield Claim("ratio", truth, paired_ratio(plans[0].scenario.metrics[name], slow, fast, value))


def readings(made: Plan, number: int, replications: int, name: str) -> Readings:
    measures = run_replications(made, number, replications)
    return readings_of(made, summary_of(made, number, measures).warm_up, measures, [name])[name]


@study("M/M/1: a claim of a ratio, 12 replications")
def usual_ratio(number: int) -> Iterator[Claim]:
    return ratio(12, number)


@study("M/M/1: a claim of a ratio, 4 replications")
def ratio_of_few(number: int) -> Iterator[Claim]:
    return ratio(4, number)


# ---- score tables

NEGATIVES = 600
#: How far the scores of positives lie above those of negatives, in standard deviations, for two models.
APART = 2.0, 1.6
#: How alike two models score one item.
ALIKE = 0.7
SENSITIVITY = 0.9


def labelled(positives: int, number: int) -> dict[str, pd.DataFrame]:
    """The rows of two models on the same items, each of a patient of its own."""
    rng = np.random.default_rng([number, 23])
    labels = np.r_[np.ones(positives, int), np.zeros(NEGATIVES, int)]
    names, shared = [f"p{place}" for place in range(len(labels))], rng.standard_normal(len(labels))
    tables = {}
    for model, apart in zip("ab", APART, strict=True):
        latent = np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * rng.standard_normal(len(labels)) + apart * labels
        tables[model] = pd.DataFrame({"item": names, "patient": names, "label": labels, "score": norm.cdf(latent)})
    return tables


def scored(positives: int, number: int) -> Iterator[Claim]:
    areas = [float(norm.cdf(apart / np.sqrt(2))) for apart in APART]
    passed = [float(norm.cdf(apart - norm.isf(1 - SENSITIVITY))) for apart in APART]
    tables = labelled(positives, number)
    with patch.object(claim_evidence, "score_rows", tables.__getitem__):
        for read, at, truths in (("auc", None, areas), ("specificity", SENSITIVITY, passed)):
            one, other = ({"table": model, "read": read, "at_sensitivity": at} for model in "ab")
            alone = TextClaim(says="A sentence", shows=0, scores=one)
            yield Claim(read, truths[0], claim_evidence.score_reading(alone, alone.scores)[0])
            both = TextClaim(says="A sentence", shows=0, scores=one, against_scores=other)
            yield Claim(f"difference of {read}", truths[0] - truths[1], claim_evidence.score_reading(both, both.scores)[0])


@study("a claim on a score table, 48 positives")
def forty_eight(number: int) -> Iterator[Claim]:
    return scored(48, number)


@study("a claim on a score table, 450 positives")
def many(number: int) -> Iterator[Claim]:
    return scored(450, number)
