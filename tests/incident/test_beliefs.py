"""Beliefs against exact Bayes on a toy of three causes, worked out by enumeration."""

from fractions import Fraction
from itertools import product
from math import log2

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.load import load
from simulator.evidence.evidence_files import EvidenceError
from simulator.incident.beliefs import EARLY, FALSE_ALARM, FIRST, IN_TIME, SIGNS, Beliefs, entropy, load_beliefs, questions

CAUSES = ["camera", "server", "world"]
#: P(sign | cause) of two questions, in order of CAUSES: a replay that answers otherwise, and one site that stands out.
CHANCES = {
    "replay": {
        "same": [Fraction(9, 10), Fraction(1, 10), Fraction(4, 5)],
        "other": [Fraction(1, 10), Fraction(9, 10), Fraction(1, 5)],
    },
    "slices": {
        "one": [Fraction(4, 5), Fraction(1, 5), Fraction(1, 5)],
        "all": [Fraction(1, 5), Fraction(4, 5), Fraction(4, 5)],
    },
}


def toy() -> Beliefs:
    chances = {
        name: (list(signs), np.array([[float(signs[sign][place]) for sign in signs] + [0.0] for place in range(3)]))
        for name, signs in CHANCES.items()
    }
    return Beliefs(CAUSES, chances)


def exact(answers: dict[str, str]) -> list[Fraction]:
    """The posterior of each cause, in fractions."""
    joint = [Fraction(1, 3)] * 3
    for question, sign in answers.items():
        joint = [before * chance for before, chance in zip(joint, CHANCES[question][sign], strict=True)]
    return [one / sum(joint) for one in joint]


@pytest.mark.parametrize("answers", [{}, *({"replay": a, "slices": b} for a, b in product(("same", "other"), ("one", "all")))])
def test_the_posterior_is_that_of_exact_bayes(answers):
    assert toy().after(answers.items()) == pytest.approx([float(one) for one in exact(answers)], abs=1e-15)


@pytest.mark.parametrize("before", [{}, {"replay": "same"}, {"replay": "other"}])
def test_the_bits_of_a_question_are_the_fall_of_entropy_over_all_that_may_be_answered(before):
    now = exact(before)
    expected = entropy(np.array([float(one) for one in now]))
    for sign in CHANCES["slices"]:
        chance = sum(share * likely for share, likely in zip(now, CHANCES["slices"][sign], strict=True))
        expected -= float(chance) * entropy(np.array([float(one) for one in exact(before | {"slices": sign})]))
    beliefs = toy()
    assert beliefs.bits("slices", beliefs.after(before.items())) == pytest.approx(expected, abs=1e-12)


def test_a_question_is_worth_most_where_causes_that_are_still_possible_differ():
    beliefs = toy()
    assert beliefs.bits("replay", beliefs.prior) > beliefs.bits("slices", beliefs.prior)
    after = beliefs.after([("replay", "same")])
    assert beliefs.bits("slices", after) > beliefs.bits("replay", after)


def test_entropy_of_four_equal_causes_is_two_bits():
    assert entropy(np.full(4, 0.25)) == 2.0
    assert entropy(np.array([0.5, 0.25, 0.25])) == pytest.approx(0.5 + 2 * 0.25 * log2(4))


counted = st.lists(st.integers(0, 50), min_size=6, max_size=6)


@given(counted, counted)
def test_no_question_tells_less_than_nothing_or_more_than_there_is_to_know(first, second):
    rows = [(f"c{k % 3}", "abrupt", "q", f"s{k // 3}", count) for k, count in enumerate(first)]
    rows += [(f"c{k % 3}", "abrupt", "r", f"s{k // 3}", count) for k, count in enumerate(second)]
    beliefs = Beliefs.of(pd.DataFrame(rows, columns=SIGNS.names))
    now = beliefs.after([("r", "s1")])
    assert now.sum() == pytest.approx(1)
    assert -1e-9 <= beliefs.bits("q", now) <= entropy(now) + 1e-9


