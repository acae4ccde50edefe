"""Typed words find the question that is meant: exact ones, wrong letters, other endings, and words of the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.load import load, scenario_ids
from simulator.case.scenario_parts import Question
from simulator.session.question_match import MOST, matched

SKIN = load("skin-cancer-triage").questions
EVERY = [(case, place) for case in scenario_ids() for place in range(len(load(case).questions))]


def meant(typed):
    return [SKIN[place].ask for place in matched(SKIN, typed).questions]


@pytest.mark.parametrize(("case", "place"), EVERY)
def test_a_question_as_it_is_written_is_asked_at_once(case, place):
    questions = load(case).questions
    found = matched(questions, questions[place].ask.upper())
    assert (found.clear, found.questions[0]) == (True, place)


@pytest.mark.parametrize(("case", "place"), EVERY)
def test_a_question_with_two_letters_in_the_wrong_order_is_among_those_that_are_offered(case, place):
    questions = load(case).questions
    swapped = " ".join(
        word[:1] + word[2:3] + word[1:2] + word[3:] if len(word) > 6 else word for word in questions[place].ask.split()
    )
    assert place in matched(questions, swapped).questions


def test_a_fragment_asks_the_question_that_it_begins():
    found = matched(SKIN, "who labelled")
    assert found.clear
    assert meant("who labelled")[0] == "Who labelled the photos, and what do labels cost?"


@pytest.mark.parametrize(
    ("typed", "ask"),
    [
        ("skin tone", "Which labelled photos are there?"),
        ("Is it fair to dark skin?", "Which labelled photos are there?"),
        ("at night", "Who reads the referrals, and when?"),
        ("Who pays for the labels?", "Who labelled the photos, and what do labels cost?"),
    ],
)
def test_words_that_only_an_answer_holds_offer_its_question_and_do_not_ask_it(typed, ask):
    assert meant(typed)[0] == ask
    assert not matched(SKIN, typed).clear


@pytest.mark.parametrize("typed", ["labels", "phone", "timeout"])
def test_a_single_word_is_offered_and_not_asked(typed):
    found = matched(SKIN, typed)
    assert found.questions
    assert not found.clear


@pytest.mark.parametrize("typed", ["", "?!", "what", "who is it", "the", "zebra crossing", "asdf"])
def test_little_words_and_strange_ones_offer_nothing(typed):
    assert matched(SKIN, typed).questions == ()


def test_one_word_that_two_questions_hold_alike_is_in_doubt():
    questions = [Question(ask="Is the queue bounded?", answer="Yes."), Question(ask="Is the queue watched?", answer="No.")]
    found = matched(questions, "queue")
    assert (set(found.questions), found.clear) == ({0, 1}, False)


@given(st.text(max_size=400))
def test_any_text_offers_at_most_three_questions_of_the_case(typed):
    found = matched(SKIN, typed)
    assert len(found.questions) <= MOST
    assert set(found.questions) <= set(range(len(SKIN)))
