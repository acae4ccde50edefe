"""Evidence of claims against numbers that are worked out another way."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from simulator.authoring.claim_checks import judged_claim
from simulator.authoring.claim_evidence import ClaimEvidence, found_for
from simulator.case.case_tests import TextClaim
from simulator.intervals import Interval
from simulator.paths import PROFILES, SCORES
from tests.authoring.planted import case, runner, sound
from tests.builders import checked

TABLE = "pad_ufes20.efficientnet_lite0.fp32"
OTHER = "pad_ufes20.efficientnet_lite0.int8_dynamic"


def rows(table=TABLE):
    return pd.read_csv(SCORES / f"{table}.csv")


def found(**fields):
    scenario = case()
    return found_for(TextClaim(says="A sentence", shows=0, **fields), scenario, runner(scenario)).found


def test_counts_of_a_table_are_those_of_its_rows():
    table = rows()
    melanomas = table[table.diagnosis == "MEL"]
    assert found(scores={"table": TABLE, "read": "positives"}).value == table.label.sum()
    assert found(scores={"table": TABLE, "read": "negatives"}).value == (table.label == 0).sum()
    assert found(scores={"table": TABLE, "read": "items", "where": {"diagnosis": "MEL"}}).value == len(melanomas)
    assert found(scores={"table": TABLE, "read": "patients"}).value == table.patient.nunique()


def test_found_and_missed_at_a_threshold_are_counted():
    table = rows()
    positives = table[table.label == 1].score.sort_values(ascending=False).to_numpy()
    threshold = positives[int(np.ceil(0.95 * len(positives) - 1e-9)) - 1]
    melanomas = table[table.diagnosis == "MEL"].score
    reading = {"table": TABLE, "at_sensitivity": 0.95, "where": {"diagnosis": "MEL"}}
    assert found(scores={"read": "found", **reading}).value == (melanomas >= threshold).sum()
    assert found(scores={"read": "missed", **reading}).value == (melanomas < threshold).sum()
    negatives = table[table.label == 0].score
    specificity = found(scores={"table": TABLE, "read": "specificity", "at_sensitivity": 0.95})
    assert specificity.value == pytest.approx((negatives < threshold).mean())
    assert specificity.low < specificity.value < specificity.high


def test_a_threshold_may_be_chosen_on_some_of_the_positives():
    table = rows()
    carcinomas = np.sort(table[table.diagnosis == "BCC"].score)[::-1]
    threshold = carcinomas[int(np.ceil(0.95 * len(carcinomas) - 1e-9)) - 1]
    reading = {
        "table": TABLE,
        "read": "found",
        "at_sensitivity": 0.95,
        "of": {"diagnosis": "BCC"},
        "where": {"diagnosis": "MEL"},
    }
    assert found(scores=reading).value == (table[table.diagnosis == "MEL"].score >= threshold).sum()


def test_a_difference_of_two_areas_is_paired():
    one, other = rows(), rows(OTHER)
    difference = found(scores={"table": TABLE, "read": "auc"}, against_scores={"table": OTHER, "read": "auc"})
    assert difference.value == pytest.approx(roc_auc_score(one.label, one.score) - roc_auc_score(other.label, other.score))
    alone = [found(scores={"table": table, "read": "auc"}) for table in (TABLE, OTHER)]
    apart = np.hypot(*((interval.high - interval.low) / 2 for interval in alone))
    assert (difference.high - difference.low) / 2 < apart


def test_a_median_of_calls_is_that_of_the_profile():
    profile = json.loads((PROFILES / "epyc-zen4-2c" / "resnet50.fp32.json").read_text())
    calls = next(one for one in profile["runs"][0]["calls"] if one["batch"] == 1)["latency_ms"]
    timed = {"model": "resnet50", "precision": "fp32", "device": "epyc-zen4-2c", "threads": profile["runs"][0]["threads"]}
    assert found(profile=timed).value == pytest.approx(np.median(calls))


def test_a_ratio_of_paired_runs_has_fiellers_interval():
    """Means of replications, worked out by Fieller's formula from the paired sample."""
    scenario = case(lambda data: data["run"].update(replications=12))
    run = runner(scenario)
    metric = "latency_served_mean_s"
    designs = [{"replicas": 3}, {"replicas": 2}]
    claim = TextClaim(says="A sentence", shows=0, metric=metric, design=designs[0], against=designs[1], compare="ratio")
    interval = found_for(claim, scenario, run).found
    one, other = (outcome.readings[metric][0].parts[0] for outcome in run.outcomes("claims", designs, [metric], 12))
    n, t = len(one), 2.2009851600916384  # Student's t, 11 degrees of freedom, 97.5%
    a, b = one.mean(), other.mean()
    saa, sbb, sab = (float(v) / n for v in (one.var(ddof=1), other.var(ddof=1), np.cov(one, other)[0, 1]))
    g = t**2 * sbb / b**2
    half = t / b * np.sqrt(saa - 2 * a / b * sab + (a / b) ** 2 * sbb - g * (saa - sab**2 / sbb))
    middle = a / b - g * sab / sbb
    assert (interval.low, interval.high) == pytest.approx(((middle - half) / (1 - g), (middle + half) / (1 - g)), rel=0.02)


