"""The chart of one objective's changes."""

import pytest

from simulator.engine.plan import compile_plan
from simulator.panels.lever_panel import lever_chart
from tests.builders import checked
from tests.sweeps.test_levers import costly_step, queue, tried


@pytest.fixture(scope="module")
def levers():
    return tried(compile_plan(queue(seconds=2000)), replications=4)


def test_a_bar_is_drawn_for_each_step_that_changes_the_objective_the_largest_on_top(levers):
    chart = lever_chart(levers, 0)
    drawn = [step for trace in chart.figure.data for step in trace.y]
    moved = [row.step.words for row in levers.rows if row.effects[0].outcome == "changes"]
    assert sorted(drawn) == sorted(moved)
    order = list(chart.figure.layout.yaxis.categoryarray)
    sizes = {row.step.words: abs(row.effects[0].change.change.value) for row in levers.rows if row.effects[0].change}
    assert [sizes[step] for step in order] == sorted((sizes[step] for step in order), reverse=True)


def test_the_whiskers_end_at_the_paired_interval(levers):
    chart = lever_chart(levers, 0)
    effect = next(row.effects[0] for row in levers.rows if row.step.pick == 4)
    (trace,) = (trace for trace in chart.figure.data if "Readers: 3 → 4" in trace.y)
    at = list(trace.y).index("Readers: 3 → 4")
    assert trace.x[at] - trace.error_x.arrayminus[at] == pytest.approx(effect.change.change.low)
    assert trace.x[at] + trace.error_x.array[at] == pytest.approx(effect.change.change.high)


def test_the_table_holds_every_step_and_the_sentence_counts_those_that_change_nothing(levers):
    chart = lever_chart(levers, 0)
    assert sorted(chart.table["step"]) == sorted(row.step.words for row in levers.rows)
    same = sum(row.effects[0].outcome == "the same" for row in levers.rows)
    assert chart.takeaway.startswith("Mean time: 1 of 4 steps changes it beyond chance, most of all Readers: 3 → 4")
    assert same != 1
    assert chart.takeaway.endswith(f"{same} of 4 steps leave it exactly as it is.")


def test_a_chart_without_any_change_says_so():
    data = queue(seconds=200).document.data
    order = data["choices"]["order"]
    same = {name: order["options"][name] for name in ("fifo", "again")}
    only = checked(data | {"choices": {"order": order | {"options": same}}})
    chart = lever_chart(tried(compile_plan(only), replications=4), 0)
    assert chart.takeaway == "Mean time: no step changes it beyond chance; 1 of 1 steps leaves it exactly as it is."


def test_the_sentence_names_an_objective_that_the_largest_step_takes_from_met_before_its_size():
    chart = lever_chart(costly_step(4000), 0)
    assert "most of all Readers: 3 → 4 (Cost goes from met to not met after 4 replications; “Mean time” −" in chart.takeaway
