"""The sensitivity of a queue whose derivative theory knows."""

import numpy as np
import pytest
from scipy import stats

from simulator.sweeps.design_space import axis_of
from simulator.sweeps.sweep import Sweep, swept
from simulator.tradeoffs.sensitivity import sample_of
from tests.sweeps.test_sweep import Here
from tests.tradeoffs.test_capacity import requested
from tests.truths.queue_formulas import mmc_wait

#: Arrivals a second, and seconds of a service by two readers: a load of 0.6, at which the queue is far from a straight line.
RATE, SERVICE = 0.02, 60.0

SEEDS = range(8)


def derivative(of: str) -> float:
    """That of the mean time in an M/M/2 queue, for a relative change of its arrivals or of its service, in s."""

    def mean_s(times: float) -> float:
        rate, service = (RATE * times, SERVICE) if of == "traffic" else (RATE, SERVICE * times)
        return service + mmc_wait(rate, 1 / service, 2)

    return (mean_s(1 + 1e-5) - mean_s(1 - 1e-5)) / 2e-5


@pytest.fixture(scope="module")
def effects():
    """By axis, its mean effect on the mean time in the queue for a step across the axis, one of each seed."""
    made = requested(120.0)
    minutes = "stages.reader.minutes.exponential_mean"
    axes = [axis_of(made.scenario, told) for told in ("traffic=0.97:1.03", f"{minutes}=0.97:1.03")]
    found: dict[str, list[float]] = {"traffic": [], minutes: []}
    for seed in SEEDS:
        sample = sample_of(axes, "morris", 8, seed)
        outcomes = swept(Sweep(requested(120.0, axes=axes), Here().submit, points=sample.points(made.base), seed=seed))
        for one in sample.ranked(outcomes, ["latency_mean_s"])["latency_mean_s"].ranked:
            found[one.axis.name].append(one.elementary.value)
    return {"traffic": np.array(found["traffic"]), "service": np.array(found[minutes])}


@pytest.mark.long
@pytest.mark.parametrize("of", ["traffic", "service"])
def test_the_effect_of_an_axis_is_the_derivative_that_theory_has(effects, of):
    """Over eight independent runs, the 95% interval of the slope holds it; and it is known to within a tenth."""
    slopes = effects[of] / 0.06
    half = stats.t.ppf(0.975, len(slopes) - 1) * slopes.std(ddof=1) / len(slopes) ** 0.5
    assert abs(slopes.mean() - derivative(of)) <= half
    assert half < 0.1 * derivative(of)
