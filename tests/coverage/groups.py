"""Label sets with a kind of positive that is rarer and scores lower: what is said of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from simulator.engine.compiled_plan import Plan
from simulator.evidence.latency_tables import constant
from simulator.evidence.score_tables import ScoreTable
from simulator.explain.result import replicate
from tests.builders import assumed, gate, plan, pool, population, score_table
from tests.coverage.labels import ENDS, ILL, PATIENTS, PHOTOS, WITHIN
from tests.coverage.registry import Claim, study

#: Distance of each kind from the others, in standard deviations, and the share of its class that is of it.
POSITIVES = {"common": (1.6, 0.75), "rare": (0.9, 0.25)}
NEGATIVES = {"plain": (0.0, 0.7), "alike": (0.5, 0.3)}
CLIENTS = {"old": 0.3, "new": 0.7}


def label_set(number: int) -> ScoreTable:
    """The scores of a model on labelled photos, some of each patient; a patient is of one kind."""
    rng = np.random.default_rng([number, 11])
    patient = np.repeat(np.arange(PATIENTS), rng.integers(1, PHOTOS + 1, PATIENTS))
    ill = rng.random(PATIENTS) < ILL
    rarer = rng.random(PATIENTS) < np.where(ill, POSITIVES["rare"][1], NEGATIVES["alike"][1])
    kind = np.where(ill, np.where(rarer, "rare", "common"), np.where(rarer, "alike", "plain"))
    apart = np.array([(POSITIVES | NEGATIVES)[one][0] for one in kind])
    noise = np.sqrt(WITHIN) * rng.standard_normal(PATIENTS)[patient]
    scores = norm.cdf(apart[patient] + noise + np.sqrt(1 - WITHIN) * rng.standard_normal(len(patient)))
    mine = ill[patient]
    table = score_table(scores[mine], scores[~mine])
    told = {"diagnosis": np.concatenate([kind[patient[mine]], kind[patient[~mine]]]).astype(object)}
    return replace(table, positive_patients=patient[mine], negative_patients=patient[~mine], item_texts=told)


def screening(table: ScoreTable, sensitivity: float) -> Plan:
    """A model and a threshold, told by what the items show and by the client that sent the request."""
    routes = {"at_sensitivity": sensitivity, "to": "invited"}, {"to": "cleared"}
    kinds = {"kind": "item", "label": "Kind", "column": "diagnosis", "values": {name: name for name in POSITIVES | NEGATIVES}}
    clients = {"kind": "category", "label": "Client", "shares": {name: assumed(share) for name, share in CLIENTS.items()}}
    attributes = {
        "kind": kinds | {"metrics": ["sensitivity", "specificity"]},
        "client": clients | {"metrics": ["sensitivity", "positive_predictive_value"]},
    }
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes)}
    return plan(stages, constant(1e-4), table, ends=ENDS, population=population(0.1), attributes=attributes, seconds=1000,
                rate=3.0)  # fmt: skip


@lru_cache
def everybody(sensitivity: float) -> float:
    """The threshold, in standard deviations, that the procedure would choose if everybody were labelled."""
    return float(brentq(lambda cut: above(POSITIVES, cut) - sensitivity, -9, 9))


def above(kinds: dict[str, tuple[float, float]], cut: float) -> float:
    """The true share of a class at or above a threshold."""
    return sum(share * norm.sf(cut - apart) for apart, share in kinds.values())


def told(number: int, sensitivity: float) -> Iterator[Claim]:
    """Positives at the threshold that was chosen, negatives at the procedure's own."""
    made = screening(table := label_set(number), sensitivity)
    chosen, own = float(norm.ppf(table.threshold_at(sensitivity))), everybody(sensitivity)
    metrics = replicate(made, number, 6).metrics
    for name, (apart, _) in POSITIVES.items():
        yield Claim(f"sensitivity of {name}", float(norm.sf(chosen - apart)), metrics.get(f"sensitivity.kind.{name}"))
    for name, (apart, _) in NEGATIVES.items():
        yield Claim(f"specificity of {name}", float(norm.cdf(own - apart)), metrics.get(f"specificity.kind.{name}"))
    found, alarms = above(POSITIVES, chosen), above(NEGATIVES, own)
    for name in CLIENTS:
        yield Claim(f"sensitivity, client {name}", found, metrics.get(f"sensitivity.client.{name}"))
    precise = 0.1 * found / (0.1 * found + 0.9 * alarms)
    yield Claim("PPV, client old", precise, metrics.get("positive_predictive_value.client.old"))


@study("kinds of positives and clients, threshold at 90% sensitivity")
def by_kind(number: int) -> Iterator[Claim]:
    return told(number, 0.9)


#: What exact intervals do at a high operating point.
AT_LEAST = "An exact interval covers at least what it promises, and more where few positives lie beyond the threshold."


@study(
    "kinds of positives and clients, threshold at 97% sensitivity",
    why=dict.fromkeys(("sensitivity of common", "specificity of alike", "PPV, client old"), AT_LEAST),
)
def by_kind_strict(number: int) -> Iterator[Claim]:
    return told(number, 0.97)
