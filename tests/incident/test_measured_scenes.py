"""The stock of scenes: against the rows of the tables that were measured, looked up one by one."""

import numpy as np
import pandas as pd
import pytest

from simulator.evidence.detection_tables import BINS, FP32, IMAGE_STATISTICS
from simulator.evidence.scene_tables import NUMBERS
from simulator.incident.measured_scenes import MeasuredScenes, read_scenes
from simulator.paths import DETECTIONS, FEATURES, SCENES

KEY = ["detector", "precision", "condition", "severity"]
NANO = "nanodet_m", FP32
BINS_FOUND = [f"found_{round(100 * low):02d}" for low in BINS]
BINS_FALSE = [f"false_{round(100 * low):02d}" for low in BINS]


def read(name: str, first=DETECTIONS, columns=None) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(folder / f"{name}.parquet", columns=columns) for folder in (first, SCENES)])


@pytest.fixture(scope="module")
def there() -> MeasuredScenes:
    return read_scenes()


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return read("answers")


@pytest.fixture(scope="module")
def outcomes() -> pd.DataFrame:
    """With what score each box was found, with its scene, category and area."""
    first = pd.read_parquet(DETECTIONS / "boxes.parquet", columns=["box", "image", "category", "area_px"])
    second = pd.read_parquet(SCENES / "boxes.parquet", columns=["box", "image", "category", "area_px"])
    theirs = pd.read_parquet(SCENES / "outcomes.parquet")
    rows = pd.concat([
        pd.read_parquet(DETECTIONS / "outcomes.parquet").merge(first, on="box"),
        theirs.merge(pd.concat([first, second]), on=["image", "box"]),
    ], ignore_index=True)  # fmt: skip
    return rows.astype({"image": str, "category": str})


def whole(answers: pd.DataFrame, scenes: int) -> set[tuple[str, str, str, int]]:
    """The networks and settings of which every scene was measured."""
    counts = answers.groupby(KEY, observed=True).size()
    return {(str(d), str(p), str(c), int(s)) for (d, p, c, s), count in counts.items() if count == scenes}


def some(rows: pd.DataFrame, count: int, seed: int) -> list[dict]:
    return rows.iloc[np.random.default_rng(seed).choice(len(rows), count, replace=False)].to_dict("records")


def places(there: MeasuredScenes, row: dict) -> tuple[int, int, int]:
    scene = int(np.flatnonzero(there.scenes["scene"] == row["image"])[0])
    network, setting = (row["detector"], row["precision"]), (row["condition"], row["severity"])
    return there.networks[network], there.settings[setting], scene


def test_cells_are_rows_of_the_tables(there, answers):
    complete = whole(answers, len(there.scenes))
    kinds = set()
    for row in some(answers[[key in complete for key in zip(*(answers[each] for each in KEY), strict=True)]], 300, 1):
        n, s, c = places(there, row)
        kinds.add(there.scenes["kind"].iloc[c])
        assert there.counts[n, s, c] == pytest.approx([row[name] for name in BINS_FOUND])
        assert there.false[n, s, c] == pytest.approx([row[name] for name in BINS_FALSE])
        expected = [row["input_mean"], row["input_std"], row["input_first_less_last"]]
        assert there.inputs[n, s, c] == pytest.approx(expected, rel=1e-5) and there.score[n, s, c] == pytest.approx(
            row["score_mean"]
        )
    assert kinds == {"image", "crop", "mixture"}


def test_images_and_features_are_rows_of_the_tables(there):
    tables = ("images", DETECTIONS, list(IMAGE_STATISTICS), there.images), ("features", FEATURES, NUMBERS, there.features)
    for name, folder, columns, values in tables:
        for row in some(read(name, folder), 200, 2):
            scene = int(np.flatnonzero(there.scenes["scene"] == row["image"])[0])
            found = values[there.settings[row["condition"], row["severity"]], scene]
            assert found == pytest.approx([row[column] for column in columns], rel=1e-5)


def test_boxes_are_found_with_the_scores_of_the_tables(there, outcomes, answers):
    complete = whole(answers, len(there.scenes))
    rows = outcomes[[key in complete for key in zip(*(outcomes[each] for each in KEY), strict=True)]]
    seen = set()
    for row in some(rows, 300, 3):
        n, s, c = places(there, row)
        mine = (there.boxes.scene == c) & (there.boxes.category == row["category"])
        mine &= np.isclose(there.boxes.area_px, row["area_px"])
        seen.add((there.scenes["kind"].iloc[c], row["condition"] in ("occlusion", "unknown")))
        assert np.isclose(there.box_scores[n, s, mine], row["score"], atol=1e-6).any()
    assert {kind for kind, _ in seen} == {"image", "crop", "mixture"} and ("image", True) in seen


