"""Which exhibits a page shows: those that a case names, or all that its stages have something to show in."""

import subprocess
import sys

import pytest

from simulator.case.document import ScenarioError
from simulator.case.exhibits import EXHIBITS, Exhibit
from simulator.case.load import loads
from tests.builders import end, pool, scenario, sensors
from tests.case.texts import SMALL, place
from tests.encounters import vehicle_plan

EVERYWHERE = ["outcomes", "answer_times", "one_request", "cost"]


def fault_of(line: str) -> tuple[int, int, str]:
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL + line)
    (fault,) = caught.value.faults
    return fault.line, fault.column, fault.message


def test_a_case_that_names_none_shows_what_its_stages_offer():
    assert scenario({"a": pool()}).shown() == ["outcomes", "batches", "answer_times", "one_request", "cost"]
    assert set(loads(SMALL).shown()) == {*EVERYWHERE, "batches", "shifts", "threshold", "transfer", "canary"}


def test_frames_of_sensors_are_shown_by_sensor_and_their_age_where_an_end_reports_it():
    cameras = sensors(front={"rate_per_s": 10})
    assert "cameras" in scenario({"a": pool()}, arrivals=cameras).shown()
    assert "ages" not in scenario({"a": pool()}, arrivals=cameras).shown()
    assert "ages" in scenario({"a": pool()}, ends={"done": end(age=True)}).shown()
    assert "cameras" not in scenario({"a": pool()}, ends={"done": end(age=True)}).shown()


def test_a_vehicle_s_case_shows_what_it_meets_and_what_that_rests_on():
    shown = vehicle_plan().scenario.shown()
    assert shown[:3] == ["encounter", "sight", "front"]
    assert shown[-5:] == ["lateness", "misses", "sensors", "sent_home", "proof"]


def test_encounters_are_not_offered_where_no_vehicle_meets_anything():
    assert fault_of("exhibits: [encounter]\n")[2] == "'encounter' has nothing to show here: it needs encounters"
    assert fault_of("exhibits: [ages]\n")[2] == "'ages' has nothing to show here: it needs an end with `age: true`"


def test_a_case_that_names_some_shows_these_in_its_own_order():
    assert loads(SMALL + "exhibits: [cost, shifts]\n").shown() == ["cost", "shifts"]


def test_an_unknown_name_is_answered_with_the_nearest_one():
    text = SMALL + "exhibits: [cost, tresholds]\n"
    assert fault_of("exhibits: [cost, tresholds]\n") == (
        *place(text, "tresholds"),
        "'tresholds' is not an exhibit; did you mean 'threshold'?",
    )


def test_an_exhibit_without_anything_to_show_says_what_it_needs():
    assert fault_of("exhibits: [overload]\n")[2] == "'overload' has nothing to show here: it needs a retry"


def test_an_exhibit_stands_on_a_page_once():
    assert fault_of("exhibits: [cost, cost]\n")[2] == "'cost' is named twice; delete one"


def test_an_exhibit_from_outside_is_known_and_a_page_without_a_list_shows_it(monkeypatch):
    monkeypatch.setitem(EXHIBITS, "hello", Exhibit("A greeting", "waits"))
    assert loads(SMALL + "exhibits: [hello]\n").shown() == ["hello"]
    assert "hello" in loads(SMALL).shown()


def test_names_are_checked_without_streamlit():
    code = "import sys; from simulator import load; load('retry-storm'); assert 'streamlit' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
