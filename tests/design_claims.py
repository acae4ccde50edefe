"""The claims of designs of the shipped cases, each design run once a worker."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import cache
from typing import Any
from unittest.mock import patch

from simulator.case.choices import Pick
from simulator.case.load import load
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.explain.design_changes import changes_of_design
from simulator.explain.result import Result, replicate
from simulator.sweeps.levers import LeverSearch
from tests.figure_claims import (
    card_claims,
    count_claims,
    json_claims,
    lever_claims,
    metric_claims,
    page_claims,
    report_claims,
    takeaway_claims,
)
from tests.shown import Shown, about, records
from tests.slot_claims import chart_claims, sentence_claims

CASES = ("av-perception", "production-drift", "retry-storm", "skin-cancer-triage")

#: One changed design of each case: an older frame first, another detector, no retries, people who cannot keep up.
CHANGED: dict[str, dict[str, Pick]] = {
    "av-perception": {"queue": "fifo"},
    "production-drift": {"detector": "yolox_nano"},
    "retry-storm": {"retries": "none"},
    "skin-cancer-triage": {"dermatologists": 10},
}

REPLICATIONS, SEED = 2, 1


def design_claims(plan: Plan, with_advice: bool = False, with_levers: bool = False, with_charts: bool = False) -> list[Shown]:
    """Run a design and collect its claims; advice and levers run other designs too, two replications of each.

    with_charts: whether to draw the report too, for the takeaways of its charts
    """
    result = replicate(plan, SEED, REPLICATIONS)
    claims = [*run_claims(result, with_advice), *chart_claims(result)]
    claims += [*page_claims(result), *report_claims(result)] if with_advice else []
    claims += takeaway_claims(result, simulate(plan, SEED)) if with_charts else []
    return list(about(result.run_hash, [*claims, *(_lever_claims(result) if with_levers else [])]))


def run_claims(result: Result, with_advice: bool) -> Iterator[Shown]:
    """Read the cards, tables and sentences of a run, beside their records; with_advice: also the steps, which runs others."""
    yield from card_claims(result)
    yield from metric_claims(result)
    yield from json_claims(result, _content(result, with_advice))
    yield from count_claims(result)
    yield from sentence_claims(result, with_advice)
    yield from records(result.claims)


@cache
def quick_claims(case: str, changed: bool) -> tuple[Shown, ...]:
    """Return the claims of the default design of a case, or of the changed one; with advice where its trials are quick."""
    with_advice = case == "production-drift" or (case == "retry-storm" and changed)
    return tuple(design_claims(compile_plan(load(case), CHANGED[case] if changed else {}), with_advice))


def _content(result: Result, with_advice: bool) -> Mapping[str, Any]:
    if with_advice:
        return result.to_json()
    with patch.object(Result, "_reasons", lambda self: []):
        return result.to_json()


def _lever_claims(result: Result) -> Iterator[Shown]:
    def submit(function: Any, *words: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*words))
        return done

    levers = LeverSearch(result, submit, REPLICATIONS).so_far()
    yield from lever_claims(levers)
    yield from records(levers.claims)


def steps_from_default(case: str) -> list[dict[str, Pick]]:
    """Return the picks of every design one step from the default that can run."""
    return [{change.choice: change.pick} for change in changes_of_design(compile_plan(load(case))) if change.plan is not None]


def random_designs(case: str, count: int) -> list[Plan]:
    """Draw designs that can run, each choice on its own."""
    scenario, source, plans = load(case), random.Random(case), list[Plan]()
    while len(plans) < count:
        picks = {name: source.choice(choice.picks()) for name, choice in scenario.choices.items()}
        try:
            plans.append(compile_plan(scenario, picks))
        except ValueError:
            continue
    return plans
