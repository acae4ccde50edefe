"""Which exhibits a page shows: those that a case names, or all that its stages have something to show in."""

import subprocess
import sys

import pytest

from simulator.scenario.exhibits import EXHIBITS, Exhibit
from simulator.scenario.faults import ScenarioError
from simulator.scenario.load import loads
from tests.builders import pool, scenario
from tests.scenario.texts import SMALL, place

EVERYWHERE = ["outcomes", "answer_times", "one_request", "cost"]


def fault_of(line: str) -> tuple[int, int, str]:
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL + line)
    (fault,) = caught.value.faults
    return fault.line, fault.column, fault.message


def test_a_case_that_names_none_shows_what_its_stages_offer():
    assert scenario({"a": pool()}).shown() == ["outcomes", "batches", "answer_times", "one_request", "cost"]
    assert set(loads(SMALL).shown()) == {*EVERYWHERE, "batches", "shifts", "threshold", "transfer"}


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
