"""Studio: there for the author alone; forms change the text, and a new case becomes a file."""

import pytest
import streamlit as st

from simulator.app.store.room_log import Access
from simulator.authoring.check_results import result_at
from simulator.case.document import parse_document
from simulator.case.load import load
from tests.case.texts import SMALL
from tests.pages.conftest import opened, told

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    root = tmp_path / "cases"
    root.mkdir()
    (root / "small.yaml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(root))
    monkeypatch.setattr("simulator.paths.CASE_VERSIONS", tmp_path / "versions")
    return root


def entries(monkeypatch):
    """The titles of the pages that the server offers."""
    listed, navigation = [], st.navigation
    monkeypatch.setattr(st, "navigation", lambda pages, **options: listed.extend(pages) or navigation(pages, **options))
    assert not opened("evidence").exception
    return [page.title for page in listed]


def test_a_server_without_a_folder_has_no_studio(monkeypatch):
    monkeypatch.delenv("CASESIM_CASES", raising=False)
    assert "Studio" not in entries(monkeypatch)


def test_a_visitor_elsewhere_gets_no_studio(folder, monkeypatch):
    monkeypatch.setattr("simulator.app.visitors.at_the_machine", lambda: False)
    assert "Studio" not in entries(monkeypatch)


def test_a_person_in_a_room_gets_no_studio(folder, monkeypatch):
    monkeypatch.setattr("simulator.rooms.room_doors.confined_to", lambda: Access("room", "candidate"))
    assert set(entries(monkeypatch)) == {"Interview"}


def draft(page):
    return page.session_state["studio:drafts"]["small.yaml"]


def pick(page, label, value):
    next(box for box in page.selectbox if box.label == label).set_value(value).run()


def field(page, label):
    return next(one for one in [*page.text_input, *page.text_area] if one.label == label)


def press(page, label):
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def test_the_author_finds_studio_and_a_form_changes_one_figure_of_the_text(folder, monkeypatch):
    assert "Studio" in entries(monkeypatch)
    page = opened("studio")
    page.session_state["studio:panel"] = "Figures"
    page.run()
    assert not page.exception
    pick(page, "Figure", "arrivals.rate_per_s")
    field(page, "Value").set_value("0.25")
    press(page, "Put into the text")
    assert draft(page).text == SMALL.replace("rate_per_s: {value: 0.1,", "rate_per_s: {value: 0.25,")
    assert (folder / "small.yaml").read_text(encoding="utf-8") == SMALL

    field(page, "Value").set_value("many")
    press(page, "Put into the text")
    assert "rate_per_s.value: write a number" in page.error[0].value.replace("\\", "")
    assert draft(page).text == SMALL.replace("rate_per_s: {value: 0.1,", "rate_per_s: {value: 0.25,")


def test_a_choice_and_an_objective_are_written_by_form(folder):
    page = opened("studio")
    page.session_state["studio:panel"] = "Choices"
    page.run()
    pick(page, "Choice", "A new choice")
    next(one for one in page.radio if one.label == "Kind").set_value("number").run()
    field(page, "Name").set_value("Large Batch")
    press(page, "Put into the text")
    assert "choices.Large Batch" in page.error[0].value.replace("\\", "")
    for label, words in {"Name": "batch", "Label": "Batch", "Default": "4", "Lowest": "1", "Highest": "4", "Step": "1"}.items():
        field(page, label).set_value(words)
    page.multiselect[0].set_value(["stages.classify.max_batch"])
    press(page, "Put into the text")
    page.session_state["studio:panel"] = "Objectives"
    page.run()
    pick(page, "Objective", "A new objective")
    next(box for box in page.selectbox if box.label == "Metric").set_value("latency_p95_s")  # sent with the form
    field(page, "Label").set_value("Wait")
    next(one for one in page.radio if one.label == "Bound").set_value("at_most")
    field(page, "Number").set_value("60")
    press(page, "Put into the text")
    (folder / "small.yaml").write_text(draft(page).text, encoding="utf-8")
    case = load(folder / "small.yaml")
    assert (case.choices["batch"].max, case.objectives[1].bound, case.objectives[1].metric) == (4, 60, "latency_p95_s")
    assert draft(page).text.startswith(SMALL[: SMALL.index("objectives:")])


@pytest.mark.parametrize("panel", ["Choices", "Objectives", "Figures"])
def test_an_entry_that_the_form_leaves_as_it_is_changes_nothing_of_the_text(folder, panel):
    page = opened("studio")
    page.session_state["studio:panel"] = panel
    page.run()
    press(page, "Put into the text")
    assert not page.error
    assert draft(page).text == SMALL


def test_a_form_deletes_an_objective(folder):
    page = opened("studio")
    page.session_state["studio:panel"] = "Objectives"
    page.run()
    press(page, "Delete the objective")
    assert parse_document(draft(page).text, "the text").data["objectives"] == []


def test_the_candidates_page_begins_with_the_defaults(folder):
    page = opened("studio")
    [slider] = [one for one in page.slider if one.label == "Urgent"]
    assert slider.value == 0.5
    assert "Small" in [heading.value for heading in page.header]


def test_results_of_the_tests_appear_with_their_lines_and_say_that_the_text_has_changed_since(folder, monkeypatch, tmp_path):
    def results(scenario, *_):
        yield result_at(scenario, ("choices", "point"), "dead choice", "point", "fail", "it changes nothing")
        yield result_at(scenario, (), "feasible", "case", "pass", "a design meets all")

    monkeypatch.setattr("simulator.authoring.studio.studio_panels.case_results", results)
    monkeypatch.setattr("simulator.authoring.check_results.OWN_TESTED", tmp_path / "tested")
    page = opened("studio")
    press(page, "Run the tests")
    for _ in range(50):
        page.run()
        if any("1 pass, 1 other" in one.value for one in page.markdown):
            break
    line = SMALL[: SMALL.index("  point:")].count("\n") + 1
    assert f"line {line}, dead choice: point: it changes nothing" in told(page)
    draft(page).change(lambda text: text + "# more\n")
    page.run()
    assert "These are the results of an earlier text; it has changed since." in [one.value for one in page.caption]


def test_a_new_case_is_a_file_that_is_picked_and_an_old_one_is_never_replaced(folder):
    page = opened("studio")
    for name in ("fresh-case", "small"):
        field(page, "Name of the file").set_value(name)
        next(box for box in page.selectbox if box.label == "Begin with").set_value("small")
        press(page, "Write the file")
    assert load(folder / "fresh-case.yaml").id == "fresh-case"
    assert "There is a file small.yaml already." in [error.value for error in page.error]
    assert (folder / "small.yaml").read_text(encoding="utf-8") == SMALL
    assert next(box for box in page.selectbox if box.label == "File").value == "fresh-case.yaml"
