"""A check that a case needs its model: designs that refer everybody, or answer by chance, must not win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from simulator.authoring.check_results import CheckResult, RunCheck, result_at
from simulator.authoring.sweep_checks import DesignSample, missed, written
from simulator.authoring.tested_designs import DesignRunner, Picks, bases, objective_metrics, whole_replications
from simulator.case.designs import apply, validated
from simulator.case.document import Document, ScenarioError
from simulator.case.gate_words import RANDOM
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import planned_routers
from simulator.engine.plan import compile_plan
from simulator.engine.stages.gate import score_gates

#: The ways to answer without a model, in words.
WAYS = {"everybody": "refers everybody", "by chance": "answers by chance"}

#: Base designs of the sweep that are tried without their model, those with the fewest misses.
NEAREST = 4


def no_model_checks(scenario: Scenario, sample: DesignSample, key: str) -> list[RunCheck]:
    """Return the check of a case with gates by score; none for a case without them."""
    if not score_gates(scenario) or scenario.population is None:
        return []
    return [RunCheck(f"no model {key}", lambda: list(_found(scenario, sample)))]


def _found(scenario: Scenario, sample: DesignSample) -> Iterator[CheckResult]:
    nearest = sorted(sample.judged, key=lambda one: len(missed(one[1])))[:NEAREST]
    designs = [*bases(scenario), *(picks for picks, _ in nearest)]
    for way, words in WAYS.items():
        winner = next((picks for picks in designs if _wins(sample, picks, way)), None)
        if winner is None:
            says = f"a design that {words} misses an objective, on each of {len(designs)} base designs"
            yield result_at(scenario, ("objectives",), "no model", way, "pass", says)
        else:
            says = f"{written(winner)} meets every objective when it {words} instead: the model decides nothing"
            yield result_at(scenario, ("objectives",), "no model", way, "fail", says)


def _wins(sample: DesignSample, picks: Picks, way: str) -> bool:
    scenario, runner = sample.scenario, sample.runner
    try:
        bare = without_model(scenario, picks, way)
        compile_plan(bare)
    except ScenarioError:
        return False  # such a design cannot run at all
    alone = DesignRunner(bare, runner.submit, runner.cache, runner.report)
    metrics = [name for name in objective_metrics(scenario) if name in bare.metrics]
    (outcome,) = alone.outcomes("no model", [{}], metrics, whole_replications(scenario))
    return not sample.missing(outcome.verdicts(bare))


def without_model(scenario: Scenario, picks: Picks, way: str) -> Scenario:
    """Return the design as a case without choices, whose gates by score send everybody one way, or by chance.

    way: `everybody`, all along the first route; `by chance`, along each route the share that goes there by score
    Raises ScenarioError where that cannot run.
    """
    designed, _ = apply(scenario, picks)
    plan = compile_plan(scenario, picks)
    document: Document = designed.document
    changes: dict[tuple[str | int, ...], tuple[Any, tuple[str | int, ...], str]] = {
        (section,): ({}, (section,), "a design without a model") for section in ("choices", "controllers")
    }
    for name in score_gates(designed):
        gate = document.data["stages"][name]
        written_gate = {key: value for key, value in gate.items() if key not in ("of", "holds")}
        routes = _routes(plan, name, gate["routes"], way)
        changes["stages", name] = (written_gate | {"by": RANDOM, "routes": routes}, ("stages", name), "no model")
    return validated(document.patched(changes), designed)


def _routes(plan: Plan, gate: str, routes: list[Mapping[str, Any]], way: str) -> list[dict[str, Any]]:
    shares = [1.0, *([0.0] * (len(routes) - 1))] if way == "everybody" else _shares_by_score(plan, gate, len(routes))
    bare = [{key: value for key, value in route.items() if key in ("to", "tag")} for route in routes]
    shared = [route | {"share": share} for route, share in zip(bare[:-1], shares[:-1], strict=True)]
    return [*shared, bare[-1]]


def _shares_by_score(plan: Plan, gate: str, count: int) -> list[float]:
    """Return the share of all people that each route takes by score, at the prevalence of the case."""
    population = plan.scenario.population
    assert population is not None
    items = planned_routers(plan)[gate].routes_of_items(plan)
    assert items is not None
    positives = len(plan.tables[plan.scenario.scorer_of(score_gates(plan.scenario)[gate])].positives)
    taken = [np.bincount(part, minlength=count) / len(part) for part in (items[:positives], items[positives:])]
    prevalence = population.prevalence.value
    shares = prevalence * taken[0] + (1 - prevalence) * taken[1]
    return [min(float(share), 1.0) for share in shares]
