"""The curves that are shipped are those of the fit, and a curve is what the fit itself predicts."""

import numpy as np
import pandas as pd
import pytest

from campaigns.projection.curves import fit_curves, write_curves
from campaigns.projection.form import all_points, design_of, fit
from simulator.evidence.projection import CURVES, LatencyCurve, curve_of, networks
from simulator.evidence.projection_accuracy import OFFLINE
from simulator.paths import CATALOGUE

BATCHES = [OFFLINE, 1, 3, 8, 64]


@pytest.mark.parametrize(
    ("model", "precision", "device"),
    [("efficientnet_lite2@260", "int8", "jetson-agx-xavier"), ("resnet50@224", "fp16", "nvidia-t4")],
)
def test_a_shipped_curve_is_what_a_fit_with_the_question_among_its_points_predicts(model, precision, device):
    points = all_points()
    row = networks().loc[[model]].drop(columns="source").reset_index()
    row = row.assign(device=device, precision=precision, protocol="mlperf")
    both = pd.concat([points, row.loc[np.zeros(len(BATCHES), int)].assign(batch=BATCHES)], ignore_index=True)
    known, design = np.arange(len(both)) < len(points), design_of(both)
    value, spread = fit(design.take(known), points["seconds"].to_numpy()).predict(design.take(~known))
    found = curve_of(model, precision, device).at(BATCHES)
    assert found[0] == pytest.approx(value, abs=1e-7)
    assert found[1] == pytest.approx(spread, rel=1e-7)


@pytest.mark.long
def test_the_shipped_file_is_what_the_fit_gives(tmp_path):
    write_curves(fit_curves(), tmp_path / "projected.csv")
    made, shipped = (pd.read_csv(folder / "projected.csv").set_index(list(CURVES.key)) for folder in (tmp_path, CATALOGUE))
    assert made.index.tolist() == shipped.index.tolist()
    for name in CURVES.names[len(CURVES.key) :]:
        assert made[name].to_numpy() == pytest.approx(shipped[name].to_numpy(), rel=1e-6, abs=1e-9)


def test_the_spread_of_a_sum_is_that_of_its_parts():
    rng = np.random.default_rng(0)
    logs = rng.multivariate_normal([0, 0], [[0.01, 0.002], [0.002, 0.02]], 200_000)
    sums = np.log(np.exp(logs[:, 0]) * 2 * 0.5 + np.exp(logs[:, 1]) * 3.0)
    value, spread = LatencyCurve(0.5, 3.0, 0.01, 0.02, 0.002).at(2)
    assert np.exp(value) == pytest.approx(4.0)
    assert spread == pytest.approx(sums.std(), rel=0.02)  # to first order
    assert np.exp(LatencyCurve(0.5, 3.0, 0.01, 0.02, 0.002).at(OFFLINE)[0]) == pytest.approx(0.5)