@pytest.mark.parametrize("least_area_px", [0.0, 1024.0, 9216.0])
def test_missed_and_there_are_sums_over_boxes(there, outcomes, answers, least_area_px):
    weights, above = {"person": 10.0, "car": 5.0, "cat": 0.5}, 0.4
    missed, present = there.missed(weights, least_area_px, above), there.there(weights, least_area_px)
    complete = [key for key in sorted(whole(answers, len(there.scenes))) if key[1] == FP32]
    rng = np.random.default_rng(4)
    for place in rng.choice(len(complete), 4, replace=False):
        key = complete[place]
        rows = outcomes[np.logical_and.reduce([outcomes[column] == value for column, value in zip(KEY, key, strict=True)])]
        rows = rows[rows["area_px"] >= least_area_px]
        weight = rows["category"].map(lambda name: weights.get(name, 1.0))
        lost = (weight * (rows["score"] < above)).groupby(rows["image"]).sum()
        whole_weight = weight.groupby(rows["image"]).sum()
        n, s = there.networks[key[:2]], there.settings[key[2:]]
        for c, name in enumerate(there.scenes["scene"]):
            assert missed[n, s, c] == pytest.approx(lost.get(name, 0.0), rel=1e-5)
            assert present[c] == pytest.approx(whole_weight.get(name, 0.0), rel=1e-5)


def test_what_is_missed_never_exceeds_what_is_there_and_grows_with_the_threshold(there):
    n, s = there.cell(NANO, ("fog", 5))
    before = np.zeros(len(there.scenes))
    for above in BINS:
        missed = there.missed({"person": 10.0}, 0.0, above)[n, s]
        assert (missed >= before - 1e-6).all() and (missed <= there.there({"person": 10.0}, 0.0) + 1e-5).all()
        before = missed


def test_tails_count_detections_from_each_bin_on(there):
    for counts, tails in zip((there.counts, there.false), there.tails, strict=True):
        n, s = there.cell(NANO, ("night", 3))
        for bin_ in range(len(BINS)):
            assert tails[n, s, :, bin_] == pytest.approx(counts[n, s, :, bin_:].sum(axis=1), abs=1e-4)


@pytest.mark.parametrize("network", [NANO, ("yolox_nano", FP32), ("fastestdet", FP32)])
def test_the_best_bin_and_the_right_share_are_those_of_clean_reference_images(there, answers, network):
    reference = set(there.scenes.loc[there.scenes["reference"], "scene"])
    rows = answers[(answers["detector"] == network[0]) & (answers["precision"] == network[1])]
    rows = rows[(rows["condition"] == "clean") & rows["image"].isin(reference)]
    boxes = read("boxes", columns=["image"])["image"].isin(reference).sum()
    f1, shares = [], []
    for place in range(len(BINS)):
        counted, false = rows[BINS_FOUND[place:]].to_numpy().sum(), rows[BINS_FALSE[place:]].to_numpy().sum()
        precision, recall = (counted - false) / max(counted, 1), (counted - false) / boxes
        f1.append(2 * precision * recall / max(precision + recall, 1e-12))
        shares.append(1 - rows[BINS_FALSE[place]].sum() / max(rows[BINS_FOUND[place]].sum(), 1))
    assert there.best_bin(network) == int(np.argmax(f1))
    assert there.right_share(network) == pytest.approx(shares, abs=1e-5)


def test_a_network_at_8_bits_counts_from_the_bin_it_was_tested_with_at_32(there):
    for (detector, _), place in there.networks.items():
        assert there.tested_bins[place] == there.best_bin((detector, FP32))


def test_severities_not_measured_at_8_bits_are_stood_in_for_by_the_next_lower_one(there, answers):
    complete = whole(answers, len(there.scenes))
    replaced = 0
    for network, n in there.networks.items():
        for (condition, severity), s in there.settings.items():
            levels = [at for at in range(6) if (*network, condition, at) in complete]
            if severity in levels or not levels:
                assert there.measured[n, s] == bool(levels)
                continue
            lower = [at for at in levels if at < severity]
            stand_in = there.settings[condition, max(lower) if lower else min(levels)]
            assert np.array_equal(there.counts[n, s], there.counts[n, stand_in])
            assert np.array_equal(there.box_scores[n, s], there.box_scores[n, stand_in])
            replaced += severity > 0
    assert replaced > 10


def test_what_was_not_measured_at_any_severity_is_refused(there):
    assert not there.measured[there.networks["fastestdet", FP32], there.settings["stale_model", 2]]
    with pytest.raises(KeyError):
        there.cell(("fastestdet", FP32), ("stale_model", 2))
