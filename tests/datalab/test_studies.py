"""The committed studies: honest about what they show."""

import pytest

from simulator.datalab.datalab_charts import selection_sentence
from simulator.datalab.lab_evidence import STUDIES, study_rows
from simulator.datalab.label_noise import LABELLERS, Panel
from simulator.datalab.label_prices import price_of
from simulator.datalab.learning_curves import EASY, LEAKED
from simulator.datalab.refit import LabRequest
from simulator.paths import ROOT


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_lies_in_its_interval(name):
    rows = study_rows(name)
    for low in (column for column in rows if column.endswith("_low")):
        value, high = (rows[low.removesuffix("_low") + end] for end in ("", "_high"))
        assert (rows[low] <= value + 1e-9).all() and (value <= high + 1e-9).all()


def test_more_photos_chosen_at_random_do_better():
    rows = study_rows("selections")
    areas = rows[rows["selection"] == "random"].sort_values("photos")["auc"]
    assert areas.iloc[-1] == areas.max() and areas.iloc[0] == areas.min()


def test_each_step_of_the_price_list_costs_what_it_says():
    rows = study_rows("price_list")
    assert set(rows["labeller"]) == set(LABELLERS)
    for row in rows.to_dict("records"):
        panel = Panel(row["labeller"])
        before, after = (
            price_of(LabRequest(photos=count, panel=panel)).usd for count in (row["photos"], row["photos"] + row["more_photos"])
        )
        assert before <= row["budget_usd"] and after <= row["budget_usd"] + 1000


def test_the_docs_say_what_the_studies_say():
    text = " ".join((ROOT / "docs" / "evidence.md").read_text().split())
    rows = study_rows("selections")
    for row in rows[rows["selection"] == "random"].to_dict("records"):
        assert f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})" in text
    wrong = study_rows("splits_and_weights").set_index("choice")
    for name in (LEAKED, EASY):
        gain, low, high = 100 * wrong.loc[name, ["auc_gain", "auc_gain_low", "auc_gain_high"]]
        assert f"pretends {gain:.1f} points ({low:.1f} to {high:.1f})" in text
    prices = study_rows("price_list").query("labeller == 'one'").set_index("budget_usd")
    for budget in (1000, 5000, 20_000):
        gain, low, high = 100 * prices.loc[budget, ["more_auc", "more_auc_low", "more_auc_high"]]
        assert f"{gain:.1f}" in text and f"({low:.1f} to {high:.1f}) after" in text
    assert "Of 12 choices of photos 3 differ" in selection_sentence(rows) and "3 differ from chance" in text
