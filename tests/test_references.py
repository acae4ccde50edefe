"""Reference designs of the shipped cases run, meet the objectives that they name, and have the figures of their texts."""

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


def texts(case, name):
    reference = load(case).reference[name]
    return " ".join(f"{reference.text} {reference.gives_up}".split())


def test_the_two_cases_with_a_clear_answer_have_a_reference():
    assert {case for case, _ in REFERENCES} >= {"skin-cancer-triage", "retry-storm"}


@pytest.mark.parametrize(("case", "name"), REFERENCES)
def test_a_reference_meets_the_objectives_that_it_names_and_misses_none_for_certain(case, name):
    standings = {metric: one.standing for metric, one in of_reference(case, name, 3).items()}
    named = load(case).reference[name].meets
    assert [metric for metric, standing in standings.items() if standing == "met"] == named
    assert "not met" not in standings.values()


@pytest.mark.long
def test_the_text_of_the_retry_storm_says_the_figures_of_its_run():
    done, retries, tail, cost = of_reference("retry-storm", "bounded").values()
    text = texts("retry-storm", "bounded")
    assert f"{done.estimate.value:.1%} of the photos are checked in time, with {retries.estimate.value:.3f} retries" in text
    assert f"within {tail.estimate.value:.2f} s for 99%, and {cost.estimate.value:.2f} USD for 1,000 photos" in text
    picks = load("retry-storm").reference["bounded"].set | {"replicas": 2}
    fewer = verdicts("retry-storm", tuple(picks.items()), 10)["done_share"]
    assert f"The same rules on two replicas check {fewer.estimate.value:.1%}." in text
    assert round(1 / (1 - done.estimate.value)) == 13
    assert "One photo in thirteen" in text


@pytest.mark.long
def test_the_text_of_the_skin_case_says_the_figures_of_its_run():
    found, melanomas, answer, wait, cost = of_reference("skin-cancer-triage", "fine_tuned").values()
    text = texts("skin-cancer-triage", "fine_tuned")

    def share(one):
        low, high = 100 * one.estimate.low, 100 * one.estimate.high
        return f"{one.estimate.value:.1%}", f"({low:.1f} to {high:.1f})"

    assert f"{share(found)[0]} of the cancers {share(found)[1]}" in text
    assert "{} of the melanomas {}".format(*share(melanomas)) in text
    assert f"within {wait.estimate.value / 3600:.1f} h for 95%" in text
    assert f"have an answer within {answer.estimate.value:.2f} s" in text
    assert f"{round(cost.estimate.value, -2):,.0f} USD ({round(cost.estimate.low, -2):,.0f} to" in text
