"""All checks of a case in one go: those that its author states, and those that every case has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

from simulator.authoring.author_checks import author_checks
from simulator.authoring.check_results import CheckResult, KeptResults, RunCheck, placed
from simulator.authoring.claim_checks import claim_checks
from simulator.authoring.no_model_check import no_model_checks
from simulator.authoring.prose_numbers import number_checks
from simulator.authoring.static_checks import static_checks
from simulator.authoring.sweep_checks import DesignSample, sweep_checks
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.schema import Scenario

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
