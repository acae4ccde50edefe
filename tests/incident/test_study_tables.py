"""Studies of incidents: what ships is whole, and what is broken is told."""

import pandas as pd
import pytest

from simulator.case.load import load
from simulator.incident.players import PLAYERS
from simulator.incident.study_panel import STUDY_COLUMNS, StudyError, load_study, studied
from simulator.paths import INCIDENTS

CASE = "production-drift"


def test_what_ships_covers_every_cause_as_it_comes_with_thirty_seeds_a_player():
    spec = load(CASE).incident
    assert spec is not None and studied() == [CASE]
    rows = load_study(CASE).players
    counts = rows.groupby(["player", "cause", "shape"]).size()
    assert set(counts.index) == {(p, c, s) for p in PLAYERS for c, cause in spec.causes.items() for s in cause.shapes}
    assert (counts >= 30).all()


def test_what_ships_tries_every_fix_against_every_cause_that_does_harm():
    spec = load(CASE).incident
    assert spec is not None
    rows = load_study(CASE).fixes
    harmful = [name for name, cause in spec.causes.items() if not cause.harmless]
    assert len(rows) == len(harmful) * len(spec.fixes) and set(rows["fix"]) == set(spec.fixes)
    # What puts a cause right where it entered takes all of its harm away.
    for cause, fix in {"blurred_camera": "technician", "lost_step": "mend_client", "swapped_colours": "roll_back"}.items():
        [took] = rows.query(f"cause == '{cause}' and fix == '{fix}'")["took_away"]
        assert took == pytest.approx(1.0, abs=0.02)
    assert (rows.query("fix == 'nothing'")["took_away"].abs() < 1e-9).all()


def test_the_sensible_investigator_is_right_in_nine_of_ten_and_the_others_seldom():
    rows = load_study(CASE).players
    right = rows.groupby("player")["right"].mean()
    assert right["sensible"] >= 0.9 and right["naive"] < 0.1 and right["guess"] < 0.15


def test_false_alarms_fall_and_delays_do_not_shorten_as_a_threshold_rises():
    for _, rows in load_study(CASE).monitors.groupby(["monitor", "cause"]):
        ordered = rows.sort_values("threshold")
        assert ordered["alarms_a_week"].is_monotonic_decreasing
        assert ordered["caught"].is_monotonic_decreasing
        assert ordered["delay_h"].is_monotonic_increasing


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / CASE
    folder.mkdir()
    for name in STUDY_COLUMNS:
        (folder / f"{name}.csv").write_bytes((INCIDENTS / CASE / f"{name}.csv").read_bytes())
    return tmp_path


def test_a_table_that_lacks_a_column_is_told(copied):
    file = copied / CASE / "fixes.csv"
    pd.read_csv(file).drop(columns="took_low").to_csv(file, index=False)
    with pytest.raises(StudyError, match=r"fixes\.csv: lacks the column took_low"):
        load_study(CASE, copied)


def test_an_empty_table_and_a_missing_one_are_told(copied):
    (copied / CASE / "quiet.csv").write_text("")
    with pytest.raises(StudyError, match=r"quiet\.csv: cannot be read"):
        load_study(CASE, copied)
    (copied / CASE / "quiet.csv").unlink()
    with pytest.raises(StudyError, match=r"quiet\.csv: is missing; `make incidents` writes it"):
        load_study(CASE, copied)