def test_a_sign_that_was_never_seen_makes_no_cause_impossible_and_the_rarer_table_likelier():
    rows = [("a", "abrupt", "q", "s", 10), ("b", "abrupt", "q", "s", 1000)]
    after = Beliefs.of(pd.DataFrame(rows, columns=SIGNS.names)).after([("q", "new")])
    # (0.5 / 11) to (0.5 / 1001): half a count of a sign in all that were seen, and half a count for what was not
    assert after == pytest.approx([1001 / 1012, 11 / 1012])


def test_a_false_alarm_is_as_likely_at_first_as_it_was():
    rows = [("a", "abrupt", "q", "s", 10), ("b", "abrupt", "q", "s", 10), (FALSE_ALARM, "abrupt", "q", "s", 10)]
    rows += [("a", "abrupt", FIRST, EARLY, 3), ("a", "abrupt", FIRST, IN_TIME, 7), ("b", "abrupt", FIRST, IN_TIME, 10)]
    beliefs = Beliefs.of(pd.DataFrame(rows, columns=SIGNS.names))
    assert dict(zip(beliefs.causes, beliefs.prior, strict=True)) == pytest.approx(
        {"a": 0.85 / 3, "b": 0.85 / 3, FALSE_ALARM: 0.15 * 2 / 3 + 1 / 3}
    )
    assert FIRST not in beliefs.chances


def test_a_cause_is_as_likely_as_its_shapes_together_and_a_sign_of_the_shape_alone_tells_nothing_of_it():
    rows = [("a", "abrupt", "q", "all", 99.5), ("a", "intermittent", "q", "some", 99.5), ("b", "abrupt", "q", "all", 99.5)]
    rows += [(cause, shape, "r", "high" if cause == "a" else "low", 9.5) for cause, shape, *_ in rows]
    beliefs = Beliefs.of(pd.DataFrame(rows, columns=SIGNS.names), {"a": 2.0, "b": 1.0})
    assert beliefs.causes == ["a", "a", "b"] and beliefs.prior == pytest.approx([1 / 3] * 3)
    # Half a count for each sign and for what was not seen; half of a chance is that of the shape, half that of the cause
    a, b = (100.5 / 101) / 2 + 100 / 200.5, 100 / 101
    assert beliefs.by_cause(beliefs.after([("q", "all")])) == pytest.approx({"a": a / (a + b), "b": b / (a + b)})
    assert beliefs.likeliest(beliefs.after([("q", "some")])) == ("a", pytest.approx(a / (a + 0.5 / 101)))
    only_a = np.array([0.5, 0.5, 0.0])
    assert beliefs.bits("q", only_a) == pytest.approx(0, abs=1e-12)
    assert beliefs.bits("q", beliefs.prior) > 0.1


def test_a_question_counts_once_and_an_unknown_one_not_at_all():
    beliefs = toy()
    twice = beliefs.after([("replay", "same"), ("replay", "same"), ("tarot", "the tower")])
    assert twice == pytest.approx(beliefs.after([("replay", "same")]))


def test_what_ships_knows_every_cause_and_every_question_of_the_case():
    scenario = load("production-drift")
    assert scenario.incident is not None
    beliefs = load_beliefs(scenario)
    assert beliefs is not None
    assert set(beliefs.causes) == set(scenario.incident.causes) >= {FALSE_ALARM}
    assert set(questions(scenario.incident)) <= set(beliefs.chances)


def test_a_broken_table_is_told(tmp_path):
    scenario = load("production-drift")
    file = tmp_path / "production-drift" / "signs.csv"
    file.parent.mkdir()
    file.write_text("cause,shape,question,sign\n")
    with pytest.raises(EvidenceError, match="lacks the column count"):
        load_beliefs(scenario, tmp_path)
    file.write_text("cause,shape,question,sign,count\nseasons,abrupt,page,found,-1\n")
    with pytest.raises(EvidenceError, match="line 2: count: expected a number from 0 to"):
        load_beliefs(scenario, tmp_path)
    assert load_beliefs(scenario, tmp_path / "nowhere") is None
