"""The fit finds a law that was planted."""

import numpy as np
import pandas as pd
import pytest

from campaigns.projection.form import Design, design_of, evaluate, fit
from simulator.evidence.projection_accuracy import OFFLINE


def planted(start_s=4e-4, efficiency=0.5):
    """Points of a device that follows t(b) = t0 + b / rate exactly, with networks of one kind and hardly any memory traffic."""
    rows = [
        {"device": "nvidia-a100-sxm-80gb", "precision": "int8", "protocol": "mlperf", "model": f"net{size}", "batch": batch,
         "family": "net", "backbone": "net", "architecture": f"net{size}", "gmac": size, "mact": 1e-6 * size,
         "seconds": (start_s if batch else 0) + max(batch, 1) * 2e9 * size / (efficiency * 624e12)}
        for size in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
        for batch in (1, 8, OFFLINE)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_planted_law_is_found_and_predicts_a_network_it_has_not_seen():
    points = planted()
    hidden = (points["model"] == "net4.0").to_numpy()
    design = design_of(points)
    found, spread = fit(design.take(~hidden), points.loc[~hidden, "seconds"].to_numpy()).predict(design.take(hidden))
    assert np.exp(found) == pytest.approx(points.loc[hidden, "seconds"].to_numpy(), rel=0.05)
    assert (spread > 0).all()


def test_the_derivatives_are_those_of_small_steps():
    points = planted()
    design = design_of(points)
    factors = np.random.default_rng(0).normal(0, 0.3, 3 + design.rate.shape[1] + design.start.shape[1])
    factors[2] -= 8
    _, slope = evaluate(factors, design)
    for index in range(len(factors)):
        step = np.zeros(len(factors))
        step[index] = 1e-6
        numeric = (evaluate(factors + step, design)[0] - evaluate(factors - step, design)[0]) / 2e-6
        assert slope[:, index] == pytest.approx(numeric, abs=1e-6)


def test_offline_has_no_start_and_a_batch_has_one():
    nothing = np.zeros((2, 0))
    design = Design(np.log([1e-3, 1e-3]), np.full(2, -np.inf), nothing, nothing, np.array([OFFLINE, 8.0]))
    value, _ = evaluate(np.array([0.0, 0.0, np.log(2e-3)]), design)
    assert np.exp(value) == pytest.approx([1e-3, 2e-3 + 8e-3])
