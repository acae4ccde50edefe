"""The lessons that a debrief shows first, and the choices that lessons name."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import load, loads
from simulator.case.scenario_parts import SHOWN_LESSONS, Lesson, lessons_about
from tests.case.texts import SMALL
from tests.design_claims import CASES


def lesson(title, *choices):
    return Lesson(title=title, text="A text.", choices=list(choices))


def test_the_lessons_about_the_most_important_choices_come_first_and_others_do_not_come():
    lessons = [lesson("General"), lesson("Queue", "queue"), lesson("Both", "queue", "model"), lesson("Price", "price")]
    titles = [one.title for one in lessons_about(lessons, ["model", "queue", "unknown"])]
    assert titles == ["Both", "Queue"]
    assert lessons_about(lessons, []) == []


def test_a_debrief_shows_few_lessons_at_once():
    lessons = [lesson(f"Lesson {number}", "queue") for number in range(9)]
    assert lessons_about(lessons, ["queue"]) == lessons[:SHOWN_LESSONS]


def test_a_lesson_about_an_unknown_choice_is_refused_at_its_line():
    text = SMALL + "debrief:\n  - {title: A lesson, text: A text., choices: [replicsa]}\n"
    with pytest.raises(ScenarioError, match="'replicsa' is not a choice"):
        loads(text)


@pytest.mark.parametrize("case", CASES)
def test_every_choice_of_a_shipped_case_that_most_reference_designs_move_has_a_lesson(case):
    scenario = load(case)
    named = {name for each in scenario.debrief for name in each.choices}
    moved = {name for reference in scenario.reference.values() for name in reference.set}
    assert len(moved & named) >= 2 * len(moved) / 3
