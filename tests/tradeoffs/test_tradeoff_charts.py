"""Charts of studies: what their lines stand for is said where nothing covers it."""

import pytest

from simulator.tradeoffs.best_design import cost_goal
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.capacity import Loading
from simulator.tradeoffs.tradeoff_charts import load_chart
from tests.tradeoffs.test_capacity import requested
from tests.tradeoffs.test_sweep import Here


def test_each_line_of_a_capacity_stands_at_its_own_place_and_is_named_in_the_legend():
    made = requested(120.0)
    found = Loading(made, claims_of(made.scenario), Here().submit).find()
    drawn = load_chart(found, cost_goal(made.scenario)).figure
    lines = {line.name: line.x0 for line in drawn.layout.shapes}
    (limit,) = [one for one in found.limits if one.upper]
    assert lines == {"the case": 1, "no longer met: Mean": pytest.approx(limit.upper.at)}
    assert all(line.showlegend for line in drawn.layout.shapes)
    assert not drawn.layout.annotations
