"""`python -m campaigns.incidents`: writes its tables, and names what is wrong in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from campaigns.incidents import rehearsal

Run = Callable[..., tuple[int, str, str]]

CASE = "production-drift"


@pytest.mark.parametrize("study", ["study", "rehearse", "fixes", "monitors"])
def test_a_case_without_incidents_is_told(campaign: Run, study: str) -> None:
    status, shown, error = campaign("incidents", study, "retry-storm")
    assert status == 2 and not shown and "no `incident` section" in error


def test_rehearsing_a_few_incidents_writes_a_table_of_signs(
    campaign: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [("overload", "abrupt", rehearsal.FIRST_SEED), ("seasons", "abrupt", rehearsal.FIRST_SEED)]
    monkeypatch.setattr(rehearsal, "to_rehearse", lambda case, seeds: few)
    status, _, messages = campaign("incidents", "rehearse", CASE, "--seeds", 2, "--out", tmp_path)
    rows = pd.read_csv(tmp_path / CASE / "signs.csv")
    assert status == 0 and "signs.csv" in messages and set(rows["cause"]) == {"overload", "seasons"}
    assert set(rows.query("question == 'counters'")["sign"]) <= {"drops", "no drops"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("- {statistic: found}\n- statistic: fond\n", "2:3: 1: statistic: 'fond' cannot be watched; did you mean 'found'?"),
        ("- {statistic: found, window_h: 120}", "1:22: 0.window_h: should be 84 at most"),
        ("- {statistic: found, at: high}", "1:22: 0.at: write a number"),
        ("statistic: found", "1:1: (file): should be a list"),
    ],
)
def test_a_faulty_file_of_monitors_is_told_at_its_line(campaign: Run, tmp_path: Path, given: str, expected: str) -> None:
    file = tmp_path / "monitors.yaml"
    file.write_text(given)
    status, shown, error = campaign("incidents", "monitors", CASE, "--monitors", file)
    assert (status, shown) == (2, "")
    assert error.startswith(f"{file}:{expected}")
