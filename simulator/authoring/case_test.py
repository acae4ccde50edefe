"""All checks of a case in one go: those that its author states, of designs and curveballs, and those that every case has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic, process_time
from typing import Any

import numpy as np

from simulator.authoring.check_results import CheckResult, Finding, KeptResults, Outcome, RunCheck, placed, results_of
from simulator.authoring.claim_checks import claim_checks, figure_checks
from simulator.authoring.prose_numbers import prose_checks
from simulator.authoring.sweep_checks import DesignSample, missed, sweep_checks, written
from simulator.authoring.tested_designs import SEED, DesignRunner, Picks, bases, objective_metrics
from simulator.case.case_tests import CurveballTest, DesignName, DesignTest, Strikes, picks_of
from simulator.case.designs import apply, validated
from simulator.case.document import Document, ScenarioError
from simulator.case.phases import phases_of
from simulator.case.prose_figures import figures_in, placeholders_in, raw_texts, words_alone
from simulator.case.scenario_parts import RANDOM
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, fingerprint
from simulator.engine.contract import planned_routers
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.engine.stages.gate import score_gates
from simulator.errors import shortened
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import Verdict
from simulator.units import span

#: Random designs of a sweep: a share is known to about 12 points either way.
RANDOM_DESIGNS = 64


def case_results(
    scenario: Scenario,
    runner: DesignRunner,
    kept: KeptResults,
    minutes: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[CheckResult]:
    """Yield the result of each check as it ends, those without runs first.

    minutes: after N minutes no check with runs begins, and a result says so for each one that is left out
    """
    ends = clock() + 60 * minutes if minutes is not None else float("inf")
    yield from static_checks(scenario)
    for check in run_checks(scenario, runner):
        if check.key not in kept.known and clock() > ends:
            name = check.key.rpartition(" ")[0]
            yield CheckResult(name, "not run", "skipped", f"the {minutes:g} minutes are over; run the command again to go on")
            continue
        yield from placed(scenario, kept.of(check))
    says = {key: results[0].says for key, results in kept.used.items() if results}
    yield from prose_checks(scenario, figures_in(scenario, says))


def run_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    """Return the checks that need runs, those of the author first."""
    sample = DesignSample(scenario, runner, RANDOM_DESIGNS)
    return [
        *author_checks(scenario, runner),
        *claim_checks(scenario, runner),
        *figure_checks(scenario, runner),
        *sweep_checks(sample),
        *no_model_checks(sample),
    ]


def author_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    tests = scenario.tests
    named = (("meets", tests.meets, "met"), ("fails", tests.fails, "not met"))
    return [
        *(
            _standing(scenario, runner, name, index, test, wanted)
            for name, every, wanted in named
            for index, test in enumerate(every)
        ),
        *(_turned(scenario, runner, index, turn) for index, turn in enumerate(tests.turns)),
    ]


def _standing(scenario: Scenario, runner: DesignRunner, check: str, index: int, test: DesignTest, wanted: str) -> RunCheck:
    def work() -> list[Finding]:
        verdicts = verdicts_of(scenario, runner, test.design)
        at, subject = ("tests", check, index), _named(scenario, test.design)
        return [(at, subject, *_judged(verdicts[name], wanted)) for name in test.objectives]

    return RunCheck(check, _key(scenario, check, [(test.design, {})], test.objectives), work)


def _judged(verdict: Verdict, wanted: str) -> tuple[Outcome, str]:
    says = f"“{verdict.objective.label}” is {verdict.standing}: {verdict.with_interval}, {verdict.requirement} asked for"
    if verdict.standing == wanted or (wanted == "not met" and verdict.standing == "no figure"):
        return "pass", says
    return ("cannot be told" if verdict.standing == "not proven" else "fail"), f"{says}; the test says {wanted}"


def _turned(scenario: Scenario, runner: DesignRunner, index: int, test: CurveballTest) -> RunCheck:
    strikes: Strikes = {test.curveball: test.at_s}

    def work() -> list[Finding]:
        calm = verdicts_of(scenario, runner, test.design)[test.objective]
        struck = verdicts_of(scenario, runner, test.design, strikes)[test.objective]
        under = f"{struck.standing} under it ({struck.with_interval})"
        says = f"“{struck.objective.label}” is {calm.standing} without it and {under}"
        outcome: Outcome = "pass" if struck.standing == test.to != calm.standing else "fail"
        subject = f"{test.curveball}, {_named(scenario, test.design)}"
        said = says if outcome == "pass" else f"{says}; the test says that it turns to {test.to}"
        return [(("tests", "turns", index), subject, outcome, said)]

    key = _key(scenario, "turns", [(test.design, {}), (test.design, strikes)], [test.objective, test.to])
    return RunCheck("turns", key, work)


def verdicts_of(
    scenario: Scenario, runner: DesignRunner, design: DesignName, strikes: Strikes | None = None
) -> dict[str, Verdict]:
    """Return the verdict on each metric of an objective after all replications; the worst, where two objectives bound one."""
    metrics, count = objective_metrics(scenario), scenario.run.replications
    (outcome,) = runner.outcomes("tests", [picks_of(scenario, design)], metrics, count, strikes)
    worst_last = sorted(outcome.verdicts(scenario), key=lambda verdict: _BEST_FIRST.index(verdict.standing))
    return {verdict.objective.metric: verdict for verdict in worst_last}


_BEST_FIRST = "met", "not proven", "void", "not met", "no figure"


def _named(scenario: Scenario, design: DesignName) -> str:
    return design if isinstance(design, str) else written(picks_of(scenario, design))


def _key(scenario: Scenario, check: str, designs: Sequence[tuple[DesignName, Strikes]], rest: Sequence[str]) -> str:
    plans = [compile_plan(scenario, picks_of(scenario, design), strikes).identity for design, strikes in designs]
    return f"{check} {fingerprint([ENGINE_VERSION, SEED, scenario.run.replications, plans, rest])}"


def static_checks(scenario: Scenario) -> list[CheckResult]:
    checks = {"answer": _answers, "prompts": _prompts, "time": _time}
    return [result for name, check in checks.items() for result in results_of(scenario, name, check(scenario))]


def _answers(scenario: Scenario) -> Iterator[Finding]:
    written = dict(raw_texts(scenario))
    for index, question in enumerate(scenario.questions):
        subject = shortened(question.ask, 60)
        used = question.rests_on or claimed(question.answer, scenario)
        used = used or any(placeholders_in(written["questions", index, "answer"]))
        says = "an objective, a figure, a choice or a claim uses the answer"
        if not used:
            says = "nothing of the case uses this answer; name what it is about in `rests_on`, or claim a sentence of it"
        yield ("questions", index), subject, "pass" if used else "fail", says


def _prompts(scenario: Scenario) -> Iterator[Finding]:
    if not scenario.phases:
        says = "the case names no phases; those that CaseSim derives have no prompts: write `phases`"
        yield (), "phases", "fail", says
        return
    last = phases_of(scenario)[-1].id
    for index, phase in enumerate(scenario.phases):
        there = phase.prompts or (phase.id == last and scenario.defence)
        says = "it has prompts" if there else "the phase has no `prompts`: a person who is stuck sees nothing to think about"
        yield ("phases", index), phase.id, "pass" if there else "fail", says


def _time(scenario: Scenario) -> Iterator[Finding]:
    plan = compile_plan(scenario)
    begun = process_time()
    run_replications(plan, SEED, 1)
    seconds, most = process_time() - begun, scenario.tests.seconds
    says = f"a replication of the default takes {span(seconds)} of processor time, at most {span(most)} are allowed"
    yield ("tests", "seconds"), "a replication", "pass" if seconds <= most else "fail", says


def claimed(text: str, scenario: Scenario) -> bool:
    """Return whether a claim of the case speaks of this text."""
    whole = words_alone(text)
    return any(words_alone(claim.says) in whole or whole in words_alone(claim.says) for claim in scenario.claims)


#: The ways to answer without a model, in words.
WAYS = {"everybody": "refers everybody", "by chance": "answers by chance"}

#: Base designs of the sweep that are tried without their model, those with the fewest misses.
NEAREST = 4


def no_model_checks(sample: DesignSample) -> list[RunCheck]:
    """Return the check of a case with gates by score; none for a case without them."""
    if not score_gates(sample.scenario) or sample.scenario.population is None:
        return []
    return [RunCheck("no model", f"no model {sample.key}", partial(_without_models, sample))]


def _without_models(sample: DesignSample) -> Iterator[Finding]:
    nearest = sorted(sample.judged, key=lambda pair: len(missed(pair[1])))[:NEAREST]
    designs = [*bases(sample.scenario), *(picks for picks, _ in nearest)]
    for way, words in WAYS.items():
        winner = next((picks for picks in designs if _wins(sample, picks, way)), None)
        if winner is None:
            says = f"a design that {words} misses an objective, on each of {len(designs)} base designs"
            yield ("objectives",), way, "pass", says
        else:
            says = f"{written(winner)} meets every objective when it {words} instead: the model decides nothing"
            yield ("objectives",), way, "fail", says


def _wins(sample: DesignSample, picks: Picks, way: str) -> bool:
    scenario, runner = sample.scenario, sample.runner
    try:
        bare = without_model(scenario, picks, way)
        compile_plan(bare)
    except ScenarioError:
        return False  # such a design cannot run at all
    alone = DesignRunner(bare, runner.submit, runner.cache, runner.report)
    metrics = [name for name in objective_metrics(scenario) if name in bare.metrics]
    (outcome,) = alone.outcomes("no model", [{}], metrics, scenario.run.replications)
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
