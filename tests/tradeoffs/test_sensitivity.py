"""Influences of functions whose indices are known."""

import sys
from math import pi

import numpy as np
import pytest

from simulator.cli.exits import UsageError
from simulator.errors import InputError
from simulator.tradeoffs.design_space import Axis
from simulator.tradeoffs.sensitivity import sample_of

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
    for one in sample.ranking(ishigami(sample.parts)).ranked:
        first, total = ishigami_indices()[one.axis.name]
        assert abs(one.first - first) <= 1.5 * one.first_half + 1e-3
        assert abs(one.total - total) <= 1.5 * one.total_half + 1e-3


def test_sobol_indices_of_sobols_g_lie_within_their_intervals():
    weights = np.array([0.0, 1.0, 9.0])
    variances = 1 / (3 * (1 + weights) ** 2)
    whole = np.prod(1 + variances) - 1
    sample = sample_of(AXES, "sobol", 2048, seed=2)
    for one in sample.ranking(sobols_g(sample.parts, weights)).ranked:
        place = "abc".index(one.axis.name)
        others = np.delete(variances, place)
        assert abs(one.first - variances[place] / whole) <= 1.5 * one.first_half + 1e-3
        assert abs(one.total - variances[place] * np.prod(1 + others) / whole) <= 1.5 * one.total_half + 1e-3


def test_their_intervals_hold_the_truth_as_often_as_they_promise():
    """Fifty analyses of each of three indices; each interval holds its truth in 95%, if its bootstrap is right."""
    truth, held = ishigami_indices(), []
    for seed in range(50):
        sample = sample_of(AXES, "sobol", 256, seed=seed)
        found = sample.ranking(ishigami(sample.parts)).ranked
        held += [abs(one.total - truth[one.axis.name][1]) <= one.total_half for one in found if truth[one.axis.name][1]]
    assert np.mean(held) >= 0.90


def test_the_intervals_of_first_indices_hold_the_truth_as_often_as_they_promise():
    truth, held = ishigami_indices(), []
    for seed in range(50):
        sample = sample_of(AXES, "sobol", 256, seed=seed)
        found = sample.ranking(ishigami(sample.parts)).ranked
        held += [abs(one.first - truth[one.axis.name][0]) <= one.first_half for one in found]
    assert np.mean(held) >= 0.93


def test_the_intervals_of_mean_effects_hold_the_truth_and_a_false_leader_is_rare():
    """Of a product the mean effects over the four levels are worked out by hand; 120 analyses of sixteen trajectories."""
    held, misled = [], 0
    for seed in range(120):
        sample = sample_of(AXES, "morris", 16, seed=seed)
        a, b, c = sample.parts.T
        found = sample.ranking(5 * a * b + 2 * c)
        truth = {"a": 2.5, "b": 2.5, "c": 2.0}  # 5 times the other's mean over the levels 0, 1/3, 2/3 and 1
        held += [abs(one.elementary - truth[one.axis.name]) <= one.elementary_half + 1e-9 for one in found.ranked]
        misled += len(found.leaders) == 1
    assert np.mean(held) >= 0.92
    assert misled <= 6


def test_the_effects_of_a_straight_line_are_its_slopes_and_do_not_spread():
    sample = sample_of(AXES, "morris", 10, seed=1)
    found = sample.ranking(sample.parts @ np.array([3.0, -5.0, 0.0])).ranked
    assert [one.axis.name for one in found] == ["b", "a", "c"]
    assert [one.elementary for one in found] == pytest.approx([5.0, 3.0, 0.0], abs=1e-9)
    assert [one.spread for one in found] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_an_index_from_few_points_is_said_to_be_too_wide_and_one_from_many_not():
    few, many = (sample_of(AXES, "sobol", count, seed=3) for count in (16, 4096))
    assert any(one.too_wide for one in few.ranking(ishigami(few.parts)).ranked)
    assert not any(one.too_wide for one in many.ranking(ishigami(many.parts)).ranked)


def test_a_metric_that_never_moves_has_no_influences():
    sample = sample_of(AXES, "sobol", 8, seed=1)
    assert [one.total for one in sample.ranking(np.full(len(sample.parts), 3.0)).ranked] == [0.0, 0.0, 0.0]


def test_a_trajectory_without_a_figure_somewhere_is_left_out_whole_and_said_to_be():
    sample = sample_of(AXES, "morris", 10, seed=1)
    values = sample.parts @ np.array([3.0, -5.0, 0.0])
    values[[0, 1, 9]] = np.nan  # of the first and the third trajectory, of four designs each
    found = sample.ranking(values)
    assert (found.used, found.of) == (8, 10)
    assert [one.elementary for one in found.ranked] == pytest.approx([5.0, 3.0, 0.0], abs=1e-9)
    assert found.caution.startswith("Rests on 8 of 10 trajectories")


def test_base_points_without_a_figure_leave_the_indices_of_the_others():
    sample, values = (sample := sample_of(AXES, "sobol", 2048, seed=4)), ishigami(sample.parts)
    values[np.arange(len(values)) % 50 == 0] = np.nan
    found = sample.ranking(values)
    assert found.used < found.of == 2048
    for one in found.ranked:  # every tenth base point, whatever its values: the indices are those of the whole
        assert abs(one.total - ishigami_indices()[one.axis.name][1]) <= 1.5 * one.total_half + 1e-3


def test_too_few_whole_trajectories_are_refused_with_the_count():
    sample = sample_of(AXES, "morris", 4, seed=1)
    values = np.ones(len(sample.parts))
    values[:3] = np.nan
    with pytest.raises(InputError, match="at every design of only 3 of 4 trajectories; it takes at least 4"):
        sample.ranking(values)


def test_it_names_what_moves_a_metric_most_only_where_that_is_known():
    sample = sample_of(AXES, "morris", 12, seed=1)
    clear, rng = sample.ranking(sample.parts @ np.array([3.0, -5.0, 0.0])), np.random.default_rng(0)
    assert clear.words == "“b” moves it most"
    assert sample.ranking(np.zeros(len(sample.parts))).words == "nothing moves it"
    assert "too few to show which of" in sample.ranking(rng.normal(size=len(sample.parts))).words


@pytest.mark.parametrize("count", [3, 12, 100])
def test_sobols_sequence_takes_a_power_of_two(count):
    with pytest.raises(InputError, match="take a power of two, 4 or more, such as 64"):
        sample_of(AXES, "sobol", count, seed=1)


def test_too_few_trajectories_are_refused_before_anything_runs():
    with pytest.raises(InputError, match="--points 3: Morris screening takes at least 4 trajectories"):
        sample_of(AXES, "morris", 3, seed=1)


def test_an_analysis_without_salib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib", None)
    monkeypatch.delitem(sys.modules, "SALib.sample", raising=False)
    with pytest.raises(UsageError, match=r"needs SALib, which is not installed: pip install 'casesim\[tradeoffs\]'"):
        sample_of(AXES, "morris", 8, seed=1)
