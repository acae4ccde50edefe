"""A sentence is known by its form: key words, repeats and random letters are none."""

import pytest

from simulator.session.session_course import is_question, is_sentence


@pytest.mark.parametrize(
    "text",
    [
        "Because the reader is the bottleneck.",
        "The load of the evening is the peak.",
        "We pay 3,000 USD more so that no melanoma waits over a night.",
        "If the camera is blurred, the model clears it, and nobody looks again.",
        "I kept two replicas since a third changed nothing in the run. Then I moved the threshold alone, looked at the "
        "errors of each group and saw that the dark skin types lose most. " + "x" * 5000,
    ],
)
def test_sentences_are_read(text):
    assert is_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "latency throughput cost drift GPU p99 fallback",
        "data, labels, bias and monitoring, drift, latency, accuracy, cost",
        "the the the the the the",
        "it is what it is and so it is",  # nothing but words that bind
        "the xkq of wvt is plm zrt qqw bnm",
        "asdf jkl qwer uiop zxcv",
        "word " * 2000,
        "We pay more for it. " * 200,
        "Yes.",
    ],
)
def test_key_words_repeats_and_letters_are_not(text):
    assert not is_sentence(text)


def test_a_question_has_two_words_and_one_that_binds():
    assert is_question("Who reads?") and is_question("what about the labels")
    assert not is_question("latency drift") and not is_question("Any?") and not is_question(None)
