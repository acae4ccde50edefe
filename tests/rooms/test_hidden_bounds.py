"""The brief before bounds are revealed: no sentence states one, and every other sentence stays."""

import pytest

from simulator.case.load import load
from simulator.rooms.candidate_page import brief_before


@pytest.mark.parametrize(
    ("case", "bounds", "other"),
    [
        (
            "skin-cancer-triage",
            ["84%", "47%", "within 10 seconds", "14 hours", "62,000"],
            "Ask who has ever shown that.",
        ),
        ("av-perception", ["95%", "100 ms", "60 W", "10,000 USD"], "Choose the detector"),
        (
            "retry-storm",
            ["85% of the photos", "78%", "0.1 retries", "within ten seconds", "32 USD"],
            "You may run four replicas",
        ),
    ],
)
def test_no_bound_stands_in_the_brief_before_it_is_revealed(case, bounds, other):
    scenario = load(case)
    before, brief = (" ".join(text.replace("*", "").split()) for text in (scenario.brief, brief_before(scenario, [])))
    assert [bound for bound in bounds if bound not in before] == []
    assert [bound for bound in bounds if bound in brief] == []
    assert other in brief
    assert all(objective.label in brief for objective in scenario.objectives)  # what to ask for


def test_a_bound_that_was_revealed_comes_back_and_all_of_them_give_the_whole_brief():
    scenario = load("retry-storm")
    assert "32 USD" in brief_before(scenario, ["cost_per_1000_usd", "latency_p99_s"])
    assert brief_before(scenario, [objective.metric for objective in scenario.objectives]) == scenario.brief


def test_a_brief_without_bounds_stays_as_it_is():
    scenario = load("production-drift")
    assert brief_before(scenario, []) == scenario.brief
