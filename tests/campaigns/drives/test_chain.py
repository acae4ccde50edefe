"""Curves, chain, joint misses and the held-out check, on drives whose truth is known."""

import numpy as np
import pytest
from scipy.special import ndtr

from campaigns.drives import curves, forms, heldout, heldout_curves, joint, persistence
from campaigns.drives.chain import observe, thresholds
from campaigns.drives.monotone import Curve
from campaigns.drives.sensors import SENSORS
from tests.campaigns.drives.worlds import CAMERA, CORRELATION, LIDAR, SHARES, recall, threshold, world


@pytest.fixture
def two_sensors(monkeypatch):
    """Only the sensors that the world has, and cars alone."""
    kept = {name: SENSORS[name] for name in (CAMERA, LIDAR)}
    for module in (curves, persistence, heldout):
        monkeypatch.setattr(module, "SENSORS", kept)
    return kept


def test_each_object_counts_once():
    weights = curves.once_each(np.array([0, 0, 0, 2]), 4)
    assert weights[[0, 2]] == pytest.approx([2 / 3, 2.0])
    assert 3 * weights[0] == weights[2]


def test_a_curve_and_its_interval_are_near_the_truth():
    made = world()
    one = curves.series(made.seen, made.resamples, CAMERA, "car")
    rows = curves._rows(one, curves.HEIGHT, made.resamples, objects=False)
    # half of the clear cars are visible, half partly hidden, by 0.4 of a standard deviation
    truth = (recall(rows["x"]) + ndtr(threshold(rows["x"]) - 0.4)) / 2
    assert rows["recall"].to_numpy() == pytest.approx(truth, abs=0.08)
    assert ((rows["recall_low"] - 0.01 <= truth) & (truth <= rows["recall_high"] + 0.01)).mean() > 0.8
    assert rows["recall"].is_monotonic_increasing
    assert rows.columns[-1] == "d39"


def test_a_degree_of_occlusion_without_a_curve_takes_the_nearest_lesser_one():
    known = {0: Curve(np.array([10.0, 100.0]), np.array([0.0, 0.0])), 1: Curve(np.array([10.0, 100.0]), np.array([-1.0, -1.0]))}
    assert thresholds(known, np.full(3, 50.0), np.array([0, 2, 1])).tolist() == [0.0, -1.0, -1.0]


def test_the_chain_finds_the_curves_and_shares_of_the_world_again():
    made = world()
    source = persistence.fitter_of(made.seen, made.resamples, CAMERA, "car")
    chain = source.fit(np.ones(len(made.resamples.tracks)))
    drawn = [source.fit(weights).shares for weights in made.resamples.weights[:20]]
    for name in ("object", "slow", "white"):
        spread = np.std([getattr(shares, name) for shares in drawn])
        assert abs(getattr(chain.shares, name) - getattr(SHARES, name)) < 2.5 * spread, name
        assert spread < 0.2, name
    height = np.array([16.0, 24.0, 36.0])
    for hidden in range(3):
        found = chain.thresholds(height, np.full(3, hidden))
        assert found == pytest.approx(threshold(height) - 0.4 * hidden, abs=0.35)


def test_truncated_rows_and_other_classes_are_not_observed():
    made = world(3, 4)
    seen = made.seen.copy()
    seen.loc[0, "truncation"], seen.loc[1, "label"] = 1, "Tram"
    found = observe(seen, made.resamples, CAMERA, "car", None)
    assert set(seen.index) - set(found.rows.index) == {0, 1}


def test_held_out_tracks_lie_as_often_in_the_interval_as_it_promises_and_independent_frames_promise_too_much(monkeypatch):
    monkeypatch.setattr(heldout, "SENSORS", {CAMERA: SENSORS[CAMERA]})
    monkeypatch.setattr(heldout, "DRAWS", 20)
    monkeypatch.setattr(heldout, "COPIES", 200)
    made = world()
    rows = heldout.table(made.drives, made.seen).set_index(["seen_by", "misses"]).loc[CAMERA]
    chain, alone = rows.loc["chain"], rows.loc["independent"]
    assert chain["even_80"] == pytest.approx(0.8, abs=0.08)
    assert chain["even_95"] == pytest.approx(0.95, abs=0.05)
    assert chain["bias_low"] <= 0 <= chain["bias_high"]
    assert alone["even_80"] < chain["even_80"] - 0.1
    assert chain["crps_m"] < alone["crps_m"]
    assert rows["tracks"].nunique() == 1


