"""The shipped cases pass `casesim test`, from the results that come with them: none is out of date."""

from __future__ import annotations

import pytest

from simulator.authoring.case_test import case_results
from simulator.authoring.check_results import KeptResults
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.load import load, scenario_ids


def no_run(work, task):
    raise AssertionError("the kept results are out of date: make test-cases")


@pytest.mark.parametrize("case", scenario_ids())
def test_a_shipped_case_passes_and_its_kept_results_are_those_of_the_case_as_it_is(case, tmp_path):
    scenario = load(case)
    results = list(case_results(scenario, DesignRunner(scenario, no_run), KeptResults(scenario, tmp_path / "kept.json")))
    assert [result for result in results if result.failed] == []
    assert len(scenario.claims) >= 10
