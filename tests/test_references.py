"""Reference designs of the shipped cases run and meet the objectives that they name; `casesim test` reads their texts."""

from functools import cache

import pytest

from simulator.case.load import load, scenario_ids
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.summary import judge

REFERENCES = [(case, name) for case in scenario_ids() for name in load(case).reference]


@cache
def verdicts(case, picks, replications):
    scenario = load(case)
    result = replicate(compile_plan(scenario, dict(picks)), seed=1, replications=replications)
    return {one.metric: judge(one, scenario.metrics, result.metrics) for one in scenario.objectives}


def of_reference(case, name, replications=None):
    scenario = load(case)
    return verdicts(case, tuple(scenario.reference[name].set.items()), replications or scenario.run.replications)


def test_every_case_has_a_reference():
    assert {case for case, _ in REFERENCES} == set(scenario_ids())


#: Replications that show what the whole run shows, by case and reference; others need three.
ENOUGH = {
    **{("av-perception", name): 12 for name in load("av-perception").reference},
    **{("retry-storm", name): 6 for name in load("retry-storm").reference},
    ("skin-cancer-triage", "melanomas"): 10,
}


@pytest.mark.parametrize(
    ("case", "name"), [pytest.param(*one, marks=pytest.mark.long if one in ENOUGH else ()) for one in REFERENCES]
)
def test_a_reference_meets_the_objectives_that_it_names_and_misses_none_but_those_that_no_design_meets(case, name):
    standings = {metric: one.standing for metric, one in of_reference(case, name, ENOUGH.get((case, name), 3)).items()}
    named = load(case).reference[name].meets
    assert [metric for metric, standing in standings.items() if standing == "met"] == named
    missed = {metric for metric, standing in standings.items() if standing == "not met"}
    assert missed <= load(case).tests.unmet.keys()


def hints(case, phase):
    steps = [hint.step or "" for one in load(case).phases if one.id == phase for hint in one.hints]
    return " ".join(" ".join(steps).split())


def test_the_hints_of_the_retry_storm_are_arithmetic():
    text = hints("retry-storm", "data")
    assert f"18 photos a second, each sent twelve times, are {18 * 12} calls a second" in text
    served = 26
    assert f"would be {18 / served:.0%}" in text
