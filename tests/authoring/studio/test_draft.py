"""A draft: the browser has the last word, the server's edits say what they are based on, and junk is not heard."""

import json
from dataclasses import replace

import pytest

from simulator.authoring.case_checker import check_text, check_whole
from simulator.authoring.studio import draft as module
from simulator.authoring.studio.case_folder import CaseFolder
from simulator.authoring.studio.draft import Draft
from simulator.case.document import ScenarioError
from tests.case.texts import SMALL

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def draft(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.paths.CASE_VERSIONS", tmp_path / "versions")
    root = tmp_path / "cases"
    root.mkdir()
    (root / "small.yaml").write_text(SMALL, encoding="utf-8")
    return Draft(CaseFolder(root), "small.yaml")


def say(draft, text, number=1, ask="faults", **more):
    return draft.hear({"ask": ask, "number": number, "id": number, "text": text, **more})


def line(draft):
    """The content of the line that the socket sends."""
    return json.loads(draft.look().line())[1]


def test_a_fault_comes_back_with_its_place_and_code(draft):
    reply = say(draft, SMALL.replace("max_batch", "max_bach"))
    [fault] = reply["faults"]
    assert (fault["line"], fault["column"], fault["severity"]) == (
        SMALL[: SMALL.index("max_batch")].count("\n") + 1,
        5,
        "error",
    )
    assert "did you mean 'max_batch'?" in fault["message"]
    assert say(draft, SMALL, 2)["faults"] == []


def test_a_pause_brings_evidence_and_cautions_by_the_feed(draft):
    text = SMALL.replace("device: epyc-zen4-2c", "device: epyc-zen4-3c")
    assert say(draft, text)["whole"] is False
    assert line(draft)["faults"] is None
    before = draft.look().revision
    draft.wholly_checked()
    assert draft.look().revision != before
    assert any("epyc-zen4" in fault["message"] for fault in line(draft)["faults"])
    assert say(draft, SMALL, 2)["whole"] is False
    assert line(draft)["faults"] is None
    draft.wholly_checked()
    assert {fault["severity"] for fault in line(draft)["faults"]} <= {"warning", "info"}
    assert say(draft, SMALL, 3)["whole"]


def test_the_whole_check_reads_a_text_once(tmp_path, monkeypatch):
    file = tmp_path / "small.yaml"
    checked = check_text(SMALL, str(file))
    monkeypatch.setattr("simulator.authoring.case_checker.loads", None)
    assert check_whole(checked).whole
    broken = replace(checked, error=ScenarioError([]), scenario=None)
    assert check_whole(broken).scenario is None


def test_an_earlier_text_does_not_replace_a_later_one(draft):
    say(draft, "two", 2)
    say(draft, "one", 1)
    assert draft.text == "two"


FINE = {"ask": "faults", "number": 1, "id": 1, "text": "x"}


@pytest.mark.parametrize(
    "said",
    [
        None, [], "text", {"ask": "faults"}, FINE | {"text": 5}, FINE | {"ask": "save"}, FINE | {"number": -1},
        FINE | {"number": True}, FINE | {"text": "x" * 600_000}, FINE | {"ask": "hint", "line": 9, "column": 0},
        FINE | {"ask": "hint", "line": 0, "column": 0}, FINE | {"ask": "hint"}, FINE | {"ask": []}, FINE | {"id": None},
        FINE | {"ask": "complete", "line": "1", "column": 0},
    ],
    ids=lambda said: str(said)[:60],
)  # fmt: skip
def test_junk_is_not_heard(draft, said):
    assert draft.hear(said) is None
    assert draft.text == SMALL


def test_an_edit_says_the_text_that_it_is_based_on(draft):
    assert line(draft)["edit"] == {"number": 1, "base": "e0", "text": SMALL}
    draft.change(lambda text: text + "# one\n")
    assert line(draft)["edit"] == {"number": 2, "base": "e1", "text": SMALL + "# one\n"}
    say(draft, SMALL + "# mine\n", 7)
    draft.change(lambda text: text + "# two\n")
    assert line(draft)["edit"] == {"number": 3, "base": "n7", "text": SMALL + "# mine\n# two\n"}
    assert draft.text == SMALL + "# mine\n# two\n"


def test_the_file_of_another_program_is_taken_in_unless_the_author_has_changes(draft):
    draft.path.write_text(SMALL + "# theirs\n", encoding="utf-8")
    assert draft.follow_file()
    assert draft.text == SMALL + "# theirs\n"
    assert not draft.unsaved
    say(draft, "mine", 1)
    draft.path.write_text(SMALL, encoding="utf-8")
    assert not draft.follow_file()
    assert (draft.text, draft.is_stale()) == ("mine", True)


def test_the_last_readable_case_stays_while_the_text_is_none(draft):
    assert draft.readable().title == "Small"
    say(draft, "id: [", 1)
    assert draft.readable().title == "Small"


def test_parts_of_the_page_wait_until_the_author_pauses(draft, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    before = draft.paused().revision
    say(draft, SMALL + "#\n", 1)
    assert draft.paused().revision == before
    now[0] += 1.0
    assert draft.paused().revision != before


def test_completions_and_hints_are_answered_on_the_same_line(draft):
    reply = say(draft, SMALL, 1, "complete", line=SMALL.count("\n") + 1, column=0)
    assert "questions" in [offer["label"] for offer in reply["offers"]]
    assert "interview" in say(draft, "minutes: 5", 2, "hint", line=1, column=2)["hint"]
