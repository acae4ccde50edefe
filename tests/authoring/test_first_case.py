"""docs/first-case.md: each of its eight steps runs as it stands there, from a CSV of scores to a packed case."""

import re
import shlex
from pathlib import Path

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.summary import judge
from simulator.paths import PROFILES, ROOT, SCORES

PAGE = (ROOT / "docs" / "first-case.md").read_text(encoding="utf-8")
STEPS = re.split(r"^## \d\. ", PAGE, flags=re.MULTILINE)[1:]
REPLACED = re.compile(r"```yaml\n(.*?)```\n\nby\n\n```yaml\n(.*?)```", re.DOTALL)
CASE = "parcel-damage.yaml"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, and a folder of one's own for scores and results."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "data"
    monkeypatch.setattr("simulator.evidence.score_import.OWN_SCORES", own)
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (SCORES, own))
    monkeypatch.setattr("simulator.evidence.profiles.FOLDERS", (PROFILES,))
    return tmp_path


def follow(step: str, casesim) -> list[str]:
    """Do what a step says; returns what its commands print."""
    for code in re.findall(r"```python\n(.*?)```", step, re.DOTALL):
        exec(compile(code, "docs/first-case.md", "exec"), {})
    file = Path(CASE)
    for old, new in REPLACED.findall(step):
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"the new case should have once: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    printed = []
    for line in re.findall(r"^casesim .+$", "".join(re.findall(r"```console\n(.*?)```", step, re.DOTALL)), re.MULTILINE):
        status, out, err = casesim(*shlex.split(line)[1:])
        assert status == 0, f"{line}: {out}{err}"
        printed.append(out)
    return printed


def test_the_page_has_eight_steps_of_an_hour_in_all():
    minutes = [int(found) for found in re.findall(r"^## \d\. .+ \((\d+) minutes\)$", PAGE, re.MULTILINE)]
    assert (len(minutes), sum(minutes)) == (8, 60)


def test_the_steps_lead_to_a_case_without_faults_that_can_be_won(casesim, folder):
    imported, new, _, checked = (follow(step, casesim) for step in STEPS[:4])
    assert "scores: mine.parcel_net" in imported[0]
    assert new[0].startswith(f"{CASE}: written")
    assert checked[0] == "parcel-damage: no faults\n"
    assert "wait_p95_s.people" in checked[1]
    follow(STEPS[5], casesim)
    scenario = load(CASE)
    assert scenario.debrief[0].title == "People are the cost"
    (picks,) = re.findall(r"--set (\S+) --set (\S+)$", STEPS[4], re.MULTILINE)
    won = {}
    for name, design in (("default", {}), ("second", dict(pick.split("=") for pick in picks))):
        result = replicate(compile_plan(scenario, design), seed=1, replications=2)
        won[name] = all(judge(one, scenario.metrics, result.metrics).met for one in scenario.objectives)
    assert won == {"default": False, "second": True}


@pytest.mark.long
def test_the_case_passes_its_tests_and_is_packed_with_them(casesim, folder, monkeypatch):
    monkeypatch.setattr("simulator.sweeps.outcome_cache.SWEEPS", folder / "sweeps")
    printed = [follow(step, casesim) for step in STEPS[:6]]
    assert ["not met" in run for run in printed[4][:2]] == [True, False]
    (tested,) = follow(STEPS[6], casesim)
    assert "FAIL" not in tested and "OPEN" not in tested
    (packed,) = follow(STEPS[7], casesim)
    assert (folder / "parcel-damage-1.casesim.zip").is_file()
    assert "without test results" not in packed


def test_the_pages_for_authors_lead_to_it():
    for name in ("README.md", "docs/writing-cases.md", "docs/case-reference.md"):
        assert "first-case.md" in (ROOT / name).read_text(encoding="utf-8")
