"""Score tables on the evidence page and in a run: each question is answered, each fault of an upload told."""

import pytest

from simulator.intervals import SEED
from simulator.sources.score_panel import QUESTIONS
from tests.effort import quarter
from tests.evidence.test_score_import import table
from tests.pages.conftest import settled, told
from tests.pages.test_evidence import evidence_page

__all__ = ["evidence_page"]


@pytest.fixture(autouse=True)
def own(own_scores, monkeypatch):
    """No table of a person who sits at this machine."""
    monkeypatch.setattr("simulator.app.uploads.OWN_SCORES", own_scores)
    monkeypatch.setattr("simulator.intervals.bootstrap.__defaults__", (200, SEED))  # of fifty tables
    return own_scores


@pytest.mark.long
def test_the_panel_teaches_before_anything_is_picked(evidence_page):
    page = evidence_page(evidence="Scores")
    assert not page.exception
    assert "With a threshold that finds 95% of the positives" in told(page)
    assert "not significantly different" in told(page)
    assert len(page.get("plotly_chart")) == 2


ANSWERS = {
    "How do two compare?": "Specificity at 95% sensitivity",
    "Is a score a probability?": "after scaling by a temperature of",
    "Which photos are unsure?": "of the photos are unsure and go to people",
    "Is it fair to all skin types?": "too few photos of a class",
    "Which diagnoses are missed?": "The same threshold finds",
    "What if fewer are ill?": "With 2.0% ill it is",
    "Does the target hold on new patients?": "applied to the next, it reaches",
    "Does a threshold transfer?": "promised a sensitivity of 91 to 96% on the bench",
}


@pytest.mark.parametrize("question", quarter(QUESTIONS))
def test_every_question_is_answered_in_a_sentence(evidence_page, question):
    page = evidence_page(evidence="Scores", question=question)
    assert not page.exception
    assert ANSWERS[question] in told(page)


def upload(page, content):
    page.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
    next(button for button in page.button if button.label == "Check and import").click()
    return page.run()


def test_every_fault_of_an_upload_gets_its_sentence_and_nothing_is_written(evidence_page, own):
    page = upload(evidence_page(evidence="Scores"), table("b,g,1,1.7", "a7,g,1,0.5"))
    assert not page.exception
    fault = page.error[0].value.replace("\\", "")
    assert "- mine.csv:62: score: '1.7' lies outside 0 to 1; if these are logits, apply a sigmoid first" in fault
    assert "- mine.csv:63: item: 'a7' stands on line 9 already" in fault
    assert not own.exists()


def test_an_upload_is_for_nobody_else_and_can_be_deleted(evidence_page, own):
    theirs = evidence_page(evidence="Scores")
    first = theirs.selectbox(key="scores_of").value
    page = upload(evidence_page(evidence="Scores"), table())
    assert not page.exception
    assert "Only you, in this browser, can see it." in told(page)
    assert page.success[0].value.replace("\\", "") == "Imported mine.mine.fp32."
    assert page.selectbox(key="scores_of").value == "mine.mine.fp32"
    assert "scores_of" not in page.query_params
    assert not own.exists()
    theirs.run()
    assert "mine.mine.fp32" not in told(theirs)
    assert "mine.mine.fp32" not in theirs.selectbox(key="scores_of").options
    assert theirs.selectbox(key="scores_of").value == first
    upload(theirs, table("b,g,1,0.7"))  # of the same name, and it replaces nothing
    assert not theirs.error
    page.button(key="delete:mine.mine.fp32").click().run()
    assert not page.exception
    assert "mine.mine.fp32" not in page.selectbox(key="scores_of").options
    assert "mine.mine.fp32" in theirs.run().selectbox(key="scores_of").options


def test_where_the_owner_says_so_all_see_an_upload_and_nobody_replaces_it(evidence_page, own, monkeypatch):
    monkeypatch.setenv("CASESIM_UPLOADS", "everyone")
    page = upload(evidence_page(evidence="Scores"), table())
    assert page.code[0].value == "scores: mine.mine"
    theirs = evidence_page(evidence="Scores")
    assert "mine.mine.fp32" in theirs.selectbox(key="scores_of").options
    assert theirs.selectbox(key="scores_of").value != "mine.mine.fp32"
    assert "is there already" in told(upload(theirs, table()))
    page = evidence_page(evidence="Scores", scores_of="mine.mine.fp32")
    assert "Its rows cannot be downloaded here" in told(page)


def test_without_a_file_the_panel_asks_for_one(evidence_page):
    page = evidence_page(evidence="Scores")
    next(button for button in page.button if button.label == "Check and import").click()
    assert page.run().error[0].value == "Choose a file first."


def test_a_run_shows_that_its_threshold_does_not_travel(practice):
    page = settled(practice(case="skin-cancer-triage"))
    page.session_state["tab"] = "What it rests on"
    page.run()
    assert not page.exception
    assert "A hollow marker shows the items that chose it" in told(page)
    assert "promised a sensitivity" in told(page)
