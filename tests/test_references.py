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


@pytest.mark.long
def test_the_text_of_the_retry_storm_says_the_figures_of_its_run():
    checked = of_reference("retry-storm", "bounded")["checked_share"].estimate
    text = texts("retry-storm", "bounded")
    assert (
        f"{checked.value:.0%}" in text.replace(".0%", "%") or f"{checked.value:.1%} of the photos are checked in time" in text
    )
    assert round(1 / (1 - checked.value)) in (11, 12, 13)
    assert "About one photo in twelve" in text


@pytest.mark.long
def test_the_text_of_the_skin_case_says_the_figures_of_its_run():
    found, melanomas, answer, wait, cost = of_reference("skin-cancer-triage", "fine_tuned").values()
    text = texts("skin-cancer-triage", "fine_tuned")

    def share(one):
        low, high = 100 * one.estimate.low, 100 * one.estimate.high
        return f"{one.estimate.value:.1%}", f"({low:.1f} to {high:.1f})"

    assert f"{share(found)[0]} of the cancers {share(found)[1]}" in text
    assert "The melanomas are the open question: it finds {} of them {}".format(*share(melanomas)) in text
    assert f"within {wait.estimate.value / 3600:.1f} h for 95%" in text
    assert f"have an answer within {answer.estimate.value:.2f} s" in text
    assert f"{round(cost.estimate.value, -2):,.0f} USD ({round(cost.estimate.low, -2):,.0f} to" in text


def measured(case, metrics, replications=None, **picks):
    scenario = load(case)
    result = replicate(compile_plan(scenario, picks), seed=1, replications=replications or scenario.run.replications)
    return [result.metrics[name].value for name in metrics]


def hints(case, phase):
    steps = [hint.step or "" for one in load(case).phases if one.id == phase for hint in one.hints]
    return " ".join(" ".join(steps).split())


@pytest.mark.long
def test_the_hints_of_the_skin_case_say_the_figures_of_their_runs():
    (usual,) = measured("skin-cancer-triage", ["sensitivity"])
    found, referred = measured("skin-cancer-triage", ["sensitivity", "escalated_share"], operating_point=0.995)
    text = hints("skin-cancer-triage", "evaluate")
    assert f"At an operating point of 0.995 it finds {found:.1%} of the cancers in place of {usual:.1%}" in text
    assert f"refers {referred:.0%} of the people" in text


@pytest.mark.long
def test_the_text_of_the_drifting_detector_says_the_figures_of_its_runs():
    text = texts("production-drift", "spare")
    _, answer = of_reference("production-drift", "spare").values()
    assert f"within {answer.estimate.value:.1f} seconds" in text
    cost = [measured("production-drift", ["cost_per_1000_usd"], detector="yolox_nano", replicas=count)[0] for count in (3, 2)]
    assert f"save {cost[0] - cost[1]:.2f} USD for 1,000 clips" in text
    scenario = load("production-drift")
    for replicas, said in ((3, "99.9% are still looked at"), (2, "drop one clip in ten")):
        plan = compile_plan(scenario, {"detector": "yolox_nano", "replicas": replicas}, {"clips_tripled": 36_000.0})
        seen = replicate(plan, seed=1).metrics["done_share"].value
        assert said in text
        assert f"{seen:.1%}" == "99.9%" if replicas == 3 else round(1 / (1 - seen)) == 10
    assert "keeps most of its precision" in text
    assert "YOLOX-nano), .50 (NanoDet-m) and .55" in hints("production-drift", "model")


@pytest.mark.long
def test_the_hints_of_the_drifting_detector_say_the_figures_of_their_runs():
    metrics = ["latency_p99_s", "cost_per_1000_usd"]
    (three, cost), (two, less) = (measured("production-drift", metrics, replicas=count) for count in (3, 2))
    text = hints("production-drift", "serve")
    assert f"On three replicas 99% of the clips are answered within {three:.0f} seconds, on two within {two:.0f}" in text
    assert f"costs about {cost - less:.1f} USD for 1,000 clips" in text


@pytest.mark.long
def test_the_hints_of_the_vehicle_say_the_figures_of_their_runs():
    metrics = ["stopped_share", "age_p99_s.planner.front"]
    (stopped, age), (sooner, _) = (measured("av-perception", metrics, **picks) for picks in ({}, {"confirming": "h1of1"}))
    text = hints("av-perception", "evaluate")
    assert f"In the default design {stopped:.0%} of the encounters end in time" in text
    assert f"gains about {100 * (sooner - stopped):.0f} points" in text
    _, fresher = measured("av-perception", metrics, front_rate=20)
    assert f"takes about {1000 * (age - fresher):.0f} ms off the age" in hints("av-perception", "serve")


def test_the_hints_of_the_retry_storm_are_arithmetic():
    text = hints("retry-storm", "data")
    assert f"18 photos a second, each sent twelve times, are {18 * 12} calls a second" in text
    served = 26
    assert f"would be {18 / served:.0%}" in text
