"""Figures by place, other numbers in their stead, and how far one may be off."""

import pytest

from simulator.case.designs import DOUBTED, TRAFFIC, apply, designed_as, one_by_one, range_of, with_figures
from simulator.case.document import ScenarioError
from simulator.case.fields import figures_of
from simulator.case.load import loads
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from tests.case.texts import SMALL, changed

PREVALENCE = "prevalence: {value: 0.5, assumed: a test}"


def test_every_figure_is_found_at_its_place_with_what_its_field_takes():
    found = figures_of(loads(SMALL))
    assert found["population.prevalence"].value == 0.5
    assert found["population.prevalence"].allowed == (0, 1)
    assert {"arrivals.rate_per_s", "stages.reader.minutes.median", "ends.seen.usd"} <= found.keys()
    assert len(found) == 10


def test_another_number_is_the_case_as_if_its_author_had_written_it():
    other = with_figures(loads(SMALL), {"population.prevalence": 0.25})
    written = loads(changed(PREVALENCE, "prevalence: {value: 0.25, assumed: a test}"))
    assert other.model_dump() == written.model_dump()
    assert other.document.data == written.document.data


def test_a_place_without_a_figure_is_named_with_the_nearest():
    with pytest.raises(
        ScenarioError, match=r"there is no figure `population\.prevalance`; did you mean 'population\.prevalence'"
    ):
        with_figures(loads(SMALL), {"population.prevalance": 0.2})


def test_a_number_that_the_field_does_not_take_is_refused_at_the_line_of_the_figure():
    with pytest.raises(ScenarioError) as refused:
        with_figures(loads(SMALL), {"population.prevalence": 1.5})
    (fault,) = refused.value.faults
    assert fault.line == SMALL[: SMALL.index("prevalence")].count("\n") + 1
    assert "the figure `population.prevalence` at 1.5 writes this: should be between 0 and 1, got 1.5" in fault.message


def test_a_figure_wins_over_what_a_pick_writes_in_its_place(evidence):
    plan = compile_plan(loads(SMALL), {"reading": "expert"}, figures={"stages.reader.sensitivity": 0.7})
    assert plan.scenario.stages["reader"].sensitivity.value == 0.7
    assert plan.figures == {"stages.reader.sensitivity": 0.7}


@pytest.mark.parametrize("figures", [{"population.prevalence": 0.4}, {TRAFFIC: 2.0}, {"stages.reader.sensitivity": 0.7}])
def test_a_design_with_figures_is_the_one_whose_picks_were_written_first(figures):
    scenario = loads(SMALL)
    for picks in one_by_one(scenario):
        first, design = apply(scenario, picks)
        both, same = designed_as(scenario, picks, figures)
        assert (both.model_dump(), same) == (with_figures(first, figures).model_dump(), design)
        assert both.document.data == with_figures(first, figures).document.data


def test_runs_with_other_figures_have_another_identity(evidence):
    plain, other = (compile_plan(loads(SMALL), figures=figures) for figures in ({}, {"population.prevalence": 0.4}))
    assert plain.identity != other.identity
    assert plain.scenario_hash == other.scenario_hash


@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_traffic_brings_as_many_times_as_many_requests(evidence, times):
    scenario = loads(changed("days: 0.01", "days: 0.5"))
    counts = [len(simulate(compile_plan(scenario, figures={TRAFFIC: times}), seed).requests) for seed in range(8)]
    expected = 0.1 * 0.5 * 86_400 * times
    assert abs(sum(counts) / 8 - expected) < 4 * (expected / 8) ** 0.5


def test_traffic_of_clients_that_wait_is_refused():
    closed = "  kind: closed\n  clients: 3\n  think_mean_s: {value: 5, assumed: a test}"
    scenario = loads(changed("  kind: poisson\n  rate_per_s: {value: 0.1, assumed: a test}", closed))
    with pytest.raises(ScenarioError, match="arrivals of the kind `closed` have none"):
        with_figures(scenario, {TRAFFIC: 2.0})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{value: 0.5, assumed: a test, between: [0.4, 0.9]}", (0.4, 0.9)),
        ("{value: 0.3, assumed: a test}", (0.15, 0.6)),
        ("{value: 0.8, assumed: a test}", (0.4, 1.0)),
    ],
)
def test_a_figure_is_doubted_as_far_as_its_author_says_else_from_half_to_double_of_it(written, expected):
    scenario = loads(changed("{value: 0.5, assumed: a test}", written))
    assert range_of(scenario, "population.prevalence") == pytest.approx(expected)


def test_traffic_is_doubted_from_half_to_double():
    assert range_of(loads(SMALL), TRAFFIC) == DOUBTED


@pytest.mark.parametrize(
    ("between", "message"),
    [
        ("[0.6, 0.9]", "the value 0.5 should lie within `between`, from 0.6 to 0.9"),
        ("[0.5, 0.5]", "`between` should hold two numbers, the lower one first; got 0.5 and 0.5"),
        ("[0.4, 1.2]", "should be between 0 and 1, got 1.2"),
        ("[0.4]", "between"),
    ],
)
def test_a_range_that_cannot_be_is_refused_where_it_stands(between, message):
    with pytest.raises(ScenarioError) as refused:
        loads(changed(PREVALENCE, f"prevalence: {{value: 0.5, assumed: a test, between: {between}}}"))
    (fault,) = refused.value.faults
    assert fault.line == SMALL[: SMALL.index("prevalence")].count("\n") + 1
    assert message in str(fault)


def test_a_range_is_no_part_of_the_hash_of_a_case():
    plain = loads(SMALL)
    text = changed(
        "usd_per_hour: {value: 60, assumed: a test}", "usd_per_hour: {value: 60, between: [40, 90], assumed: a test}"
    )
    assert case_hash(loads(text)) == case_hash(plain)
    assert case_hash(loads(text.replace("value: 60", "value: 61"))) != case_hash(plain)
