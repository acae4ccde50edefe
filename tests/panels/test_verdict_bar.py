"""The chips of the objectives: what they say, and where they draw it."""

import pytest

from simulator.case.outputs import CaseOutline, metrics_of
from simulator.case.scenario_parts import Objective
from simulator.intervals import Interval, estimate
from simulator.metrics.summary import judge
from simulator.panels.verdict_bar import _chip

METRICS = metrics_of(CaseOutline({}, [], {}, population=("detected", "escalated")))
ASKED = Objective(metric="sensitivity", label="Found", at_least=0.9)


def verdict(*interval):
    return judge(ASKED, METRICS, {"sensitivity": estimate(Interval(*interval))} if interval else {})


def test_a_chip_draws_the_interval_against_the_bound_to_scale():
    mark = _chip(verdict(0.8, 0.7, 0.85), None)["mark"]
    # From 0.7 to 0.9, with a tenth of that as room at both ends: 0.68 to 0.92.
    expected = {"low": 0.02 / 0.24, "value": 0.12 / 0.24, "high": 0.17 / 0.24, "bound": 0.22 / 0.24}
    assert {name: mark[name] for name in expected} == pytest.approx(expected)
    assert mark["calm"] is None


def test_a_chip_keeps_the_mark_of_the_calm_run_and_makes_room_for_it():
    chip = _chip(verdict(0.8, 0.75, 0.85), verdict(0.95, 0.94, 0.96))
    assert chip["mark"]["bound"] < chip["mark"]["calm"] < 1
    assert "calm 95.0%" in chip["asked"]
    assert "calm: 95.0%, met" in chip["details"]


def test_a_chip_without_a_figure_draws_the_bound_alone_and_says_so():
    chip = _chip(verdict(), None)
    assert chip["mark"]["value"] is None
    assert chip["mark"]["bound"] == pytest.approx(0.5)
    assert chip["words"] == "no figure"
    assert "the run has no such figure" in chip["details"]


def test_a_chip_has_the_digits_of_the_table_of_the_command():
    """Half of the interval is 12 points, whose two digits are whole points: it carries no tenths."""
    one = verdict(0.7468, 0.60, 0.84)
    chip = _chip(one, None)
    assert (chip["value"], one.with_interval) == ("75%", "75% (60 to 84)")
    assert "95% interval 60 to 84%" in chip["details"]
