"""No two surfaces of one design contradict each other, and the rules that look for that find each kind of contradiction."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from tests.case.texts import changed as small
from tests.claim_words import word_faults
from tests.contradictions import RULES, contradictions
from tests.design_claims import CASES, design_claims, quick_claims, random_designs, steps_from_default
from tests.shown import RECORD, Shown
from tests.study_claims import Studies, case_claims, tiny_claims

#: The cases whose steps are quick to try beside each of many designs.
QUICK = ("production-drift", "retry-storm", "skin-cancer-triage")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("changed", [False, True], ids=["default", "changed"])
def test_the_surfaces_of_a_design_agree(case, changed):
    claims = quick_claims(case, changed)
    assert len(claims) > 50
    assert listed(claims) == ""


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_surfaces_of_every_design_one_step_away_agree(case):
    for picks in steps_from_default(case):
        claims = design_claims(compile_plan(load(case), picks), with_advice=case in QUICK)
        assert listed(claims) == "", picks


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_surfaces_of_random_designs_agree(case):
    for plan in random_designs(case, 8):
        assert listed(design_claims(plan, with_advice=True)) == "", plan.design


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_advice_agrees_with_the_levers(case):
    assert listed(design_claims(compile_plan(load(case)), with_advice=True, with_levers=True)) == ""


def listed(claims) -> str:
    return "\n".join(map(str, contradictions(claims)))


def copied(case: str, wanted: Callable[[Shown], object], **changed: Any) -> list[Shown]:
    """Return the claims of a changed design with one more: a copy of the first wanted one, altered, on another surface."""
    claims = list(quick_claims(case, True))
    found = next(claim for claim in claims if wanted(claim))
    return [*claims, replace(found, surface="planted", **changed)]


SKIN, STORM = "skin-cancer-triage", "retry-storm"


def quoted(name: str) -> Callable[[Shown], object]:
    return lambda claim: claim.subject == name and claim.relation == "is" and claim.interval


#: A contradiction of each kind: the rule that should find it, the case, the claim that is altered, and its alteration.
PLANTED = [
    ("a value outside the interval", STORM, quoted("done_share"), {"value": 0.9}),
    ("another value", SKIN, quoted("sensitivity"), {"value": 0.95, "interval": None}),
    ("another interval", SKIN, quoted("sensitivity"), {"interval": (0.0, 1.0)}),
    ("a figure beside none", STORM, quoted("latency_p99_s"), {"value": None, "interval": None}),
    ("another verdict", STORM, lambda claim: claim.relation == "verdict" and claim.value == "met", {"value": "not met"}),
    (
        "another decider",
        SKIN,
        lambda claim: claim.decided_by,
        {"decided_by": "For this design, only more labelled people would decide it."},
    ),
    ("none helps beside a step that helps", STORM, lambda claim: claim.relation == "helps", {"value": "none"}),
    ("parts that do not sum", SKIN, lambda claim: claim.subject == "cost_per_1000_usd" and claim.relation == "part of", {}),
    ("another population under one name", SKIN, quoted("sensitivity"), {"population": "skin type V"}),
    ("another cause", STORM, lambda claim: claim.relation == "causes", {"value": "again"}),
    (
        "another direction",
        STORM,
        lambda claim: claim.relation == "would change" and claim.value > 0,
        {"value": -0.5, "interval": (-0.6, -0.4)},
    ),
    (
        "a peak below the mean",
        STORM,
        lambda claim: claim.subject == "load.check",
        {"subject": "peak load.check", "value": 0.1},
    ),
    ("chance beside a change beyond it", STORM, lambda claim: claim.surface == "advice, chance", {"value": False}),
    (
        "proven against the evidence",
        STORM,
        lambda claim: claim.relation == "verdict" and claim.value == "met",
        {"relation": "cannot", "value": "be proven"},
    ),
]


@pytest.mark.parametrize(("rule", "case", "wanted", "changed"), PLANTED, ids=[rule for rule, *_ in PLANTED])
def test_a_planted_contradiction_is_found(rule, case, wanted, changed):
    claims = copied(case, wanted, **changed)
    found = [one for one in contradictions(claims) if one.rule == rule]
    assert found, rule
    assert rule == "parts that do not sum" or all("planted" in (one.one.surface, one.other.surface) for one in found)


def test_a_verdict_that_its_own_interval_does_not_bear_out_is_found():
    claims = list(quick_claims(STORM, True))
    place = next(at for at, claim in enumerate(claims) if claim.relation == "verdict" and claim.surface == "card")
    claims[place] = replace(claims[place], value="met")
    assert "a verdict against its number" in {one.rule for one in contradictions(claims)}


def test_a_record_whose_number_its_sentence_does_not_hold_is_found():
    claims = list(quick_claims(STORM, True))
    place = next(at for at, claim in enumerate(claims) if claim.surface == RECORD and claim.subject == "load.check")
    claims[place] = replace(claims[place], value=0.5)
    found = [one.one for one in contradictions(claims) if one.rule == "a number that no slot of its sentence has"]
    assert found == [claims[place]]


def test_the_surfaces_of_a_design_outside_of_the_brief_agree(evidence):
    """The sentence that counts the objectives met has no count: every verdict is void."""
    case = loads(small("    label: Reading\n", "    label: Reading\n    situation: true\n"))
    studies = Studies(case, {"reading": "expert"}, ["point"])
    claims = [*studies.card(studies.run()), *studies.against({"reading": "usual"})]
    assert listed(claims) == ""
    assert {claim.value for claim in claims if claim.relation == "verdict" and claim.run == claims[0].run} == {"void"}


# ---- between a run and the studies, curveballs and comparisons around it


def test_the_studies_of_a_design_agree_with_its_run_and_with_each_other():
    """Every surface speaks of runs that another surface speaks of too, so that there is something to compare."""
    claims = tiny_claims()
    assert listed(claims) == ""
    cards = {claim.run for claim in claims if claim.surface == "card"}
    for surface in ("best, table", "best, miss", "capacity, loads", "break-evens", "break-evens, turn", "sweep", "curveballs",
                    "curveballs, sentence", "differences", "run --against"):  # fmt: skip
        assert any(claim.surface == surface and claim.run in cards for claim in claims), surface
    assert {"what matters", "designs, table", "front", "front, points", "capacity"} <= {claim.surface for claim in claims}


def of(surface: str, relation: str, value: object = None) -> Callable[[Shown], object]:
    """Choose a claim of a surface about a run that has a card."""

    def chosen(claim: Shown) -> bool:
        fits = (claim.surface, claim.relation) == (surface, relation)
        valued = claim.value is not None if value is None else claim.value == value
        return fits and valued and (not claim.run or claim.run in {one.run for one in tiny_claims() if one.surface == "card"})

    return chosen


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_studies_of_a_shipped_case_agree_with_every_run_around_it(case):
    """The default with every study; designs one step away and random ones with a sweep, curveballs and differences.

    A vehicle's design takes some five seconds of it, and the cards of every step are compared above: twelve steps are drawn.
    """
    steps = steps_from_default(case)
    drawn = random.Random(case).sample(steps, min(12, len(steps)))
    others = [*drawn, *(dict(plan.design) for plan in random_designs(case, 4))]
    claims = case_claims(case, others)
    faults = [str(fault) for claim in claims for fault in word_faults(claim)]
    assert "\n".join([listed(claims), *dict.fromkeys(faults)]) == ""


#: What a study might say otherwise than the card: the rule that should find it, the claim that is altered, its alteration.
BETWEEN = [
    ("another verdict", of("capacity, loads", "verdict", "not proven"), {"value": "met"}),
    ("a verdict that another surface rules out", of("capacity, loads", "verdict", "met"), {"relation": "rules out"}),
    ("another verdict", of("best, table", "verdict", "not met"), {"value": "met"}),
    ("another verdict", of("best, miss", "verdict", "not met"), {"value": "not proven"}),
    ("another verdict", of("break-evens", "verdict", "met"), {"value": "not met"}),
    ("a value outside the interval", of("break-evens", "is", 1690.0), {"value": 2310.0}),
    ("another verdict", of("sweep", "verdict", "not met"), {"value": "no figure"}),
    ("another interval", lambda claim: claim.surface == "sweep" and claim.interval, {"interval": (0.0, 1e6)}),
    ("parts that do not sum", of("front", "part of"), {"value": 99.0}),
    ("another value", of("what matters, no sentence of it", "is"), {"value": 7.0}),
    ("a sentence against its record", of("capacity", "limits"), {"value": 1.2, "slack": 0.05}),
    ("a sentence against its record", of("best, miss", "verdict", "not met"), {"value": "not proven"}),
    ("a sentence against its record", of("break-evens", "part of"), {"value": 99.0}),
    ("a sentence against its record", of("curveballs, sentence", "verdict"), {"value": "void"}),
    ("another value", of("curveballs", "is"), {"value": 1.0}),
    ("another verdict", of("curveballs, sentence", "verdict"), {"value": "void"}),
    ("chance beside a change beyond it", of("curveballs", "beyond chance", True), {"value": False}),
    ("another value", of("run --against", "is"), {"value": 1.0}),
    ("a change that is not that of its runs", of("run --against", "differs"), {"value": -1.0, "interval": (-2.0, 0.5)}),
    ("chance beside a change beyond it", of("differences", "beyond chance", True), {"value": False}),
]


@pytest.mark.parametrize(("rule", "wanted", "changed"), BETWEEN, ids=[str(place) for place in range(len(BETWEEN))])
def test_a_contradiction_planted_in_a_study_is_found(rule, wanted, changed):
    claims = list(tiny_claims())
    place = next(at for at, claim in enumerate(claims) if wanted(claim))
    surface, claims[place] = claims[place].surface, replace(claims[place], **changed)
    found = [one for one in contradictions(claims) if one.rule == rule]
    assert found
    assert all(surface.partition(",")[0] in f"{one.one.surface} {one.other.surface}" for one in found)


def test_every_rule_has_a_planted_contradiction():
    others = {"a verdict against its number", "a number that no slot of its sentence has"}
    assert {rule for rule, *_ in PLANTED + BETWEEN} | others == set(RULES)
