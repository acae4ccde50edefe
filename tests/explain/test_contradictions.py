"""No two surfaces of one design contradict each other, and the rules that look for that find each kind of contradiction."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.claims import Claim
from tests.contradictions import RULES, contradictions
from tests.design_claims import CASES, design_claims, quick_claims, random_designs, steps_from_default

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


def copied(case: str, wanted: Callable[[Claim], object], **changed: Any) -> list[Claim]:
    """Return the claims of a changed design with one more: a copy of the first wanted one, altered, on another surface."""
    claims = list(quick_claims(case, True))
    found = next(claim for claim in claims if wanted(claim))
    return [*claims, replace(found, surface="planted", **changed)]


SKIN, STORM = "skin-cancer-triage", "retry-storm"


def quoted(name: str) -> Callable[[Claim], object]:
    return lambda claim: claim.subject == name and claim.relation == "is" and claim.interval


#: A contradiction of each kind: the rule that should find it, the case, the claim that is altered, and its alteration.
PLANTED = [
    ("a value outside the interval", STORM, quoted("done_share"), {"value": 0.9}),
    ("another value", SKIN, quoted("sensitivity"), {"value": 0.95, "interval": None}),
    ("another interval", SKIN, quoted("sensitivity"), {"interval": (0.0, 1.0)}),
    ("a figure beside none", STORM, quoted("latency_p99_s"), {"value": None, "interval": None}),
    ("another verdict", STORM, lambda claim: claim.relation == "verdict" and claim.value == "met", {"value": "not met"}),
    ("another decider", SKIN, lambda claim: claim.decided_by, {"decided_by": "Only more labelled people would decide it."}),
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


def test_every_rule_has_a_planted_contradiction():
    assert {rule for rule, *_ in PLANTED} | {"a verdict against its number"} == set(RULES)
