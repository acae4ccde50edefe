"""The standing of a play: shares counted by hand in small tables, and bounds of intervals from their definition."""

from math import inf, isnan, nan

import pandas as pd
import pytest
from scipy.stats import binom

from simulator.incident import reveal_panels
from simulator.incident.incident_score import score
from simulator.incident.reveal_panels import FIGURES, Peers, figures_of, peers_chart, spoken, standing_table, standings
from simulator.incident.study_panel import load_study
from tests.incident.plays import fix, play, untouched, wait

COLUMNS = ["player", "cause", "shape", "seed", "diagnosed_h", "kept", "brier", "usd"]
#: Four plays of each of two investigators, of one cause.
ROWS = [
    ("sensible", "fog_season", "abrupt", 1, 10.0, 0.2, 0.01, 500.0),
    ("sensible", "fog_season", "abrupt", 2, 20.0, 0.4, 0.01, 900.0),
    ("sensible", "fog_season", "gentle", 3, 30.0, 0.6, 0.04, 900.0),
    ("sensible", "fog_season", "gentle", 4, nan, 0.9, 0.81, 2000.0),
    ("guess", "fog_season", "abrupt", 1, nan, 1.0, 0.01, 100.0),
    ("guess", "fog_season", "abrupt", 2, nan, 1.0, 0.01, 100.0),
    ("guess", "fog_season", "gentle", 3, 5.0, 0.1, 0.87, 100.0),
    ("guess", "fog_season", "gentle", 4, nan, 3.2, 0.01, 100.0),
]
TABLE = pd.DataFrame(ROWS, columns=COLUMNS).assign(
    total_usd=lambda rows: 2 * rows["usd"], detected_h=lambda rows: 10.0 * rows["seed"]
)


def peers(rows=TABLE, of_cause=True):
    return Peers(rows, of_cause)


def counts(own, rows=TABLE):
    return {(one.figure.column, one.player): (one.worse, one.equal, one.plays) for one in standings(peers(rows), own)}


def test_worse_and_equal_plays_are_those_counted_by_hand():
    found = counts({"detected_h": 20.0, "diagnosed_h": 20.0, "kept": 0.6, "brier": 0.01, "usd": 900.0, "total_usd": 1800.0})
    assert found == {
        ("detected_h", "sensible"): (2, 1, 4),
        ("detected_h", "guess"): (2, 1, 4),
        ("diagnosed_h", "sensible"): (2, 1, 4),  # 30 h, and never
        ("diagnosed_h", "guess"): (3, 0, 4),
        ("kept", "sensible"): (1, 1, 4),
        ("kept", "guess"): (3, 0, 4),
        ("brier", "sensible"): (2, 2, 4),
        ("brier", "guess"): (1, 3, 4),
        ("usd", "sensible"): (1, 2, 4),
        ("usd", "guess"): (0, 0, 4),
        ("total_usd", "sensible"): (1, 2, 4),
        ("total_usd", "guess"): (0, 0, 4),
    }


def test_a_play_without_a_right_diagnosis_is_worse_than_none_and_equal_to_those_that_have_none():
    found = counts({"detected_h": nan, "diagnosed_h": nan, "kept": 0.6, "brier": 0.25, "usd": 0.0, "total_usd": 0.0})
    assert found["diagnosed_h", "sensible"] == (0, 1, 4)
    assert found["diagnosed_h", "guess"] == (0, 3, 4)


def test_a_harmless_cause_leaves_no_harm_to_compare():
    own = {"detected_h": 20.0, "diagnosed_h": 20.0, "kept": nan, "brier": 0.01, "usd": 900.0, "total_usd": 1800.0}
    assert "kept" not in {column for column, _ in counts(own)}
    harmless = TABLE.assign(kept=nan)
    assert "kept" not in {column for column, _ in counts(own | {"kept": 0.5}, harmless)}


def test_the_interval_leaves_two_and_a_half_per_cent_on_each_side():
    """By Clopper and Pearson: at the bounds, a count as extreme as the one seen has a chance of 2.5%."""
    own = {"detected_h": 20.0, "diagnosed_h": 20.0, "kept": 0.6, "brier": 0.01, "usd": 900.0, "total_usd": 1800.0}
    [one] = [s for s in standings(peers(), own) if (s.figure.column, s.player) == ("diagnosed_h", "guess")]
    assert one.share.value == 0.75
    assert binom.sf(2, 4, one.share.low) == pytest.approx(0.025)
    assert binom.cdf(3, 4, one.share.high) == pytest.approx(0.025)


