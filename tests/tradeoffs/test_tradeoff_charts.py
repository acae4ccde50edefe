"""Charts of studies: what their lines stand for is said where nothing covers it."""

from types import SimpleNamespace

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.intervals import Interval
from simulator.tradeoffs.best_design import cost_goal
from simulator.tradeoffs.breakeven import Crossing, doubts_of
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.capacity import Loading
from simulator.tradeoffs.sensitivity import Influence, Ranking
from simulator.tradeoffs.tradeoff_charts import flip_chart, influence_chart, load_chart
from tests.sweeps.test_sweep import Here
from tests.tradeoffs.test_capacity import requested


def test_each_line_of_a_capacity_stands_at_its_own_place_and_is_named_in_the_legend():
    made = requested(120.0)
    found = Loading(made, claims_of(made.scenario), Here().submit).find()
    drawn = load_chart(found, cost_goal(made.scenario)).figure
    lines = {line.name: line.x0 for line in drawn.layout.shapes}
    (limit,) = [one for one in found.limits if one.upper]
    assert lines == {"the case": 1, "no longer met: Mean": pytest.approx(limit.upper.at)}
    assert all(line.showlegend for line in drawn.layout.shapes)
    assert not drawn.layout.annotations


def test_the_name_of_the_first_break_even_has_room_below_the_legend():
    """Three lines of 15 px, 13 px above the middle of the row: half a row of 72 px is too little."""
    case = load("skin-cancer-triage")
    doubt, claim = doubts_of(compile_plan(case))[0], claims_of(case)[0]
    words = SimpleNamespace(words="not proven")
    turn = Crossing(doubt.low, doubt.low, doubt.high, words, words, (words, words))
    flip = SimpleNamespace(doubt=doubt, claim=claim, now=words, crossing=turn, sentence="It turns.")
    drawn = flip_chart([flip]).figure
    bottom, top = drawn.layout.yaxis.range
    plot_px = drawn.layout.height - 150
    assert plot_px * (0 - top) / (bottom - top) >= 13 + 3 * 15


@pytest.mark.parametrize(
    ("metric", "unit"), [("retries_per_request.again", ""), ("done_share", " (points)"), ("latency_p99_s", " (s)")]
)
def test_a_count_for_each_request_has_no_unit_on_its_axis(metric, unit):
    """Its label says of what it is a count: `(a request)` behind it is no unit."""
    axes = [SimpleNamespace(name=name, label=name) for name in ("replicas", "queue")]
    ranking = Ranking([Influence(axis, elementary=Interval(1.0, 0.5, 1.5), spread=0.1) for axis in axes], 8, 8, "trajectory")
    drawn = influence_chart(load("retry-storm").metrics[metric], ranking).figure
    assert (
        " ".join(drawn.layout.xaxis.title.text.replace("<br>", " ").split())
        == f"mean effect, up or down{unit}, with 95% interval"
    )