def test_one_curve_for_all_that_is_clear_is_judged_by_the_same_tracks(monkeypatch):
    monkeypatch.setattr(heldout_curves, "SENSORS", {CAMERA: SENSORS[CAMERA]})
    monkeypatch.setattr(heldout, "DRAWS", 10)
    monkeypatch.setattr(heldout, "COPIES", 100)
    made = world()
    rows = heldout_curves.table(made.drives, made.seen).set_index(["each", "misses"])
    assert rows.index.tolist() == [(each, misses) for each in ("frames", "objects") for misses in ("chain", "independent")]
    assert rows["real_median_m"].nunique() == 1
    # all tracks of this world are about as long, so that it matters little what counts once
    assert rows.loc[("objects", "chain"), "even_80"] == pytest.approx(rows.loc[("frames", "chain"), "even_80"], abs=0.05)
    for each in ("frames", "objects"):
        assert rows.loc[(each, "chain"), "even_80"] == pytest.approx(0.8, abs=0.12)
        assert rows.loc[(each, "independent"), "even_80"] < rows.loc[(each, "chain"), "even_80"] - 0.1


def test_where_every_distance_is_a_tie_the_even_coverage_is_what_was_promised():
    made = heldout.Forecast(np.zeros(4), np.zeros((4, 10)), np.arange(4))
    assert heldout.evenly_covered(made, 0.8) == pytest.approx(np.full(4, 0.8))
    assert heldout.covered(made, 0.8).all()


def test_even_coverage_splits_a_tie_at_the_bound():
    # 10 copies: one at 0, nine at 5; the real 5 takes ranks 0.1 to 1, of which 0.1 to 0.9 lie within the middle 80%
    made = heldout.Forecast(np.array([5.0, 0.0, 7.0]), np.tile([0.0, *[5.0] * 9], (3, 1)), np.arange(3))
    assert heldout.evenly_covered(made, 0.8) == pytest.approx([0.8 / 0.9, 0.0, 0.0])


def test_the_score_of_a_forecast_is_its_mean_distance_less_half_its_own():
    made = heldout.Forecast(np.array([2.0]), np.array([[1.0, 4.0]]), np.arange(1))
    # mean |x - 2| = 1.5; mean |x - x'| over the four pairs = 1.5, half of it 0.75
    assert heldout.crps(made) == pytest.approx([0.75])


def test_only_tracks_that_come_nearer_count():
    made = world(3, 10)
    watched = observe(made.seen, made.resamples, CAMERA, "car", None)
    kept = heldout.approaching(watched, made.seen, made.resamples)
    for place, rows in kept.rows.groupby(kept.track):
        assert len(rows) >= heldout.NEARER_FRAMES, place
        assert rows["z_m"].iloc[0] - rows["z_m"].iloc[-1] >= heldout.NEARER_M
    assert 0 < len(np.unique(kept.track)) < len(np.unique(watched.track))


def test_the_correlation_between_sensors_is_found_again(two_sensors, monkeypatch):
    made = world()
    monkeypatch.setattr(joint, "PAIRS", ((CAMERA, "car"),))
    monkeypatch.setattr(joint, "RESAMPLES", 30)
    rows = joint.table(made.seen, made.resamples)
    every = rows.iloc[0]
    assert every["correlation_low"] < CORRELATION < every["correlation_high"]
    assert every["correlation"] == pytest.approx(CORRELATION, abs=0.12)
    assert every["either"] < every["independent_either"]
    inside = rows[["camera_share", "lidar_share"]].max(axis=1)
    assert (rows["either"] >= inside - 1e-4).all()
    assert rows["either"].to_numpy() == pytest.approx(rows["camera_share"] + rows["lidar_share"] - rows["both"], abs=2e-4)


def test_the_form_that_is_used_says_more_than_one_that_ignores_the_size():
    made = world()
    one = curves.series(made.seen, made.resamples, CAMERA, "car")
    told = {name: forms.held_out(one, curves.HEIGHT, form) for name, form in forms.FORMS.items()}
    share = one.hit.mean()
    constant = share * np.log(share) + (1 - share) * np.log(1 - share)
    assert all(value > constant + 0.05 for value in told.values())
    # the truth is a probit in log height, mixed: no form may be far off the best
    assert told["monotone_probit"] == pytest.approx(max(told.values()), abs=0.01)


def test_the_draws_of_persistence_come_after_the_estimate(two_sensors, monkeypatch):
    made = world(6, 12)
    monkeypatch.setattr(persistence, "DRAWS", 3)
    rows = persistence.table(made.seen, made.resamples).query("seen_by == @CAMERA")
    assert rows["draw"].tolist() == [-1, 0, 1, 2]
    assert rows[["object_share", "slow_share", "white_share"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(4), abs=2e-4)
