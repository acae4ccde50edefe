"""Axes as a person writes them, and the points on them."""

import numpy as np
import pytest
from scipy.stats import qmc

from simulator.case.load import load, loads
from simulator.sweeps.design_space import Axis, DesignPoint, SpaceError, axis_of, points_of
from tests.case.texts import SMALL

SCENARIO = loads(SMALL)


@pytest.mark.parametrize(
    ("told", "picks"),
    [
        ("reading", ("usual", "expert")),
        ("point", (0.6, 0.9, 1)),
        ("point=0.6,1.0", (0.6, 1)),
        ("urgent=0.3:0.5", (0.3, 0.4, 0.5)),
        ("population.prevalence=0.1:0.3:3", (0.1, 0.2, 0.3)),
        ("population.prevalence=0.3,0.1", (0.1, 0.3)),
        ("traffic=1:2:2", (1.0, 2.0)),
    ],
)
def test_an_axis_tries_what_it_says(told, picks):
    found = axis_of(SCENARIO, told).picks
    assert found == (picks if isinstance(picks[0], str) else pytest.approx(picks))


@pytest.mark.parametrize(("low", "high"), [(2, 8), (3, 5), (2, 3), (7, 8)])
def test_a_range_of_a_number_uses_each_of_its_steps_from_end_to_end(low, high):
    assert axis_of(SCENARIO, f"urgent={low / 10}:{high / 10}").picks == tuple(step / 10 for step in range(low, high + 1))


def test_replicas_from_1_to_3_are_1_2_and_3_where_the_case_has_them_and_are_refused_where_it_begins_with_2():
    assert axis_of(load("skin-cancer-triage"), "replicas=1:3").picks == (1, 2, 3)
    with pytest.raises(SpaceError, match="replicas=1:3: is not within the choice; expected LOW:HIGH from 2 to 4, such as"):
        axis_of(load("retry-storm"), "replicas=1:3")


def test_a_figure_without_a_range_is_tried_over_the_range_that_it_is_doubted_in():
    axis = axis_of(SCENARIO, "population.prevalence")
    assert axis.bounds == (0.25, 1.0)
    assert len(axis.picks) == 5


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("pint", "there is no choice and no figure 'pint'; did you mean 'point'?"),
        ("point=0.7", "0.7 is out of range; expected one of: 0.6, 0.9, 1"),
        ("urgent=0.1:0.5", "expected LOW:HIGH from 0.2 to 0.8, such as urgent=0.2:0.8"),
        ("urgent=0.5:0.3", "expected LOW:HIGH from 0.2 to 0.8"),
        ("point=0.6", "1 of its options; a sweep needs at least 2"),
        ("reading=usual,nobody", "'nobody' is not an option"),
        ("population.prevalence=0.3:0.1", "write it as LOW:HIGH or LOW:HIGH:LEVELS"),
        ("population.prevalence=a:b", "write it as LOW:HIGH"),
        ("population.prevalence=0.2", "one number; a sweep needs at least 2"),
        ("traffic=1:2:9999999", "9,999,999 levels; at most 100,000 points are run"),
        ("traffic=nan:2", "write it as LOW:HIGH"),
    ],
)
def test_an_axis_that_cannot_be_says_what_would_be_right(told, message):
    with pytest.raises(SpaceError) as refused:
        axis_of(SCENARIO, told)
    assert message in str(refused.value)
    assert told.partition("=")[0] in str(refused.value)


def test_a_grid_holds_every_combination_once():
    axes = [axis_of(SCENARIO, told) for told in ("point", "reading", "population.prevalence=0.1:0.3:3")]
    points = points_of(axes, "grid", None, 0, DesignPoint({"urgent": 0.4}))
    assert len(points) == len({repr(point) for point in points}) == 3 * 2 * 3
    assert all(point.picks["urgent"] == 0.4 for point in points)


def test_a_sobol_sequence_is_that_of_scipy_and_lies_evenly():
    axes = [Axis("a", "a", (0.0, 1.0), (0.0, 1.0)), Axis("b", "b", (2.0, 6.0), (2.0, 6.0))]
    points = points_of(axes, "sobol", 64, 7, DesignPoint())
    found = np.array([[point.figures["a"], (point.figures["b"] - 2) / 4] for point in points])
    assert found == pytest.approx(qmc.Sobol(2, rng=np.random.default_rng(7)).random_base2(6))
    assert qmc.discrepancy(found) < 0.1 * qmc.discrepancy(np.random.default_rng(7).random((64, 2)))


def test_a_latin_hypercube_has_one_point_in_each_stripe_of_each_axis():
    axes = [Axis("a", "a", (0.0, 1.0), (0.0, 1.0)), Axis("b", "b", (0.0, 1.0), (0.0, 1.0))]
    points = points_of(axes, "lhs", 20, 1, DesignPoint())
    for name in "ab":
        assert sorted(int(20 * point.figures[name]) for point in points) == list(range(20))


def test_designs_that_come_twice_are_run_once():
    axes = [axis_of(SCENARIO, "reading"), axis_of(SCENARIO, "point")]
    assert len(points_of(axes, "sobol", 64, 1, DesignPoint())) == 6


@pytest.mark.parametrize(
    ("method", "count", "message"),
    [
        ("sobol", None, "say how many points, such as --points 256"),
        ("lhs", 200_000, "200,000 points; at most 100,000 points are run"),
    ],
)
def test_a_sweep_that_is_too_large_or_unsaid_is_refused(method, count, message):
    with pytest.raises(SpaceError) as refused:
        points_of([axis_of(SCENARIO, "traffic")], method, count, 1, DesignPoint())
    assert message in str(refused.value)
