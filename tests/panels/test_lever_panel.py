"""The table of the levers: what a cell says, and in which tone."""

from dataclasses import replace

from simulator.explain.design_changes import DesignChange
from simulator.explain.judged_changes import JudgedChange, Lever
from simulator.metrics.comparisons import OneSided
from simulator.panels.lever_panel import _change_row
from tests.sweeps.test_levers import effect_of, levers_of


def cells(*effects):
    step = DesignChange("readers", "Readers", "3", "4", 4, None)
    return _change_row("readers=4", Lever(step, list(effects)))


def test_a_row_is_a_step_with_its_effects():
    row = cells(replace(effect_of(-2.0, 0.5), real=True))
    assert (row["id"], row["label"], row["change"]) == ("readers=4", "Readers", "3 → 4")
    assert row["cells"] == [{"words": "−2.00 s", "interval": "−2.50 to −1.50 s", "verdict": "", "tone": "better"}]


def test_a_change_against_the_objective_is_told_as_worse_and_one_that_may_be_chance_as_neither():
    worse, chance = cells(replace(effect_of(2.0, 0.5), real=True), effect_of(0.1, 0.5))["cells"]
    assert (worse["tone"], chance["tone"]) == ("worse", "chance")


def test_a_verdict_is_told_where_it_is_another_one_beyond_chance():
    effect = effect_of(-15.0, 0.5)
    met = replace(effect.before, estimate=replace(effect.before.estimate, value=5.0, low=4.0, high=6.0))
    turned, chance = cells(replace(effect, after=met, real=True), replace(effect, after=met))["cells"]
    assert turned["verdict"] == "not met → met"
    assert chance["verdict"] == ""


def test_what_stays_the_same_and_what_is_still_to_come_are_told_so():
    effect = effect_of(-2.0, 0.5)
    same, pending = cells(JudgedChange(effect.before, effect.before, None), replace(effect, pending=True))["cells"]
    assert (same["words"], same["tone"]) == ("no change", "none")
    assert (pending["words"], pending["interval"]) == ("−2.00 s", "interval to come")


def test_a_figure_that_one_side_alone_has_is_told_with_the_reason_on_the_other():
    before = replace(effect_of(-2.0, 0.5).before, estimate=None)
    found = effect_of(-2.0, 0.5).before.estimate
    one_sided = OneSided(before.metric, "no steady state", found)
    (row,) = levers_of(JudgedChange(before, replace(before, estimate=found), one_sided)).rows
    (cell,) = _change_row("readers=4", row)["cells"]
    assert (cell["words"], cell["verdict"], cell["tone"]) == ("no steady state → 20.0 s", "no figure → not met", "better")
