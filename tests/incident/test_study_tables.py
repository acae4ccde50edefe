"""Studies of incidents: what ships is whole, and what is broken is told."""

import pandas as pd
import pytest

from simulator.case.load import load
from simulator.evidence.evidence_files import EvidenceError
from simulator.incident.players import PLAYERS
from simulator.incident.secret import draw
from simulator.incident.study_panel import IncidentStudy, load_study, studied
from simulator.intervals import mean_interval, share_interval
from simulator.paths import INCIDENTS
from tests.incident_tables import RANGES, RIVALS, repriced, rivals

CASE = "production-drift"


def test_what_ships_has_incidents_of_every_player_as_seeds_draw_them():
    scenario = load(CASE)
    assert studied() == [CASE]
    rows = load_study(CASE).players
    assert set(rows["player"]) == set(PLAYERS) and rows["player"].value_counts().min() >= 50
    assert not rows.duplicated(["player", "seed"]).any()
    drawn = {seed: draw(scenario, seed) for seed in sorted(rows["seed"].unique())[::6]}
    some = rows[rows["seed"].isin(drawn)]
    assert [(drawn[seed].cause, drawn[seed].shape) for seed in some["seed"]] == list(
        zip(some["cause"], some["shape"], strict=True)
    )


def test_what_ships_tries_fixes_against_causes_that_do_harm():
    spec = load(CASE).incident
    assert spec is not None
    rows = load_study(CASE).fixes
    harmful = {name for name, cause in spec.causes.items() if not cause.harmless}
    assert set(rows["cause"]) <= harmful and set(rows["fix"]) <= set(spec.fixes)
    assert len(rows) == rows["cause"].nunique() * rows["fix"].nunique()
    # What puts a cause right where it entered takes all of its harm away.
    for cause, fix in {"blurred_camera": "technician", "lost_step": "mend_client", "swapped_colours": "roll_back"}.items():
        [took] = rows.query(f"cause == '{cause}' and fix == '{fix}'")["took_away"]
        assert took == pytest.approx(1.0, abs=0.02)
    assert (rows.query("fix == 'nothing'")["took_away"].abs() < 1e-9).all()


def test_a_diagnosis_beats_a_list_and_a_list_beats_a_guess():
    """A fixed list, read as well as its signs allow, is right in six of ten at most; one that adapts names more causes."""
    rows = load_study(CASE).players
    share = {player: share_interval(int(plays.sum()), len(plays)) for player, plays in rows.groupby("player")["right"]}
    others = [share[player] for player in share if player != "sensible"]
    assert share["sensible"].low > max(other.high for other in others) and share["script"].low <= 0.35
    assert share["checklist"].high <= 0.6 and share["guess"].high <= 0.15 and share["naive"].high <= 0.15
    total = rows.groupby("player")["total_usd"].mean()
    assert total["everything"] >= 2 * total["sensible"]


@pytest.mark.parametrize("name", RIVALS)
def test_the_sensible_investigator_pays_less_on_equal_incidents(name):
    """In the mean with an interval that excludes zero, in most incidents, and in the mean of every difficulty."""
    more = rivals("usual")[name]
    assert mean_interval(more).low > 0 and (more > 0).mean() > 0.5
    assert all(rivals(level)[name].mean() > 0 for level in ("easy", "hard") if name in rivals(level))


@pytest.mark.parametrize(("harm", "returned"), RANGES.values())
def test_the_order_in_the_mean_holds_over_the_ranges_of_the_prices(harm, returned):
    totals = repriced(harm, returned)
    assert all((totals[name] - totals["sensible"]).dropna().mean() > 0 for name in RIVALS)


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
    for name in IncidentStudy.tables():
        (folder / f"{name}.csv").write_bytes((INCIDENTS / CASE / f"{name}.csv").read_bytes())
    return tmp_path


def test_a_table_that_lacks_a_column_is_told(copied):
    file = copied / CASE / "fixes.csv"
    pd.read_csv(file).drop(columns="took_low").to_csv(file, index=False)
    with pytest.raises(EvidenceError, match=r"fixes\.csv: lacks the column took_low"):
        load_study(CASE, copied)


def test_an_empty_table_and_a_missing_one_are_told(copied):
    (copied / CASE / "quiet.csv").write_text("")
    with pytest.raises(EvidenceError, match=r"quiet\.csv: cannot be read"):
        load_study(CASE, copied)
    (copied / CASE / "quiet.csv").unlink()
    with pytest.raises(EvidenceError, match=r"quiet\.csv: is missing; `make incidents` writes it"):
        load_study(CASE, copied)


def test_incidents_of_the_other_difficulties_are_those_that_seeds_draw_there():
    rows, scenario = pd.read_csv(INCIDENTS / CASE / "levels.csv"), load(CASE)
    assert set(rows["level"]) == {"easy", "hard"}
    for row in rows.head(20).itertuples():
        secret = draw(scenario, row.seed, level=row.level)
        assert (secret.cause, secret.shape) == (row.cause, row.shape)


def test_a_harder_difficulty_has_fewer_right_answers_and_costs_more():
    levels = pd.read_csv(INCIDENTS / CASE / "levels.csv").query("player == 'sensible'")
    usual = load_study(CASE).players.query("player == 'sensible'").assign(level="usual")
    figures = pd.concat([usual, levels]).groupby("level")[["right", "brier", "total_usd"]].mean().loc[["easy", "usual", "hard"]]
    assert figures["right"].is_monotonic_decreasing
    assert figures["brier"].is_monotonic_increasing and figures["total_usd"].is_monotonic_increasing
