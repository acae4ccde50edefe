"""The README does as it says: its case, its commands and its Python run, and its links and targets exist."""

import re
import shlex
from math import inf
from pathlib import Path

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.metrics.summary import summarise

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


[CASE] = blocks("yaml")
[PYTHON] = blocks("python")
COMMANDS = [line for block in blocks("console") for line in block.splitlines()]
MADE = re.findall(r"^mole-check.yaml:.*$", README, re.MULTILINE)


def test_a_person_in_a_hurry_reads_it_to_the_end():
    assert len(README.splitlines()) <= 180
    assert len(re.findall(r"^!\[", README, re.MULTILINE)) == 3


def test_the_case_runs_and_reports_what_its_objectives_ask_for():
    plan = compile_plan(loads(CASE), {"replicas": 2})
    metrics = summarise([simulate(plan, seed=1)])
    assert {objective.metric for objective in plan.scenario.objectives} <= metrics.keys()


def test_the_fault_is_reported_as_shown():
    with pytest.raises(ScenarioError) as caught:
        loads(CASE.replace("max_batch", "max_bach"), "mole-check.yaml")
    assert [str(fault) for fault in caught.value.faults] == MADE


@pytest.mark.parametrize("line", [line for line in COMMANDS if "mole-check.yaml" in line])
def test_each_command_about_the_case_runs(line, casesim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("simulator.cli.exits.LINE_EVERY_S", inf)  # a busy machine takes longer than that
    (tmp_path / "mole-check.yaml").write_text(CASE, encoding="utf-8")
    program, command, *words = shlex.split(line)
    fewest = ["--replications", "2"] if command == "run" else []
    ended = casesim(command, *words, *fewest)
    assert (program, ended.status, ended.err.strip()) == ("casesim", 0, "")


@pytest.mark.parametrize("line", [line for line in COMMANDS if "skin-cancer-triage" in line])
def test_each_design_of_a_case_that_comes_with_the_program_can_run(line):
    program, command, case, *words = shlex.split(line)
    options = {"--set": {}, "--against": {}, "--strike": {}}
    for option, value in zip(words[::2], words[1::2], strict=True):
        name, _, value = value.replace("@", "=").partition("=")
        options[option][name] = value
    struck = {name: float(at_s) for name, at_s in options["--strike"].items()}
    plans = [compile_plan(load(case), options[option], struck) for option in ("--set", "--against")]
    assert (program, command) == ("casesim", "run")
    assert [plan.scenario.id for plan in plans] == [case, case]


def test_the_python_lines_run():
    names = {}
    exec(PYTHON, names)
    assert 0 < names["metrics"]["sensitivity"].value < 1


def test_the_makefile_has_every_target_that_the_readme_names():
    targets = re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    assert {"run", "test"} <= set(targets) <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_links_and_pictures_lead_to_files_that_exist():
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []
