"""The cards of the objectives that are not met: why, the panel that shows it, and a step that can be taken."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from simulator.explain import advice
from simulator.explain.claims import Claim
from simulator.practice import exhibit_panels
from tests.explain.test_reasons import stormy
from tests.patience import PATIENCE_S

RETRIES = 3  # the place of the objective "Retries per photo"


def cards():
    from simulator.practice.exhibit_panels import why
    from tests.explain.test_reasons import stormy

    why(stormy()[1], "a run")


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(advice, "TRIALS", 3)
    shown = AppTest.from_function(cards, default_timeout=PATIENCE_S).run()
    assert not shown.exception
    return shown


def told(page):
    """The cards by the place of their objective."""
    (drawn,) = page.get("bidi_component")
    return {card["place"]: card for card in json.loads(drawn.proto.json)["cards"]}


def test_every_objective_that_is_not_met_has_a_card_with_its_reason_and_the_panel_that_shows_it(page):
    result = stormy()[1]
    assert list(told(page)) == list(result.reasons)
    first, card = next(iter(told(page).values())), told(page)[RETRIES]
    assert "sent again by" in first["sentence"]
    assert card["sentence"] == f"It has the same cause as “{first['label']}”, which is explained there."  # one cause, said once
    assert card["panel"] == exhibit_panels.panel_of(result.reasons[RETRIES].exhibit, result.plan.scenario)


def test_a_step_is_tried_for_the_person_and_the_design_that_it_is_asked_for(page):
    result = stormy()[1]
    result.reasons[RETRIES].advice.sentence  # noqa: B018 another person has asked for it
    assert "advice" not in told(page.run())[RETRIES]
    page.session_state["advice_asked"] = {f"another run {RETRIES}"}
    assert "advice" not in told(page.run())[RETRIES]
    page.session_state["advice_asked"] = {f"a run {RETRIES}"}
    card = told(page.run())[RETRIES]
    assert "None" in card["advice"]
    assert card["step"]
    assert "tries" not in card


def test_the_parts_of_a_cause_are_drawn_and_not_said_again():
    result = stormy()[1]
    reason = result.reasons[RETRIES]
    words = result.shown_reasons[RETRIES]
    whole, part = Claim("parts of x", "is", 100.0), Claim("parts of x", "among", 70.0, words="70% came late")
    cause = replace(reason.claims[0], words=f"{words} Of these, 70% came late.", parts=(whole, part))
    split = replace(reason, claims=[cause], cause=replace(reason.cause, split="Of these, 70% came late."))
    drawn = replace(result)
    vars(drawn)["reasons"] = {RETRIES: split}
    card = exhibit_panels.card_content(drawn, RETRIES, asked=True)
    assert card["split"] == [(70.0, "70% came late")]
    assert (card["sentence"], card["rest"]) == (words, "")
