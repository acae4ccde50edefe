"""Evidence of claims: score tables, records of files and numbers of the case, each against another way to read it."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from simulator.authoring.claim_checks import judged_claim
from simulator.authoring.claim_evidence import found_for
from simulator.authoring.sweep_checks import DesignSample, not_trivial
from simulator.case.case_tests import TextClaim
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.paths import ASSETS
from tests.authoring.planted import case, runner

LITE0 = "pad_ufes20.efficientnet_lite0."
FP32, INT8 = f"{LITE0}fp32", f"{LITE0}int8_static"


def rows(name):
    return pd.read_csv(ASSETS / "scores" / f"{name}.csv")


def found(scenario=None, **evidence):
    claim = TextClaim(says="a sentence", shows=0, **evidence)
    return found_for(claim, scenario or load("skin-cancer-triage"), None).found


def threshold(table, sensitivity):
    """The highest score that at least this share of the positives reaches."""
    positives = table[table["label"] == 1]["score"]
    return max(score for score in positives if (positives >= score).mean() >= sensitivity)


def test_the_share_of_negatives_that_a_threshold_takes():
    table = rows(FP32)
    reached = table["score"] >= threshold(table, 0.95)
    for where in ({}, {"diagnosis": "ACK"}, {"diagnosis": ["ACK", "NEV"]}):
        texts = {name: [text] if isinstance(text, str) else text for name, text in where.items()}
        inside = table.isin(texts)[list(texts)].all(axis=1) & (table["label"] == 0)
        read = found(scores={"table": FP32, "read": "referred", "where": where, "at_sensitivity": 0.95})
        assert read.value == pytest.approx(reached[inside].mean())
        assert read.low < read.value < read.high


def test_a_share_of_a_table_is_the_ratio_of_two_counts():
    table = rows(FP32)
    carcinomas = table["diagnosis"].isin(["BCC", "SCC"]).sum()
    scores = {"table": FP32, "read": "positives", "where": {"diagnosis": ["BCC", "SCC"]}}
    share = found(scores=scores, against_scores={"table": FP32, "read": "positives"}, compare="ratio")
    assert share.value == share.low == share.high == carcinomas / table["label"].sum()


def test_two_tables_of_the_same_items_correlate():
    one, other = rows(FP32), rows(INT8)
    readings = ({"table": name, "read": "score"} for name in (FP32, INT8))
    read = found(**dict(zip(("scores", "against_scores"), readings, strict=True)), compare="correlation")
    assert read.value == pytest.approx(one["score"].corr(other["score"]))
    assert read.low < read.value < read.high < 1


def test_a_correlation_is_of_scores_and_of_nothing_else():
    scores = {"table": FP32, "read": "score"}
    for wrong in (
        {"scores": scores},
        {"scores": scores, "against_scores": {"table": INT8, "read": "score"}},
        {"scores": {"table": FP32, "read": "auc"}, "against_scores": scores, "compare": "correlation"},
        {"metric": "sensitivity", "against": "default", "compare": "correlation"},
    ):
        with pytest.raises(ValidationError, match="both with `read: score`"):
            TextClaim(says="a sentence", shows=0.9, **wrong)


def test_a_yaml_file_is_a_table_of_its_entries():
    data = YAML(typ="safe").load(ASSETS / "catalogue" / "hardware.yaml")
    price = {"file": "catalogue/hardware.yaml", "where": {"id": "epyc-zen4-2c"}, "column": "usd_per_hour"}
    older = price | {"where": {"id": "epyc-zen3-2c"}}
    prices = [data[row["where"]["id"]]["usd_per_hour"] for row in (price, older)]
    assert found(row=price).value == prices[0]
    assert found(row=price, against_row=older, compare="ratio").value == prices[0] / prices[1]
    field = YAML(typ="safe").load(ASSETS / "catalogue" / "field.yaml")[0]
    cell = {"file": "catalogue/field.yaml", "where": {"what": field["what"]}, "column": "field.sensitivity.1"}
    assert found(row=cell).value == field["field"]["sensitivity"][1]


@pytest.mark.parametrize(
    ("place", "value"),
    [("arrivals.per_day", 12_000), ("arrivals.peaks.0.minutes", 5), ("stages.dermatologist.shifts.1.start", 14),
     ("choices.reading.options.cochrane.set.stages.dermatologist.readings.0.sensitivity.value", 0.81)],
)  # fmt: skip
def test_a_number_at_a_place_of_the_case(place, value):
    assert found(figure=place).value == value


def test_a_text_is_no_number_of_a_case_and_the_fault_names_the_nearest_place():
    with pytest.raises(ScenarioError, match=r"there is no number at 'arrivals\.kind'"):
        case(lambda data: data["claims"].append({"says": "Eight a second", "figure": "arrivals.kind", "shows": 8}))


def test_no_item_with_a_text_is_an_answer_and_no_traceback():
    claim = TextClaim(says="a", shows=1, scores={"table": FP32, "read": "items", "where": {"diagnosis": ["MEL", "XYZ"]}})
    outcome, says = judged_claim(claim, lambda: found_for(claim, load("skin-cancer-triage"), None))
    assert outcome == "fail" and "no item has 'XYZ' in 'diagnosis'" in says


@pytest.mark.parametrize(("bound", "outcome"), [(0.055, "pass"), (0.001, "fail")])
def test_an_objective_that_none_is_proven_to_meet_is_won_by_its_value_if_any_design_reaches_it(bound, outcome):
    """The default, three slow replicas, meets the other objectives; a quick one alone answers half within 55 ms."""

    def plant(data):
        data["choices"]["replicas"]["default"] = 3
        data["objectives"].append({"metric": "latency_served_p50_s", "at_most": bound, "label": "Half within"})
        data["tests"] = {"unmet": {"latency_served_p50_s": "on purpose"}}

    scenario = case(plant)
    ((_, _, told, _),) = not_trivial(DesignSample(scenario, runner(scenario), 12))
    assert told == outcome