def test_plays_with_an_equal_cause_are_compared_unless_they_are_few(monkeypatch):
    other = TABLE.assign(cause="overload")
    both = pd.concat([TABLE, other])
    monkeypatch.setattr(reveal_panels, "FEWEST", 4)
    assert Peers.of(both, "fog_season").of_cause and len(Peers.of(both, "fog_season").rows) == 8
    chosen = Peers.of(pd.concat([TABLE.iloc[1:], other]), "fog_season")
    assert not chosen.of_cause and len(chosen.rows) == 15
    assert not Peers.of(both, "made").of_cause


def test_a_play_without_an_action_leaves_all_the_harm_and_a_harmless_one_none_to_leave():
    result = score(untouched("fog_season", "abrupt"))
    own = figures_of(result, harmless=False)
    assert own["kept"] == 1 and isnan(own["diagnosed_h"]) and own["usd"] == 0
    assert own["brier"] == pytest.approx(result.unknowing)
    assert isnan(figures_of(result, harmless=True)["kept"])


def test_the_shipped_study_compares_with_every_investigator():
    players = load_study("production-drift").players
    result = score(play("blurred_camera", wait(24 * 4), fix("technician"), shape="abrupt"))
    chosen, own = Peers.of(players, "blurred_camera"), figures_of(result, harmless=False)
    found = list(standings(chosen, own))
    assert len(found) == players["player"].nunique() * len(FIGURES)
    for one in found:
        rows = chosen.rows.query("player == @one.player")[one.figure.column]
        rows = rows.dropna() if one.figure.column == "kept" else rows
        mine = inf if isnan(own[one.figure.column]) else own[one.figure.column]
        assert one.worse == sum(value > mine for value in rows.fillna(inf)) and one.plays == len(rows)


def test_the_picture_has_a_point_a_play_and_says_the_shares():
    own = {"detected_h": 20.0, "diagnosed_h": 20.0, "kept": 0.6, "brier": 0.01, "usd": 900.0, "total_usd": 1800.0}
    found = list(standings(peers(), own))
    chart = peers_chart(peers(), own, found)
    assert [len(trace.x) for trace in chart.figure.data] == [4, 4]
    assert max(chart.figure.data[1].x) == 150 and len(chart.table) == 8  # 320% is drawn at the end of the axis
    assert chart.table["harm that was left"].max() == 3.2
    assert chart.takeaway == (
        "You left 60% of the harm. Of 4 plays with this cause, 25% (1 to 81) of the sensible investigator’s and 75% (19 to 99) "
        "of the guessing investigator’s left more harm."
    )
    table = standing_table(own, found)
    assert table.loc["Time to the right diagnosis", "you"] == "20.0 h"
    assert table.loc["Time to the right diagnosis", "guessing did worse"] == "75% (19 to 99) of 4"


def test_without_harm_the_picture_shows_the_brier_score_and_with_few_plays_says_so():
    own = {"detected_h": nan, "diagnosed_h": nan, "kept": nan, "brier": 0.25, "usd": 0.0, "total_usd": 0.0}
    chart = peers_chart(peers(of_cause=False), own, list(standings(peers(), own)))
    assert chart.takeaway.startswith("Your Brier score is 0.25. Of 4 plays of any cause (too few have yours), ")
    assert [spoken(one, own[one.column]) for one in FIGURES] == ["never", "never", "none to leave", "0.25", "0 USD", "0 USD"]


def test_a_cause_that_was_studied_as_harmless_is_compared_by_the_brier_score():
    """An author may edit a case after its study: then no studied play has harm to compare with."""
    harmless = peers(TABLE.assign(kept=nan))
    own = {"detected_h": 20.0, "diagnosed_h": 20.0, "kept": 0.5, "brier": 0.01, "usd": 900.0, "total_usd": 1800.0}
    assert peers_chart(harmless, own, list(standings(harmless, own))).takeaway.startswith("Your Brier score is 0.01.")
