"""Every claim about a design is shown in short sentences, without raw names, escapes or numbers that say too much."""

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from tests.claim_words import word_faults
from tests.design_claims import CASES, design_claims, quick_claims, random_designs, steps_from_default
from tests.shown import RECORD, Shown
from tests.study_claims import tiny_claims

#: Parts of sentences that break a rule and are right, each with its reason.
ALLOWED: dict[str, str] = {}


def listed(claims) -> str:
    faults = dict.fromkeys(str(fault) for claim in claims for fault in word_faults(claim) if not _allowed(fault.sentence))
    return "\n".join(faults)


def _allowed(sentence: str) -> bool:
    return any(part in sentence for part in ALLOWED)


@pytest.mark.parametrize("case", CASES)
def test_the_words_of_a_changed_design_are_plain(case):
    assert listed(quick_claims(case, True)) == ""


def test_the_words_of_studies_curveballs_and_comparisons_are_plain():
    assert listed(tiny_claims()) == ""


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_words_of_the_default_design_are_plain_on_every_surface(case):
    plan = compile_plan(load(case))
    assert listed(design_claims(plan, with_advice=True, with_levers=True, with_charts=True)) == ""


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_words_of_every_design_one_step_away_are_plain(case):
    for picks in steps_from_default(case):
        assert listed(design_claims(compile_plan(load(case), picks))) == "", picks


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_words_of_random_designs_are_plain(case):
    for plan in random_designs(case, 8):
        assert listed(design_claims(plan, with_advice=True, with_charts=True)) == "", plan.design


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (f"The wait is {'very ' * 28}long.", "more than 30 words"),
        ("The metric latency_p99_s is high.", "a raw id"),
        ("It writes to stages.check here.", "a raw id"),
        ("It is 3\\% more.", "an escape"),
        ("It changes by −0.0 points.", "a negative zero"),
        ("It changes by -0 USD.", "a negative zero"),
        ("The rate is 2e-05 a request.", "e-notation"),
        ("The wait is 12.345 s.", "too many digits"),
        ("The load is 296.6%.", "too many digits"),
        ("The power is 59.994 W.", "too many digits"),
        ("Each costs 0 USD (3,000 to 196,000,000).", "0 for a figure above 0"),
    ],
)
def test_a_planted_fault_is_found(words, rule):
    assert [fault.rule for fault in word_faults(Shown("x", "is", None, words=words))] == [rule]


@pytest.mark.parametrize(
    "words",
    [
        "1,144 photos came in 2026, with seed 12345.",
        "The power is 59.99 W, and 5.496 USD are not 5.50.",
        "99.95% of them are answered, 100.0% in time.",
        "From 20:01:30 (90.0 s into the run) on, it is calm; run hash 299e0ed26108.",
        f"In a trial run, “{'long ' * 40}: 2 → 3” changes “Cost” by −8,000 USD.",
        "It changes by 0 points, 95% interval −0.5 to +0.5 points.",
    ],
)
def test_right_words_have_no_fault(words):
    assert list(word_faults(Shown("x", "is", None, words=words))) == []


def test_an_interval_carries_the_places_of_its_value():
    claim = Shown("x", "is", 9.66, (9.24, 10.08), words="An answer: 9.66 s (9.24 to 10.08).")
    assert list(word_faults(claim)) == []


def test_a_figure_above_0_that_is_written_0_is_found_by_its_record():
    words, low = "Cost; 0 USD (0 to 196,000,000).", [0.0, 2617.0]
    found = [list(word_faults(Shown("x", "is", 3898.0, (one, 1.96e8), words=words, surface=RECORD))) for one in low]
    assert [[fault.rule for fault in faults] for faults in found] == [[], ["0 for a figure above 0"]]
