"""The card of an objective that is not met: why, the panel that shows it, and a step that can be taken."""

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.design_state import key
from simulator.explain import advice
from simulator.practice.why_panel import PANEL_WANTED
from tests.explain.test_reasons import stormy

RETRIES = 1  # the place of the objective "Retries per photo"


def card():
    from simulator.practice.why_panel import why
    from tests.explain.test_reasons import stormy

    for place in (1, 2):  # not met, and met
        why(stormy()[1], place)


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(advice, "REPLICATIONS", 3)
    shown = AppTest.from_function(card, default_timeout=120).run()
    assert not shown.exception
    return shown


def button(page, label):
    (found,) = [one for one in page.button if one.label.startswith(label)]
    return found


def test_it_tells_the_reason_and_opens_the_panel_that_shows_it(page):
    (told,) = page.markdown
    assert "sent again by" in told.value
    page = button(page, "Show: ").click().run()
    assert page.session_state[PANEL_WANTED] == stormy()[1].reasons[RETRIES].exhibit == "overload"


def test_a_step_is_tried_when_it_is_asked_for_and_can_be_taken(page):
    if not stormy()[1].reasons[RETRIES].has_advice:
        assert not [one for one in page.button if one.label == "Take this step"]
        page = button(page, "What would help?").click().run()
    assert "None" in page.caption[0].value
    page = button(page, "Take this step").click().run()
    assert page.session_state[key("retry-storm", "retries")] == "none"
    assert page.session_state[key("retry-storm", "replicas")] == 2
