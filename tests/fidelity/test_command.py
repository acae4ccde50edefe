"""What `casesim fidelity` says before anything is measured."""

import pytest
from typer.testing import CliRunner

from simulator.cli import app


@pytest.fixture
def refused():
    def run(out):
        answer = CliRunner().invoke(app, ["fidelity", "--quick", "--out", str(out)])
        assert (answer.exit_code, answer.stdout) == (2, "")
        return answer.stderr

    return run


def test_a_report_that_stands_there_is_not_lost(refused, tmp_path):
    kept = tmp_path / "report.json"
    kept.write_text("of last year")
    assert f"{kept}: stands there already; name another file" in refused(kept)
    assert kept.read_text() == "of last year"


def test_a_folder_that_cannot_be_made_is_told_before_the_runs(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'}" in refused(tmp_path / "file" / "report.json")
