"""The best known designs fit the shipped cases, run, and have the verdicts and the worth that their files say."""

import pytest

from campaigns.best_designs import run, worth
from simulator.case.load import load, loads, scenario_ids
from simulator.case.phases import phases_of
from simulator.paths import BEST_KNOWN, SCENARIOS
from simulator.session.best_known import best_known

CASES = scenario_ids()


@pytest.mark.parametrize("case", CASES)
def test_every_shipped_case_has_one_whose_picks_it_offers(case):
    scenario = load(case)
    found = best_known(scenario)
    assert found is not None, "python -m campaigns.best_designs searches it again"
    for name, pick in found.picks.items():
        assert scenario.choices[name].read(pick) == pick
    assert list(found.verdicts) == [objective.metric for objective in scenario.objectives]
    worth = [choice.shortfall for choice in found.choices]
    assert worth == sorted(worth, reverse=True)


@pytest.mark.parametrize("case", CASES)
def test_the_choice_that_mattered_most_stands_before_the_last_phase_of_design(case):
    scenario = load(case)
    design = [phase for phase in phases_of(scenario) if phase.id != "defend"]
    late = set(design[-1].choices)
    assert not [one.choice for one in best_known(scenario).choices[:1] if one.lost and one.choice in late]


def test_a_case_that_was_edited_has_none():
    text = (SCENARIOS / "retry-storm.yaml").read_text(encoding="utf-8")
    assert best_known(loads(text.replace("replications: 6", "replications: 9"), "retry-storm.yaml")) is None
    assert (BEST_KNOWN / "retry-storm.json").is_file()


@pytest.mark.parametrize(
    "case", ["retry-storm", *(pytest.param(one, marks=pytest.mark.long) for one in CASES if one != "retry-storm")]
)
def test_its_verdicts_are_those_of_a_run(case):
    found = best_known(load(case))
    assert {one.metric.name: one.standing for one in run(load(case), found.picks).verdicts} == dict(found.verdicts)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_worth_of_its_first_choice_is_that_of_runs(case):
    scenario = load(case)
    found = best_known(scenario)
    if found.choices:
        again = worth(scenario, found.picks, run(scenario, found.picks), found.choices[0].choice)
        assert again.lost == found.choices[0].lost
        assert again.shortfall == pytest.approx(found.choices[0].shortfall, rel=1e-6)
