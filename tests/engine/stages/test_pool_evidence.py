"""What a pool refers to: scores that are assumed, and a table for other training data."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.metrics.operating_points import operating_points
from tests.case.texts import changed

pytestmark = pytest.mark.usefixtures("evidence")
ASSUMED = "scores: {auc: 0.9, assumed: as good as a paper says, positives: 500, negatives: 100}"


def assumed_case(*more: str) -> Scenario:
    return loads(changed("scores: tiny", ASSUMED, "0.1, assumed", "2, assumed", *more))


def test_assumed_scores_run_and_say_where_they_come_from():
    plan = compile_plan(assumed_case())
    (source,) = (source for source in plan.provenance if source.what == "Classifier: scores")
    assert (source.kind, source.source) == ("assumed", "as good as a paper says")
    assert source.value == "AUC 0.9, as if of 500 labelled positives and 100 negatives"
    assert any("its scores are assumed" in warning for warning in plan.warnings)
    assert not any(name.startswith("scores/") for name in plan.evidence)


def test_a_run_refers_the_share_of_negatives_that_two_normal_distributions_say():
    requests = simulate(compile_plan(assumed_case()), seed=1).requests
    well = requests[~requests["positive"]]
    alarms = 1 - ndtr(np.sqrt(2) * ndtri(0.9) - ndtri(0.9))
    assert binomtest(int((well["score"] >= _cut()).sum()), len(well), alarms).pvalue > 0.01


def _cut() -> float:
    return operating_points(compile_plan(assumed_case()))[-1].threshold


def test_an_interval_of_a_threshold_reckons_with_as_many_people_as_are_assumed():
    sensitivity = operating_points(compile_plan(assumed_case()))[-1].sensitivity
    assert sensitivity.value == pytest.approx(0.9)
    exact = binomtest(450, 500).proportion_ci()
    assert (sensitivity.low, sensitivity.high) == pytest.approx((exact.low, exact.high), abs=0.005)


def test_the_assumed_area_can_be_a_choice():
    choice = "\n  auc: {kind: number, label: AUC, default: 0.9, values: [0.8, 0.9], set: [stages.classify.scores.auc]}\n"
    scenario = assumed_case("choices:\n", f"choices:{choice}")
    assert compile_plan(scenario, {"auc": 0.8}).tables["classify"].auc == pytest.approx(0.8, abs=0.002)


def test_other_training_data_need_the_name_of_a_table():
    with pytest.raises(ScenarioError, match="trained_on chooses a score table"):
        assumed_case("scores: {auc", "trained_on: others\n    scores: {auc")
