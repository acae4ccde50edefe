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


def _check(scenario: Scenario, runner: DesignRunner, placeholder: Placeholder) -> RunCheck:
    return RunCheck(number_key(scenario, placeholder), lambda: [_number(scenario, runner, placeholder)])


def _number(scenario: Scenario, runner: DesignRunner, placeholder: Placeholder) -> CheckResult:
    picks, replications = picks_of(scenario, placeholder.design), whole_replications(scenario)
    (outcome,) = runner.outcomes("numbers of the text", [picks], [placeholder.name], replications)
    estimate = outcome.metrics.get(placeholder.name)
    if estimate is None:
        reason = outcome.refused or outcome.missing_reasons.get(placeholder.name, "the run has no figure for it")
        return CheckResult("number", placeholder.subject, "fail", reason)
    shown, _ = spoken_within(estimate.value, estimate.low, estimate.high, scenario.metrics[placeholder.name].unit)
    return CheckResult("number", placeholder.subject, "pass", shown)
