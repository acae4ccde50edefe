"""The slow part of a sensor's noise against scipy's recursive filter."""

import numpy as np
import pytest
from scipy.signal import lfilter

from simulator.vehicle.encounter_draws import STEP_S, STEPS, slowly


@pytest.mark.parametrize("tau_s", [0, 0.3, 2])
def test_slow_noise_is_that_of_a_recursive_filter(tau_s):
    normal = np.random.default_rng(1).standard_normal((50, STEPS))
    remains = np.exp(-STEP_S / max(tau_s, 1e-6))
    fresh = normal * np.sqrt(1 - remains**2)
    fresh[:, 0] = normal[:, 0]
    assert slowly(normal, tau_s) == pytest.approx(lfilter([1], [1, -remains], fresh, axis=1))
