"""An incident in the list says whether the diagnosis was right once it is over, and nothing of the cause before."""

import pytest

from simulator.incident import sessions
from tests.you.records import incident


def was_right(one):
    return sessions.was_right(one.scenario, one.stored)


def diagnosis_words(one):
    return sessions.diagnosis_words(one.scenario, one.stored)


def diagnosed(cause, confidence=0.8):
    return [{"kind": "wait"}, {"kind": "diagnose", "cause": cause, "confidence": confidence}]


def test_a_right_and_a_wrong_diagnosis_are_said_after_the_end():
    right, wrong = (incident(diagnosed(cause)) for cause in ("overload", "blurred_camera"))
    label = right.scenario.incident.causes["overload"].label
    assert diagnosis_words(right) == f"“{label}”, 80% sure: right"
    assert diagnosis_words(wrong).endswith("80% sure: wrong")
    assert [one.review.outcome for one in (right, wrong)] == ["strong", "weak"]


def test_the_last_diagnosis_counts():
    assert was_right(incident([*diagnosed("blurred_camera"), *diagnosed("overload", 0.6)])) is True


@pytest.mark.parametrize(
    "one",
    [incident(diagnosed("overload"), revealed=False), incident(diagnosed("overload"), scenario_hash="0" * 12)],
    ids=["goes on", "case changed"],
)
def test_before_the_end_and_for_another_case_nothing_is_judged(one):
    assert was_right(one) is None
    assert one.review is None
    assert diagnosis_words(one).endswith("80% sure")


@pytest.mark.parametrize("actions", [[], [{"kind": "wait"}], [{"kind": "diagnose", "cause": 5}], [{"kind": "root"}]])
def test_an_incident_without_a_readable_diagnosis_names_no_cause(actions):
    one = incident(actions)
    assert diagnosis_words(one) == "no cause named"
    assert was_right(one) is False


def test_an_imported_secret_that_the_case_does_not_know_is_not_judged():
    assert was_right(incident(diagnosed("overload"), cause="made_up")) is None
