"""All checks of a case in one go: those that its author states, of designs and curveballs, and those that every case has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from simulator.authoring.check_results import CheckResult, KeptResults, Outcome, RunCheck, placed, result_at
from simulator.authoring.claim_checks import claim_checks, number_checks
from simulator.authoring.no_model_check import no_model_checks
from simulator.authoring.static_checks import static_checks
from simulator.authoring.sweep_checks import DesignSample, sweep_checks, written
from simulator.authoring.tested_designs import SEED, DesignRunner, objective_metrics, whole_replications
from simulator.case.case_tests import CurveballTest, DesignName, DesignTest, Strikes, picks_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.metrics.summary import Verdict

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


def run_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    """Return the checks that need runs, those of the author first."""
    swept = sweep_checks(scenario, runner, RANDOM_DESIGNS)
    sample = DesignSample(scenario, runner, RANDOM_DESIGNS)
    key = swept[0].key.rpartition(" ")[2]
    return [
        *author_checks(scenario, runner),
        *claim_checks(scenario, runner),
        *number_checks(scenario, runner),
        *swept,
        *no_model_checks(scenario, sample, key),
    ]


def author_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    tests = scenario.tests
    named = (("meets", tests.meets, "met"), ("fails", tests.fails, "not met"))
    return [
        *(
            _standing(scenario, runner, name, index, one, wanted)
            for name, every, wanted in named
            for index, one in enumerate(every)
        ),
        *(_turned(scenario, runner, index, turn) for index, turn in enumerate(tests.turns)),
    ]


def _standing(scenario: Scenario, runner: DesignRunner, check: str, index: int, test: DesignTest, wanted: str) -> RunCheck:
    def work() -> list[CheckResult]:
        verdicts = verdicts_of(scenario, runner, test.design)
        at, subject = ("tests", check, index), _named(scenario, test.design)
        return [result_at(scenario, at, check, subject, *_judged(verdicts[name], wanted)) for name in test.objectives]

    return RunCheck(_key(scenario, check, [(test.design, {})], test.objectives), work)


def _judged(verdict: Verdict, wanted: str) -> tuple[Outcome, str]:
    says = f"“{verdict.objective.label}” is {verdict.standing}: {verdict.with_interval}, {verdict.requirement} asked for"
    if verdict.standing == wanted or (wanted == "not met" and verdict.standing == "no figure"):
        return "pass", says
    return ("cannot be told" if verdict.standing == "not proven" else "fail"), f"{says}; the test says {wanted}"


def _turned(scenario: Scenario, runner: DesignRunner, index: int, test: CurveballTest) -> RunCheck:
    strikes: Strikes = {test.curveball: test.at_s}

    def work() -> list[CheckResult]:
        calm = verdicts_of(scenario, runner, test.design)[test.objective]
        struck = verdicts_of(scenario, runner, test.design, strikes)[test.objective]
        under = f"{struck.standing} under it ({struck.with_interval})"
        says = f"“{struck.objective.label}” is {calm.standing} without it and {under}"
        outcome: Outcome = "pass" if struck.standing == test.to != calm.standing else "fail"
        subject = f"{test.curveball}, {_named(scenario, test.design)}"
        said = says if outcome == "pass" else f"{says}; the test says that it turns to {test.to}"
        return [result_at(scenario, ("tests", "turns", index), "turns", subject, outcome, said)]

    return RunCheck(_key(scenario, "turns", [(test.design, {}), (test.design, strikes)], [test.objective, test.to]), work)


def verdicts_of(
    scenario: Scenario, runner: DesignRunner, design: DesignName, strikes: Strikes | None = None
) -> dict[str, Verdict]:
    """Return the verdict on each metric of an objective after all replications; the worst, where two objectives bound one."""
    metrics, count = objective_metrics(scenario), whole_replications(scenario)
    (outcome,) = runner.outcomes("tests", [picks_of(scenario, design)], metrics, count, strikes)
    worst_last = sorted(outcome.verdicts(scenario), key=lambda verdict: _BEST_FIRST.index(verdict.standing))
    return {verdict.objective.metric: verdict for verdict in worst_last}


_BEST_FIRST = "met", "not proven", "void", "not met", "no figure"


def _named(scenario: Scenario, design: DesignName) -> str:
    return design if isinstance(design, str) else written(picks_of(scenario, design))


def _key(scenario: Scenario, check: str, designs: Sequence[tuple[DesignName, Strikes]], rest: Sequence[str]) -> str:
    plans = [compile_plan(scenario, picks_of(scenario, design), strikes).identity for design, strikes in designs]
    return f"{check} {fingerprint([ENGINE_VERSION, SEED, scenario.run.replications, plans, rest])}"
