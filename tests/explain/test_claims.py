"""Claims are records of what a run computed: `--json` lists them, and a sentence that says otherwise is found."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain import advice
from simulator.explain.claims import Claim, each_claim, line_claims, open_claims
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.phrases import Phrase, phrase
from simulator.practice.run_page import short_claims
from tests.contradictions import contradictions
from tests.shown import about, records
from tests.slot_claims import sentence_claims

SKIN, STORM = "skin-cancer-triage", "retry-storm"

PICKS = {SKIN: {"dermatologists": 10}, STORM: {"queue": "short"}}


@cache
def run(case):
    return replicate(compile_plan(load(case), PICKS[case]), 1, 2)


def claims_on(case, subject, relation="is"):
    return [one for one in each_claim(run(case).claims) if (one.subject, one.relation) == (subject, relation)]


def test_a_claim_holds_the_figure_that_the_run_computed():
    loads = claims_on(STORM, "load.check")
    assert len(loads) >= 3
    assert {one.value for one in loads} == {run(STORM).stages["check"].load}
    (share,) = {(one.value, one.interval) for one in claims_on(STORM, "checked_share") if one.words}
    found = run(STORM).metrics["checked_share"]
    assert share == (found.value, (found.low, found.high))


def test_a_claim_names_its_run_its_case_its_population_and_what_would_decide_it():
    verdicts = claims_on(SKIN, "sensitivity.diagnosis.MEL", "verdict")
    assert {(one.run, one.scenario) for one in verdicts} == {(run(SKIN).run_hash, run(SKIN).plan.scenario_hash)}
    assert {one.population for one in verdicts} == {"diagnosis.MEL"}
    assert {one.decided_by.kind for one in claims_on(SKIN, "cost_per_1000_usd", "verdict")} == {"labels"}
    assert {one.decided_by.kind for one in claims_on(STORM, "right_share", "verdict")} == {"replications"}


def test_json_lists_the_claims_that_the_sentences_are_made_of(monkeypatch):
    monkeypatch.setattr(advice, "TRIALS", 2)
    content = json.loads(json.dumps(run(STORM).to_json(), allow_nan=False))
    listed = {claim["words"] for claim in content["claims"]}
    for reason in content["reasons"]:
        left = reason["sentence"] + " " + reason["advice"]
        for words in sorted(listed, key=len, reverse=True):
            left = left.replace(words, "")
        assert left.strip() == ""
    assert {content["bottleneck"]["sentence"], *content["warnings"], *(note["sentence"] for note in content["trust"])} <= listed
    (step,) = {
        claim["value"] for claim in content["claims"] if claim["subject"] == "checked_share" and claim["relation"] == "helps"
    }
    assert step == next(one["move"]["told"] for one in content["reasons"] if one["metric"] == "checked_share")
    assert len({json.dumps(claim) for claim in content["claims"]}) == len(content["claims"])
    for claim in content["claims"]:
        assert {"subject", "relation", "words", "evidence"} <= set(claim)


def restated(words: str, key: str, to: str, slots: Mapping[str, Any]) -> str:
    """Return a phrase with other slots, or with another text, wherever it or a part of it has this key."""
    if isinstance(words, list):
        return [restated(word, key, to, slots) for word in words]
    if not isinstance(words, Phrase):
        return words
    own = {name: restated(slot, key, to, slots) for name, slot in words.slots.items()}
    return phrase(to or key, **own | slots) if words.key == key else phrase(words.key, **own)


def restate(claims: list[Claim], *other: Any) -> list[Claim]:
    """Return claims whose sentences say something else, with the figures that they had."""
    return [replace(one, words=restated(one.words, *other), parts=tuple(restate(one.parts, *other))) for one in claims]


@pytest.mark.parametrize(
    ("case", "key", "slots", "to"),
    [
        (SKIN, "bottleneck.load", {"load": 2.24}, ""),
        (SKIN, "causes.counted", {"count": "240"}, ""),
        (SKIN, "causes.first_part", {"count": "7"}, ""),
        (SKIN, "causes.first_cost", {"share": 0.9}, ""),
        (SKIN, "reasons.not_proven", {"interval": "61.1 to 86.4%"}, ""),
        (SKIN, "reasons.not_proven", {"interval": "70.2 to 86.4 s"}, ""),
        (SKIN, "reasons.not_proven", {"bound": "82.0%"}, ""),
        (SKIN, "decides.replications", {"count": 400}, ""),
        (SKIN, "trust.open", {}, "trust.no_figure"),
        (SKIN, "overload.much", {"load": 2.24}, ""),
        (STORM, "trust.most_loaded", {"load": 1.01}, ""),
        (STORM, "trust.most_loaded", {"label": "The phone tries again"}, ""),
        (STORM, "bottleneck.stage", {"label": "The phone tries again"}, ""),
        (STORM, "bottleneck.stage", {"because": True, "objective": "Cost of 1,000 photos", "standing": "is met"}, ""),
        (STORM, "bottleneck.peak", {"load": 2.97}, ""),
        (SKIN, "reasons.not_proven", {}, "advice.no_choice"),
    ],
)
def test_a_sentence_that_says_otherwise_than_its_record_is_found(monkeypatch, case, key, slots, to):
    result = run(case)
    assert broken(result) == set()
    other = key, to, slots
    monkeypatch.setitem(vars(result), "notes", restate(result.notes, *other))
    trust = [replace(note, claim=restate([note.claim], *other)[0]) for note in result.trust]
    monkeypatch.setitem(vars(result), "trust", trust)
    reasons = {at: replace(reason, claims=restate(reason.claims, *other)) for at, reason in result.reasons.items()}
    monkeypatch.setitem(vars(result), "reasons", reasons)
    bottleneck = replace(result.bottleneck, claim=restate([result.bottleneck.claim], *other)[0])
    monkeypatch.setitem(vars(result), "bottleneck", bottleneck)
    assert "a sentence against its record" in broken(result)


def broken(result):
    claims = [*sentence_claims(result, with_advice=False), *records(result.claims)]
    return {one.rule for one in contradictions(about(result.run_hash, claims))}


def test_the_lines_of_a_comparison_and_its_open_differences_are_claims():
    """Each line is the difference of its metric; the sentence on chance holds one part a metric whose interval holds 0."""
    before, after = (replicate(compile_plan(load(STORM), picks), 1, 2) for picks in ({}, {"queue": "short"}))
    found = compare(before, after)
    lines = line_claims(found)
    assert [claim.subject for claim in lines] == [one.metric.name for one in found.all]
    assert {(claim.run, claim.against) for claim in lines} == {(after.run_hash, before.run_hash)}
    for claim in open_claims(found):
        assert [part.subject for part in claim.parts] == [
            one.metric.name for one in found.moved if one.change.low <= 0 <= one.change.high and one.change.value
        ]


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
