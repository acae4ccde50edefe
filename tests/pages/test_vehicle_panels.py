"""The vehicle's case on the practice page: each of its panels, and a design beside the default one."""

import pytest

from simulator import load
from simulator.ui.exhibits import panels
from tests.pages.conftest import said, settled

CASE = "av-perception"


@pytest.fixture
def page(practice):
    """A run of another design than the default one: keep the freshest frame."""
    return settled(practice(case=CASE, queue="freshest"))


def shows(page, panel):
    page.session_state[f"{CASE}:panel"] = panel
    page.run()
    assert not page.exception
    return [element.proto.alt.replace("\\", "") for element in page.get("plotly_chart")]


def test_the_panels_ask_who_stops_in_time(page):
    titles = list(panels(load(CASE)))
    assert titles[0] == "Who stops in time"
    assert "Who is missed" not in titles
    assert "Who is served" not in titles


def test_the_design_is_drawn_beside_the_default_one(page):
    encounter, sight, front = shows(page, "Who stops in time")
    assert "this design " in encounter
    assert "; the default design " in encounter
    assert sight.startswith("Of pedestrians as far away as the vehicle needs to stop")
    assert "YOLOX-x" in front


def test_ages_and_machines_follow_one_slider(page):
    drawn = shows(page, "Who waits")
    assert [alt for alt in drawn if alt.startswith("Known to the planner: ")]
    assert [alt for alt in drawn if alt.startswith("In the second around ")]
    assert len(page.slider) == 1 + len(list(page.sidebar.slider))


def test_what_it_rests_on_names_the_drives_and_that_they_are_not_for_commerce(page):
    drawn = shows(page, "What it rests on")
    assert any(alt.startswith("An answer of YOLOX-x that is ") for alt in drawn)
    assert "For non\\-commercial use" in said(page) or "For non-commercial use" in said(page)
