"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

from simulator import compile_plan, simulate, summarise
from simulator.case.faults import ScenarioError
from simulator.case.load import loads

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)[1]


def test_the_case_runs_and_reports_what_its_objectives_ask_for():
    plan = compile_plan(loads(block("yaml")), {"replicas": 2})
    metrics = summarise([simulate(plan, seed=1)])
    assert {objective.metric for objective in plan.scenario.objectives} <= metrics.keys()


def test_the_fault_is_told_as_shown():
    with pytest.raises(ScenarioError) as caught:
        loads(block("yaml").replace("max_batch", "max_bach"), "mole-check.yaml")
    assert [str(fault) for fault in caught.value.faults] == re.findall("^mole-check.yaml:.*$", README, re.MULTILINE)


def test_the_python_lines_run():
    names = {}
    exec(block("python"), names)
    assert 0 < names["metrics"]["sensitivity"].value < 1


def test_links_lead_to_files_that_exist():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert [target for target in targets if "://" not in target and not (Path(__file__).parents[1] / target).exists()] == []
