"""The kept tables of curves, chains, joint misses and false answers: what must hold of them whatever the figures are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from campaigns.drives.curves import BY_FRAMES, COMPARED, OPERATING
from campaigns.drives.sensors import CAMERAS, LIDAR, SENSORS
from simulator.paths import DRIVES

DRAWN = [f"d{draw:02d}" for draw in range(40)]
KEY = ["seen_by", "object", "threshold", "by"]


def kept(name: str) -> pd.DataFrame:
    return pd.read_csv(DRIVES / f"{name}.csv")


def test_curves_are_shares_that_never_turn_back_and_lie_in_their_interval() -> None:
    table = kept("curves")
    figures = table[["recall", "recall_low", "recall_high", *DRAWN]]
    assert figures.ge(0).all(axis=None)
    assert figures.le(1).all(axis=None)
    assert (table["recall_low"] <= table["recall"]).all()
    assert (table["recall"] <= table["recall_high"]).all()
    for (_, _, _, by), rows in table.groupby(KEY, dropna=False):
        assert rows["x"].is_monotonic_increasing
        steps = rows[["recall", *DRAWN]].diff().dropna() * (1 if by == "height_px" else -1)
        assert steps.ge(0).all(axis=None)


def test_there_is_a_curve_of_all_that_each_sensor_reports_and_no_other() -> None:
    table = kept("curves")
    found = set(table[["seen_by", "object", "by"]].itertuples(index=False, name=None))
    cameras = {(name, kind, by) for name in CAMERAS for kind in SENSORS[name].labels for by in ("height_px", "distance_m")}
    frames = {(name + BY_FRAMES, "car", "height_px") for name in COMPARED}
    assert found == cameras | frames | {(LIDAR, kind, "distance_m") for kind in SENSORS[LIDAR].labels}
    assert ("kitti.yolox_x", "pedestrian") not in {pair[:2] for pair in found}
    assert set(table.query("seen_by == @LIDAR")["threshold"]) == set(SENSORS[LIDAR].thresholds)
    assert table.query("seen_by != @LIDAR")["threshold"].isna().all()


def test_the_curve_of_yolox_agrees_with_the_shares_that_were_published_by_height() -> None:
    curve = kept("curves").query("seen_by == 'kitti.yolox_x.frames'")
    asked = [32, 55, 110, 185]
    found = np.interp(np.log(asked), np.log(curve["x"]), curve["recall"])
    assert found == pytest.approx([0.533, 0.816, 0.947, 0.975], abs=0.04)
    assert found[2] == pytest.approx(0.947, abs=0.01)


def test_the_curve_of_lidar_agrees_with_the_shares_that_were_published_by_distance() -> None:
    curves = kept("curves").query("seen_by == @LIDAR")
    # In the middle of bands in which the curve is not steep; published shares count frames, the curve counts objects.
    for kind, asked, shares in (("pedestrian", [7, 15], [0.900, 0.852]), ("car", [7, 15, 25], [1.000, 0.999, 0.969])):
        rows = curves[curves["object"].eq(kind) & curves["threshold"].eq(OPERATING[kind])]
        assert np.interp(np.log(asked), np.log(rows["x"]), rows["recall"]) == pytest.approx(shares, abs=0.1)


def test_a_stricter_score_finds_less() -> None:
    for _, rows in kept("curves").query("seen_by == @LIDAR").groupby("object"):
        at = {
            score: np.interp(np.log([10, 20, 30]), np.log(part["x"]), part["recall"])
            for score, part in rows.groupby("threshold")
        }
        assert (np.diff([at[score] for score in sorted(at)], axis=0) <= 0.005).all()  # curves are fitted one by one


def test_persistence_has_the_estimate_and_forty_draws_whose_shares_sum_to_one() -> None:
    table = kept("persistence")
    for (name, kind), rows in table.groupby(["seen_by", "object"]):
        assert kind in SENSORS[name].labels
        assert rows["draw"].tolist() == list(range(-1, 40))
    shares = table[["object_share", "slow_share", "white_share"]]
    assert shares.ge(0).all(axis=None)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)), abs=3e-4)
    assert table["tau_s"].between(0.1, 6.0).all()
    assert len(table.groupby(["seen_by", "object"])) == sum(len(sensor.labels) for sensor in SENSORS.values())


def test_misses_follow_misses() -> None:
    table = kept("follows").query("kind == 'next' and by == 'all'")
    assert len(table) == sum(len(sensor.labels) for sensor in SENSORS.values())
    assert (table["after_miss_high"] < table["share"]).all()
    assert (table["after_hit_low"] > table["share"]).all()


@pytest.mark.parametrize("name", ["share", "after_hit", "after_miss", "correlation", "observed"])
def test_what_follows_lies_in_its_interval(name: str) -> None:
    table = kept("follows").dropna(subset=name)
    assert len(table) > 20
    assert (table[f"{name}_low"] <= table[name]).all()
    assert (table[name] <= table[f"{name}_high"]).all()
    assert table[name].between(-1 if name == "correlation" else 0, 1).all()


def test_frames_on_end_resemble_each_other_more_than_frames_two_seconds_apart() -> None:
    lags = kept("follows").query("kind == 'lag'").pivot(index="lag_s", columns=["seen_by", "object"], values="correlation")
    assert (lags.loc[0.1] > lags.loc[2.0]).all()
    assert (lags.loc[0.1] > 0.5).all()


def test_independent_frames_promise_that_nobody_is_never_found_and_the_chain_does_not() -> None:
    rows = kept("follows").query("kind == 'never' and seen_by == 'kitti.yolox_x' and low == 25").iloc[0]
    assert rows["independent"] < rows["observed_low"]
    assert rows["observed_low"] <= rows["chain"] <= rows["observed_high"]


def test_either_sensor_is_what_counting_both_says_and_less_than_independence_promises() -> None:
    table = kept("joint")
    assert table["either"].to_numpy() == pytest.approx(table["camera_share"] + table["lidar_share"] - table["both"], abs=2e-4)
    promised = 1 - (1 - table["camera_share"]) * (1 - table["lidar_share"])
    assert table["independent_either"].to_numpy() == pytest.approx(promised, abs=2e-4)
    told = table.dropna(subset="correlation")
    assert (told["correlation_low"] <= told["correlation"]).all()
    assert (told["correlation"] <= told["correlation_high"]).all()
    every = table[np.isinf(table["high_m"]) & table["low_m"].eq(0)]
    assert len(every) == 5
    assert (every["either_high"] < every["independent_either"]).all()
    assert (every["correlation_low"] > 0).all()


def test_false_answers_get_rarer_with_the_score_and_with_the_frames_they_must_last() -> None:
    table = kept("false")
    assert (table["per_hour_low"] <= table["per_hour"]).all()
    assert (table["per_hour"] <= table["per_hour_high"]).all()
    assert (table["per_hour"] * table["hours"]).to_numpy() == pytest.approx(table["count"], rel=1e-3)
    none = table[table["count"].eq(0)]
    assert (none["per_hour_high"] * none["hours"]).to_numpy() == pytest.approx(np.full(len(none), 3.0), rel=1e-3)
    for _, rows in table.groupby(["seen_by", "object", "where", "threshold"], dropna=False):
        assert rows.sort_values("kept_frames")["count"].is_monotonic_decreasing
    for _, rows in table.query("seen_by == @LIDAR").groupby(["object", "where"]):
        assert rows.drop_duplicates("threshold").sort_values("threshold")["boxes_per_frame"].is_monotonic_decreasing
    places = table.pivot(index=[*KEY[:3], "kept_frames"], columns="where", values="boxes_per_frame")
    assert (places["corridor"] <= places["image"]).all()


def test_the_chain_holds_what_it_promises_on_drives_left_out_better_than_independent_frames() -> None:
    table = kept("heldout").set_index(["misses", "seen_by"])
    chain, alone = table.loc["chain"], table.loc["independent"]
    assert set(chain.index) == set(SENSORS)
    assert (chain["even_80"] - 0.8).abs().mean() < (alone["even_80"] - 0.8).abs().mean()
    assert ((chain["even_95_low"] <= 0.95) & (chain["even_95_high"] >= 0.95)).sum() >= 4
    assert (chain["real_median_m"] == alone["real_median_m"]).all()
    quantiles = table[[f"predicted_q{q}" for q in (10, 25, 50, 75, 90)]].diff(axis=1).iloc[:, 1:]
    assert quantiles.ge(0).all(axis=None)


def test_a_curve_in_which_each_object_counts_foretells_encounters_better_than_one_of_frames() -> None:
    scores = kept("heldout_curves").query("misses == 'chain'").pivot(index="seen_by", columns="each", values="crps_m")
    assert set(scores.index) == set(SENSORS)
    assert (scores["objects"] < scores["frames"]).all()


def test_the_form_of_the_curves_says_most_about_drives_left_out_all_in_all() -> None:
    table = kept("forms")
    told = table[["monotone_probit", "isotonic", "logistic"]].mul(table["frames"], axis=0).sum()
    assert told.idxmax() == "monotone_probit"


def test_a_curve_of_objects_is_nearer_to_drives_left_out_one_by_one() -> None:
    table = kept("heldout_drives").query("misses == 'chain'").set_index(["each", "seen_by"])
    frames, objects = table.loc["frames"], table.loc["objects"]
    assert (objects["bias_m"] < frames["bias_m"]).all()
    assert (objects["crps_m"] < frames["crps_m"]).all()
    assert ((objects["even_80_low"] <= 0.8) & (objects["even_80_high"] >= 0.8)).all()
    alone = kept("heldout_drives").query("misses == 'independent'")
    assert (alone["even_80_high"] < 0.8).all()
