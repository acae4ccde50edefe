"""Short claims: sentences one by one, each of few words and whole in itself."""

import pytest

from simulator.explain.short_claims import short_claims


def test_sentences_end_where_they_end_and_numbers_and_quotations_stay_whole():
    text = "26.5 of 479 cancers are missed. “Threshold” decides at 0.95. 3 others end at “A. Clinic”: by its score."
    assert short_claims(text) == [
        "26.5 of 479 cancers are missed.",
        "“Threshold” decides at 0.95.",
        "3 others end at “A. Clinic”: by its score.",
    ]


@pytest.mark.parametrize(
    ("text", "words", "claim"),
    [
        ("One two three four five; six seven; eight nine ten.", 8, "One two three four five; six seven."),
        ("One two three four five: six seven, eight nine ten.", 6, "One two three four five."),
        ("Try “one; two; three four five” with six seven eight: nine ten.", 9, "Try “one; two; three four five” with six …"),
        ("Photo check: at the peak, it is two times what it can serve.", 6, "Photo check: at the peak, …"),
    ],
)
def test_a_longer_sentence_ends_at_its_last_clause_that_fits_outside_quotations(text, words, claim):
    assert short_claims(text, words) == [claim]
