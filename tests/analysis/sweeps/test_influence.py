"""Influences of functions whose indices are known."""

from math import pi

import numpy as np
import pytest

from simulator.analysis.sweeps.influence import sample_of
from simulator.analysis.sweeps.space import Axis
from simulator.errors import InputError

AXES = [Axis(name, name, (0.0, 1.0), (0.0, 1.0)) for name in "abc"]


def ishigami(parts: np.ndarray) -> np.ndarray:
    """Ishigami and Homma (1990), a = 7, b = 0.1."""
    x = pi * (2 * parts - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def ishigami_indices() -> dict[str, tuple[float, float]]:
    """First and total indices, worked out by hand from the variance of its parts."""
    first = {"a": 0.5 * (1 + 0.1 * pi**4 / 5) ** 2, "b": 49 / 8, "c": 0.0}
    both = 0.1**2 * pi**8 * (1 / 18 - 1 / 50)
    whole = sum(first.values()) + both
    totals = {"a": first["a"] + both, "b": first["b"], "c": both}
    return {name: (first[name] / whole, totals[name] / whole) for name in "abc"}


def sobols_g(parts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.prod((np.abs(4 * parts - 2) + weights) / (1 + weights), axis=1)


def test_sobol_indices_of_the_function_of_ishigami_lie_within_their_intervals():
    sample = sample_of(AXES, "sobol", 2048, seed=1)
    for one in sample.influences(ishigami(sample.parts)):
        first, total = ishigami_indices()[one.axis.name]
        assert abs(one.first - first) <= 1.5 * one.first_half + 1e-3
        assert abs(one.total - total) <= 1.5 * one.total_half + 1e-3


def test_sobol_indices_of_sobols_g_lie_within_their_intervals():
    weights = np.array([0.0, 1.0, 9.0])
    variances = 1 / (3 * (1 + weights) ** 2)
    whole = np.prod(1 + variances) - 1
    sample = sample_of(AXES, "sobol", 2048, seed=2)
    for one in sample.influences(sobols_g(sample.parts, weights)):
        place = "abc".index(one.axis.name)
        others = np.delete(variances, place)
        assert abs(one.first - variances[place] / whole) <= 1.5 * one.first_half + 1e-3
        assert abs(one.total - variances[place] * np.prod(1 + others) / whole) <= 1.5 * one.total_half + 1e-3


def test_their_intervals_hold_the_truth_as_often_as_they_promise():
    """Fifty analyses of each of three indices; each interval holds its truth in 95%, if its bootstrap is right."""
    truth, held = ishigami_indices(), []
    for seed in range(50):
        sample = sample_of(AXES, "sobol", 256, seed=seed)
        found = sample.influences(ishigami(sample.parts))
        held += [abs(one.total - truth[one.axis.name][1]) <= one.total_half for one in found if truth[one.axis.name][1]]
    assert np.mean(held) >= 0.90


def test_the_effects_of_a_straight_line_are_its_slopes_and_do_not_spread():
    sample = sample_of(AXES, "morris", 10, seed=1)
    found = sample.influences(sample.parts @ np.array([3.0, -5.0, 0.0]))
    assert [one.axis.name for one in found] == ["b", "a", "c"]
    assert [one.elementary for one in found] == pytest.approx([5.0, 3.0, 0.0], abs=1e-9)
    assert [one.spread for one in found] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_an_index_from_few_points_is_said_to_be_too_wide_and_one_from_many_not():
    few, many = (sample_of(AXES, "sobol", count, seed=3) for count in (16, 4096))
    assert any(one.too_wide for one in few.influences(ishigami(few.parts)))
    assert not any(one.too_wide for one in many.influences(ishigami(many.parts)))


def test_a_metric_that_never_moves_has_no_influences():
    sample = sample_of(AXES, "sobol", 8, seed=1)
    assert [one.total for one in sample.influences(np.full(len(sample.parts), 3.0))] == [0.0, 0.0, 0.0]


def test_a_metric_without_a_figure_somewhere_is_refused_with_the_count():
    sample = sample_of(AXES, "morris", 4, seed=1)
    values = np.ones(len(sample.parts))
    values[:3] = np.nan
    with pytest.raises(InputError, match="has no figure at 3 of 16 points"):
        sample.influences(values)


@pytest.mark.parametrize("count", [3, 12, 100])
def test_sobols_sequence_takes_a_power_of_two(count):
    with pytest.raises(InputError, match="take a power of two, 4 or more, such as 64"):
        sample_of(AXES, "sobol", count, seed=1)