@pytest.mark.parametrize(
    ("fields", "interval", "outcome"),
    [
        ({"at_least": 1}, (1.2, 1.1, 1.3), "pass"),
        ({"at_least": 1}, (1.2, 0.9, 1.5), "cannot be told"),
        ({"at_least": 1}, (0.8, 0.7, 0.9), "fail"),
        ({"at_most": 1}, (0.8, 0.7, 0.9), "pass"),
        ({"at_most": 1}, (1.2, 1.1, 1.3), "fail"),
        ({"shows": 1.2}, (1.249, 0, 2), "pass"),
        ({"shows": 1.2}, (1.26, 0, 2), "fail"),
        ({"shows": 1.2, "low": 0.9}, (1.2, 0.8, 2), "fail"),
        ({"at_least": 1, "at_most": 2}, (1.5, 1.2, 2.1), "cannot be told"),
    ],
)
def test_a_claim_is_judged_by_its_interval(fields, interval, outcome):
    claim = TextClaim(says="A sentence", figure="a.place", **fields)
    assert judged_claim(claim, lambda: ClaimEvidence(Interval(*interval)))[0] == outcome


@pytest.mark.parametrize(
    ("direction", "interval", "outcome"),
    [
        ("higher", (0.2, 0.1, 0.3), "pass"),
        ("higher", (-0.2, -0.3, -0.1), "fail"),
        ("lower", (0.0, -0.1, 0.1), "cannot be told"),
        ("alike", (0.0, -0.1, 0.1), "pass"),
        ("alike", (0.2, 0.1, 0.3), "fail"),
    ],
)
def test_a_direction_is_told_beyond_chance_alone(direction, interval, outcome):
    claim = TextClaim(says="A sentence", metric="a", against="default", direction=direction)
    assert judged_claim(claim, lambda: ClaimEvidence(Interval(*interval)))[0] == outcome


def test_a_claim_needs_one_kind_of_evidence_and_something_to_show():
    for fields in ({}, {"metric": "a", "figure": "b", "shows": 1}, {"metric": "a"}, {"source": "a book", "shows": 1}):
        data = sound()
        data["claims"].append({"says": "Eight a second", **fields})
        with pytest.raises(ValueError, match=r"give exactly one of|say what the evidence is to show|a source shows nothing"):
            checked(data, "queue.yaml")


def test_a_number_that_the_evidence_does_not_show_is_told_with_the_right_one():
    claim = TextClaim(says="at 40 a second", figure="arrivals.rate_per_s", shows=40)
    outcome, sentence = judged_claim(claim, lambda: ClaimEvidence(Interval(30, 30, 30)))
    assert (outcome, sentence[:30]) == ("fail", "`shows: 40` should be 30.0; fo")
