"""Scores of the lab as tables: the same people in the case's plan, and the case's own tables made by the same code."""

import numpy as np
import pandas as pd
import pytest

from campaigns.datalab.case_data import DRAWS, PHONE, PHONE_PRECISION, REQUESTS, middle_draw, price_of_option, usd_a_photo
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.datalab.lab_tables import CHOICE, plan_with, table_rows, words, write_lab_table
from simulator.datalab.label_prices import CASE
from simulator.datalab.refit import TABLE, LabRequest, refit
from simulator.engine.plan import compile_plan
from simulator.evidence.score_tables import load_scores, score_rows

#: Half precision of the features, and five digits of a score.
ROUNDING = 0.0002


def test_a_table_has_the_people_and_folds_of_the_committed_one(tmp_path):
    name = write_lab_table(refit(LabRequest()), tmp_path)
    made, there = score_rows(f"{name}.fp32", tmp_path), score_rows(TABLE)
    columns = ["item", "patient", "label", "diagnosis", "fitzpatrick", "fold"]
    pd.testing.assert_frame_equal(made[columns], there[columns])


def test_the_case_runs_on_the_lab_s_scores_as_on_the_committed_ones(tmp_path):
    plan, usual = plan_with(refit(LabRequest()), {}, tmp_path), compile_plan(load(CASE))
    made, there = plan.tables["classifier"], usual.tables["classifier"]
    assert made.items == there.items
    assert np.abs(made.positives - there.positives).max() < ROUNDING
    assert plan.design == {**usual.design, CHOICE: "lab"}


def test_four_views_take_four_runs_of_the_network(tmp_path):
    plan = plan_with(refit(LabRequest(views=True)), {}, tmp_path)
    assert plan.scenario.stages["classifier"].passes == 4


@pytest.mark.parametrize("name", REQUESTS)
def test_the_case_s_table_is_one_of_its_request_s_draws(name):
    there = load_scores(f"pad_ufes20.efficientnet_lite0_{name}.fp32")
    assert there.about.source.split("seed ")[1][0] in map(str, range(DRAWS))
    assert there.about.head == words(REQUESTS[name])


@pytest.mark.parametrize("name", ["three_readers", "weighted"])
def test_the_case_s_table_is_made_by_the_lab(name):
    made, there = middle_draw(REQUESTS[name]), score_rows(f"pad_ufes20.efficientnet_lite0_{name}.fp32")
    assert np.abs(table_rows(made)["score"] - there["score"]).max() < ROUNDING


def test_the_network_on_the_phone_has_the_scores_of_its_features():
    made, there = refit(LabRequest(backbone=PHONE)), score_rows(f"pad_ufes20.{PHONE}.{PHONE_PRECISION}")
    assert np.abs(table_rows(made)["score"] - there["score"]).max() < ROUNDING


def test_the_case_asks_the_lab_s_price_in_usd_and_weeks():
    options = load(CASE).choices["data"].options
    for name in REQUESTS:
        paid = options[name].set["costs.prices.0.usd"]["value"]
        assert paid == pytest.approx(usd_a_photo(name), rel=0.01)
        cost = price_of_option(name)
        assert f"{round(cost.usd, -2):,.0f} USD and {cost.weeks:.0f} weeks" in options[name].note
    proven = options["proven"].set["costs.prices.0.usd"]["value"]
    assert proven == pytest.approx(usd_a_photo("weighted"), rel=0.01)


def test_other_training_data_choose_another_table():
    plan = compile_plan(load(CASE), {"data": "one_reader"})
    assert plan.tables["classifier"].name == "pad_ufes20.efficientnet_lite0_one_reader.fp32"
    assert plan.design["data"] == "one_reader"


def test_a_model_without_that_table_is_refused_at_the_choice_of_data():
    with pytest.raises(ScenarioError, match="“Architecture: EfficientNet-Lite1” do not go together: no scores are known"):
        compile_plan(load(CASE), {"data": "one_reader", "architecture": "efficientnet_lite1"})
