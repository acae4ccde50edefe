"""What a vehicle meets, on the page: one encounter with two designs, how far they see, and the machines by sensor."""

import json
import re
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.vehicle import encounter_panel as panel
from simulator.vehicle.followed import follow, interesting
from simulator.vehicle.meeting import Meeting
from tests.app.results import result
from tests.encounters import recall, vehicle_plan
from tests.patience import PATIENCE_S


@pytest.fixture
def alone(monkeypatch):
    """Nothing is pinned, and the design at hand is the default one."""
    monkeypatch.setattr(panel, "_others", lambda plan: iter([("The default design", plan)]))


def drawn(name):
    """One exhibit of the vehicle's run, by itself."""

    def script(name):
        from simulator.app.exhibit_drawings import drawings
        from tests.app.results import result

        drawings().panels[name](result("vehicle"))

    page = AppTest.from_function(script, default_timeout=PATIENCE_S, kwargs={"name": name}).run()
    assert not page.exception
    return page


def alt(page):
    return re.sub(r"\\(.)", r"\1", page.get("plotly_chart")[0].proto.alt)


def scene(page):
    """The data of the moving picture."""
    (picture,) = page.get("bidi_component")
    return json.loads(picture.proto.json)["scene"]


def test_an_encounter_is_picked_by_what_it_is_or_by_its_number(alone):
    meeting = Meeting(simulate(result("vehicle").plan, 1))
    found = interesting(meeting)
    page = drawn("encounter")
    assert page.selectbox(key="test:encounter").options == [*(name[0].upper() + name[1:] for name in found), "By its number"]
    page.selectbox(key="test:encounter").set_value("typical").run()
    assert f"{follow(meeting, found['typical']).appears_gap_m:.1f} m ahead" in scene(page)["alt"]
    page.selectbox(key="test:encounter").set_value("by its number").run()
    page.number_input(key="test:encounter_number").set_value(3).run()
    assert any("Encounter 3 of one replication." in str(caption.value) for caption in page.caption)
    assert follow(meeting, 3).label in scene(page)["alt"]


def test_where_the_gap_does_not_close_nothing_is_drawn(alone, monkeypatch):
    monkeypatch.setattr(Meeting, "closes", property(lambda met: np.arange(len(met.drawn.at_s)) != 3))
    page = drawn("encounter")
    page.selectbox(key="test:encounter").set_value("by its number").run()
    page.number_input(key="test:encounter_number").set_value(3).run()
    assert not page.exception
    assert "the vehicle does not close in on anything" in page.markdown[-1].value
    assert not page.get("bidi_component")


def test_the_picture_has_its_sentences_above_it_and_its_table_below(alone):
    page = drawn("encounter")
    assert f"**{scene(page)['alt']}**" in [re.sub(r"\\(.)", r"\1", element.value) for element in page.markdown]
    assert [part.proto.popover.label for part in page.get("popover")] == ["As a table"]
    assert scene(page)["panes"][0]["steps"]["vehicle"][-1] > 10


def test_the_first_picture_of_a_case_has_no_controls():
    def script():
        from simulator.app.exhibit_drawings import drawings
        from tests.app.results import result

        drawings().heroes["encounter"](result("vehicle"))

    page = AppTest.from_function(script, default_timeout=PATIENCE_S).run()
    assert not page.exception
    (picture,) = page.get("bidi_component")
    assert json.loads(picture.proto.json)["controls"] is False


def test_beside_the_design_stands_the_first_that_is_another_one(monkeypatch):
    same = result("vehicle").plan.scenario.encounters.model_dump()
    blind = replace(vehicle_plan(recall(0.0), encounters=same), design={"looks": "away"})
    monkeypatch.setattr(panel, "_others", lambda plan: iter([("The pinned run", plan), ("The default design", blind)]))
    page = drawn("encounter")
    assert scene(page)["alt"].endswith(" The default design never confirms it and hits it at 36 km/h, 10.0 m short.")
    assert [pane["name"] for pane in scene(page)["panes"]] == ["This design", "The default design"]
    assert any("Both designs meet the same encounter." in str(caption.value) for caption in page.caption)


def test_the_pinned_run_comes_before_the_default_design(monkeypatch):
    pinned = [SimpleNamespace(starred=False), SimpleNamespace(starred=True, picks={"queue": "freshest"}, strikes={})]
    monkeypatch.setattr(panel, "attempts_at", lambda scenario: pinned)
    monkeypatch.setattr(panel, "compile_plan", lambda scenario, picks=None, strikes=None: picks)
    found = list(panel._others(result("vehicle").plan))
    assert found == [("The pinned run", {"queue": "freshest"}), ("The default design", None)]


def test_a_pinned_run_that_is_no_longer_offered_is_passed_over(monkeypatch):
    def refuses(scenario, picks=None, strikes=None):
        if picks:
            raise ScenarioError([])
        return "default"

    monkeypatch.setattr(
        panel, "attempts_at", lambda scenario: [SimpleNamespace(starred=True, picks={"queue": "?"}, strikes={})]
    )
    monkeypatch.setattr(panel, "compile_plan", refuses)
    assert list(panel._others(result("vehicle").plan)) == [("The default design", "default")]


def test_the_slider_over_a_short_run_stands_in_its_middle_and_counts_tenths():
    def script():
        from dataclasses import replace

        from simulator.explain.result import replicate
        from simulator.panels.day_panel import over_time
        from tests.encounters import vehicle_plan

        short = {"days": 30 / 86_400, "drain_days": 3 / 86_400, "replications": 2}
        plan = replace(vehicle_plan(run=short), scenario_hash="short")
        over_time(["cameras", "ages"], replicate(plan, 1, 2))

    page = AppTest.from_function(script, default_timeout=PATIENCE_S).run()
    assert not page.exception
    (slider,) = page.slider
    assert slider.value == datetime(2001, 1, 1, 0, 0, 15)
    assert slider.step == 100_000  # microseconds
    assert "In the second around 00:00:15.00: " in alt(page)


def test_sight_is_told_of_each_kind_of_object():
    page = drawn("sight")
    # 0.1 s to the answer, half a hundredth to the planner's tick, then v^2 / 10.
    assert alt(page) == (
        "To stop, the vehicle needs 7.8 m from 30 km/h, 21 m from 50 km/h and 52 m from 80 km/h. The share of the pedestrians "
        "that one frame finds there: Pool 75.0%, 75.0% and 75.0%."
    )
    page.radio(key="test:sight_of").set_value("car").run()
    assert "The share of the cars that one frame finds there: Pool " in alt(page)


def test_without_a_choice_of_what_looks_there_is_no_front():
    page = drawn("front")
    assert [element.value for element in page.markdown] == ["No choice of this case changes what looks."]
