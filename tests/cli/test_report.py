"""`casesim report`: the file it writes, and what it refuses."""

import subprocess
import sys

import pytest

from tests.case.texts import SMALL


@pytest.fixture
def case(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_a_report_is_written_in_one_file_with_the_run_that_the_command_reports(casesim, case, tmp_path):
    out = tmp_path / "design.html"
    status, printed, err = casesim("report", case, "--out", out, "--seed", 4, "--replications", 2)
    assert (status, printed) == (0, "")
    assert f"{out}: written" in err
    run = casesim("run", case, "--seed", 4, "--replications", 2, "--json").out
    run_hash = run.split('"run_hash": "')[1][:12]
    assert f"run hash {run_hash}" in out.read_text(encoding="utf-8")


@pytest.mark.long
def test_a_process_of_its_own_prints_its_progress_and_its_file_alone(tmp_path):
    out = tmp_path / "design.html"
    command = [sys.executable, "-m", "simulator.cli", "report", "retry-storm", "--replications", "2", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("replications: ")]
    assert " ".join("".join(lines).split()) == f"{out}: written"
    assert done.stdout == ""


@pytest.mark.parametrize(("out", "message"), [
    ("design.pdf", "--out design.pdf: should end in .html"),
    ("nowhere/design.html", "there is no folder nowhere; make it first, or name another"),
])  # fmt: skip
def test_a_file_that_cannot_be_is_refused_before_the_run(casesim, case, out, message):
    status, _, err = casesim("report", case, "--out", out)
    assert status == 2
    assert message in err
