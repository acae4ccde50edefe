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
