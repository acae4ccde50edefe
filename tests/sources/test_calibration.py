"""Temperature scaling finds the temperature that was put in, inside folds, and the error falls."""

import numpy as np
import pytest

from simulator.metrics.roc import auc, log_loss
from simulator.sources.calibration import calibrate, scale, scaled_in_folds, temperature
from tests.builders import binormal, score_frame

LABELS, CALIBRATED = binormal(0, 2000, 2000)
SURE = scale(CALIBRATED, 1 / 2.5)  # logits two and a half times too large


def test_the_temperature_that_was_put_in_is_found():
    assert temperature(LABELS, SURE) == pytest.approx(2.5 * temperature(LABELS, CALIBRATED), rel=1e-3)
    assert temperature(LABELS, CALIBRATED) == pytest.approx(1, abs=0.1)


def test_no_other_temperature_has_less_loss():
    least = log_loss(LABELS, scale(SURE, temperature(LABELS, SURE)))
    assert all(log_loss(LABELS, scale(SURE, other)) >= least - 1e-9 for other in np.geomspace(0.1, 10, 50))


def test_scaling_keeps_the_order_and_goes_there_and_back():
    assert auc(LABELS, SURE) == auc(LABELS, CALIBRATED)
    assert scale(scale(CALIBRATED, 3), 1 / 3) == pytest.approx(CALIBRATED, abs=1e-5)
    assert np.isfinite(scale([0, 1], 2)).all()


def test_a_fold_is_scaled_by_what_the_others_say():
    folds = np.arange(len(LABELS)) % 2
    rows = score_frame(LABELS, np.where(folds == 0, SURE, CALIBRATED), fold=folds)
    _, (first, second) = scaled_in_folds(rows)
    assert first == pytest.approx(1, abs=0.1)
    assert second == pytest.approx(2.5, abs=0.25)


def test_the_error_falls_to_what_chance_alone_gives():
    found = calibrate(score_frame(LABELS[:1000], SURE[:1000]))
    assert found.before.low > 2 * found.floor
    assert found.after.low <= found.floor * 1.5
    assert found.change.high < 0
    assert found.before.low <= found.before.value <= found.before.high
    assert len(found.temperatures) == 5


def test_a_reliability_row_counts_its_bin():
    rows = calibrate(score_frame(LABELS[:1000], SURE[:1000])).rows
    assert rows.groupby("when")["n"].sum().tolist() == [1000, 1000]
    assert ((rows["low"] <= rows["share positive"]) & (rows["share positive"] <= rows["high"])).all()
    before = rows[rows["when"] == "before"]
    assert (before["share positive"] * before["n"]).sum() == pytest.approx(LABELS[:1000].sum())
