"""Numbers of runs that a case's texts fill in: a check of `casesim test` for each, whose result is the number."""

from __future__ import annotations

from simulator.authoring.check_results import CheckResult, RunCheck
from simulator.authoring.tested_designs import DesignRunner, whole_replications
from simulator.case.case_tests import picks_of
from simulator.case.prose_figures import Placeholder, metrics_in_prose, number_key
from simulator.case.schema import Scenario
from simulator.units import spoken_within


def number_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    """Return a check for each metric that a text of the case names."""
    return [_check(scenario, runner, metric) for metric in metrics_in_prose(scenario)]


def _check(scenario: Scenario, runner: DesignRunner, one: Placeholder) -> RunCheck:
    return RunCheck(number_key(scenario, one), lambda: [_number(scenario, runner, one)])


def _number(scenario: Scenario, runner: DesignRunner, one: Placeholder) -> CheckResult:
    picks, replications = picks_of(scenario, one.design), whole_replications(scenario)
    (outcome,) = runner.outcomes("numbers of the text", [picks], [one.name], replications)
    estimate = outcome.metrics.get(one.name)
    if estimate is None:
        reason = outcome.refused or outcome.missing_reasons.get(one.name, "the run has no figure for it")
        return CheckResult("number", one.subject, "fail", reason)
    shown, _ = spoken_within(estimate.value, estimate.low, estimate.high, scenario.metrics[one.name].unit)
    return CheckResult("number", one.subject, "pass", shown)
