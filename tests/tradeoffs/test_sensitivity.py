"""Influences of functions whose indices are known."""

import sys
from dataclasses import dataclass, field, replace
from math import pi

import numpy as np
import pytest
from SALib.analyze import morris, sobol

from simulator.cli.exits import UsageError
from simulator.errors import InputError
from simulator.evidence.latency_tables import constant
from simulator.intervals import Estimate
from simulator.sweeps.design_space import Axis, DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, solve, task_of
from simulator.tradeoffs.sensitivity import runnable, sample_of
from tests.builders import plan, pool
from tests.explain.test_reasons import storm

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


def sobols_g_indices(weights: np.ndarray) -> dict[str, tuple[float, float]]:
    variances = 1 / (3 * (1 + weights) ** 2)
    whole = np.prod(1 + variances) - 1
    totals = [own * np.prod(1 + np.delete(variances, place)) / whole for place, own in enumerate(variances)]
    return {"abcde"[place]: (variances[place] / whole, total) for place, total in enumerate(totals)}


def straight_line_indices() -> dict[str, tuple[float, float]]:
    shares = SLOPES**2 / (SLOPES**2).sum()
    return {"abcde"[place]: (share, share) for place, share in enumerate(shares)}


#: Functions with weak axes, each with its first and total indices.
WEIGHTS, SLOPES = np.array([0, 1, 4.5, 9, 99.0]), np.array([5, 3, 1, 0.3, 0.1])
KNOWN = {
    "Ishigami": (ishigami, ishigami_indices()),
    "Sobol's G": (lambda parts: sobols_g(parts, WEIGHTS), sobols_g_indices(WEIGHTS)),
    "a straight line": (lambda parts: parts @ SLOPES, straight_line_indices()),
}


def axes_of(count: int) -> list[Axis]:
    return [Axis(name, name, (0.0, 1.0), (0.0, 1.0)) for name in "abcde"[:count]]


@pytest.mark.parametrize("name", KNOWN)
def test_sobol_indices_are_those_that_theory_has(name):
    function, truth = KNOWN[name]
    sample = sample_of(axes_of(len(truth)), "sobol", 2048, seed=1)
    for one in sample.ranking(function(sample.parts)).ranked:
        for index, known in zip((one.first, one.total), truth[one.axis.name], strict=True):
            assert index.value == pytest.approx(known, abs=0.75 * (index.high - index.low) + 1e-3)


def test_sobol_indices_are_those_of_salib():
    sample = sample_of(axes_of(5), "sobol", 32, seed=1)
    values = sobols_g(sample.parts, WEIGHTS)
    other = sobol.analyze({"num_vars": 5, "names": list("abcde")}, values, calc_second_order=False, seed=1)
    ranked = sorted(sample.ranking(values).ranked, key=lambda one: one.axis.name)
    assert [one.total.value for one in ranked] == pytest.approx(np.minimum(other["ST"], 1))
    assert [one.first.value for one in ranked] == pytest.approx(np.clip(other["S1"], 0, 1))


@pytest.mark.parametrize("points", [16, 64])
@pytest.mark.parametrize("name", KNOWN)
def test_the_interval_of_each_index_holds_the_truth_as_often_as_it_promises(name, points):
    """Of 200 analyses, 178 hold it with a chance of 99.9% if each does in 95%."""
    function, truth = KNOWN[name]
    held = {(axis, which): 0 for axis in truth for which in ("first", "total")}
    for seed in range(200):
        sample = sample_of(axes_of(len(truth)), "sobol", points, seed=seed)
        for one in sample.ranking(function(sample.parts)).ranked:
            for which, known in zip(("first", "total"), truth[one.axis.name], strict=True):
                index = getattr(one, which)
                held[one.axis.name, which] += index.low - 1e-9 <= known <= index.high + 1e-9
    assert min(held.values()) >= 178


def test_the_intervals_of_mean_effects_hold_the_truth_and_a_false_leader_is_rare():
    """Of a product the mean effects over the four levels are worked out by hand; 120 analyses of sixteen trajectories."""
    held, misled = [], 0
    for seed in range(120):
        sample = sample_of(AXES, "morris", 16, seed=seed)
        a, b, c = sample.parts.T
        found = sample.ranking(5 * a * b + 2 * c)
        truth = {"a": 2.5, "b": 2.5, "c": 2.0}  # 5 times the other's mean over the levels 0, 1/3, 2/3 and 1
        held += [one.elementary.low - 1e-9 <= truth[one.axis.name] <= one.elementary.high + 1e-9 for one in found.ranked]
        misled += len(found.leaders) == 1
    assert np.mean(held) >= 0.92
    assert misled <= 6


def test_mean_effects_and_their_spread_are_those_of_salib():
    sample = sample_of(axes_of(5), "morris", 12, seed=1)
    values = sobols_g(sample.parts, WEIGHTS)
    problem = {"num_vars": 5, "names": list("abcde"), "bounds": [[0.0, 1.0]] * 5}
    known = morris.analyze(problem, sample.parts, values)
    for one in sample.ranking(values).ranked:
        place = "abcde".index(one.axis.name)
        assert one.elementary.value == pytest.approx(known["mu_star"][place])
        assert one.spread == pytest.approx(known["sigma"][place])


def test_the_effects_of_a_straight_line_are_its_slopes_and_do_not_spread():
    sample = sample_of(AXES, "morris", 10, seed=1)
    found = sample.ranking(sample.parts @ np.array([3.0, -5.0, 0.0])).ranked
    assert [one.axis.name for one in found] == ["b", "a", "c"]
    assert [one.elementary.value for one in found] == pytest.approx([5.0, 3.0, 0.0], abs=1e-9)
    assert [one.spread for one in found] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_an_index_from_few_points_is_said_to_be_too_wide_and_one_from_many_not():
    few, many = (sample_of(AXES, "sobol", count, seed=3) for count in (16, 4096))
    assert any(one.too_wide for one in few.ranking(ishigami(few.parts)).ranked)
    assert not any(one.too_wide for one in many.ranking(ishigami(many.parts)).ranked)


def test_a_metric_that_never_moves_has_no_influences():
    sample = sample_of(AXES, "sobol", 16, seed=1)
    assert [one.total.value for one in sample.ranking(np.full(len(sample.parts), 3.0)).ranked] == [0.0, 0.0, 0.0]


def test_a_trajectory_without_a_figure_somewhere_is_left_out_whole_and_said_to_be():
    sample = sample_of(AXES, "morris", 10, seed=1)
    values = sample.parts @ np.array([3.0, -5.0, 0.0])
    values[[0, 1, 9]] = np.nan  # of the first and the third trajectory, of four designs each
    found = sample.ranking(values)
    assert (found.used, found.of) == (8, 10)
    assert [one.elementary.value for one in found.ranked] == pytest.approx([5.0, 3.0, 0.0], abs=1e-9)
    assert found.caution.startswith("Ranks the axes on 8 of 10 trajectories")


def outcomes_of(sample, overloaded, refused=None):
    """A figure of 3a - 5b at each design, where it is not overloaded or refused."""
    outcomes = []
    for place, (a, b, c) in enumerate(sample.parts):
        value = 3 * a - 5 * b
        made = DesignOutcome({"a": a, "b": b, "c": c}, {}, 1, 2, metrics={"m": Estimate(value, value, value, None)})
        if overloaded[place]:
            made = replace(made, metrics={}, missing_reasons={"m": "no steady state at the slow edge of the projection"})
        outcomes.append(made if refused is None or not refused[place] else replace(made, metrics={}, refused="no"))
    return outcomes


def test_overload_is_said_before_the_ranking_with_the_choice_that_decides_on_it():
    """A design is overloaded where c is at the lowest of its four levels; b moves the figure most where there is one."""
    sample = sample_of(AXES, "morris", 40, seed=1)
    overloaded = sample.parts[:, 2] == 0
    designs, bad = (len(np.unique(rows, axis=0)) for rows in (sample.parts, sample.parts[overloaded]))
    found = sample.ranked(outcomes_of(sample, overloaded), ["m"])["m"]
    words = f"has no figure at {bad} of {designs} designs: {bad} are overloaded, and “c” decides that most"
    assert (found.finding, found.words) == (words, "“b” moves it most")
    assert found.sentence("Time") == f"Time {words}. Among the others, “b” moves it most."
    assert found.to_json()["finding"] == words


def test_a_percentile_of_too_few_requests_is_overload_only_where_a_stage_gets_too_much():
    sample = sample_of(AXES, "morris", 40, seed=1)
    bad = sample.parts[:, 2] == 0
    count = len(np.unique(sample.parts[bad], axis=0))
    few = [replace(one, missing_reasons={"m": "too few waits"}) if bad[place] else one
           for place, one in enumerate(outcomes_of(sample, bad))]  # fmt: skip
    assert sample.ranked(few, ["m"])["m"].finding.endswith(f": {count} count too little")
    busy = [replace(one, overloaded=["Decoder"]) for one in few]
    assert f": {count} are overloaded, and “c” decides that most" in sample.ranked(busy, ["m"])["m"].finding


def test_where_overload_leaves_too_little_to_rank_it_is_still_said():
    sample = sample_of(AXES, "morris", 8, seed=1)
    found = sample.ranked(outcomes_of(sample, sample.parts[:, 2] < 0.9), ["m"])["m"].words
    assert "are overloaded, and “c” decides that most. It has a figure at every design of only " in found


def test_designs_that_cannot_run_are_told_apart_from_overload():
    sample = sample_of(AXES, "morris", 40, seed=1)
    no, refused = np.zeros(len(sample.parts), bool), sample.parts[:, 0] == 0
    count = len(np.unique(sample.parts[refused], axis=0))
    assert sample.ranked(outcomes_of(sample, no, refused), ["m"])["m"].finding.endswith(f"designs: {count} cannot run")
    both = sample.ranked(outcomes_of(sample, (sample.parts[:, 2] == 0) & ~refused, refused), ["m"])["m"].finding
    assert both.endswith(f"; {count} cannot run")
    whole = sample.ranked(outcomes_of(sample, no), ["m"])["m"]
    assert (whole.finding, whole.sentence("Time")) == ("", "Time: “b” moves it most.")


def test_base_points_without_a_figure_leave_the_indices_of_the_others():
    sample, values = (sample := sample_of(AXES, "sobol", 2048, seed=4)), ishigami(sample.parts)
    values[np.arange(len(values)) % 50 == 0] = np.nan
    found = sample.ranking(values)
    assert found.used < found.of == 2048
    for one in found.ranked:  # every tenth base point, whatever its values: the indices are those of the whole
        known = ishigami_indices()[one.axis.name][1]
        assert one.total.value == pytest.approx(known, abs=0.75 * (one.total.high - one.total.low) + 1e-3)


def test_too_few_whole_trajectories_are_refused_with_the_count():
    sample = sample_of(AXES, "morris", 8, seed=1)
    values = np.ones(len(sample.parts))
    values[:3] = np.nan
    with pytest.raises(InputError, match="at every design of only 7 of 8 trajectories; it takes at least 8"):
        sample.ranking(values)


def test_it_names_what_moves_a_metric_most_only_where_that_is_known():
    sample = sample_of(AXES, "morris", 12, seed=1)
    clear, rng = sample.ranking(sample.parts @ np.array([3.0, -5.0, 0.0])), np.random.default_rng(0)
    assert clear.words == "“b” moves it most"
    assert sample.ranking(np.zeros(len(sample.parts))).words == "nothing moves it"
    assert "too few to show which of" in sample.ranking(rng.normal(size=len(sample.parts))).words


def test_too_few_base_points_are_refused_before_anything_runs():
    with pytest.raises(InputError, match="--points 8: Sobol's indices take at least 16 base points"):
        sample_of(AXES, "sobol", 8, seed=1)


def test_too_few_trajectories_are_refused_before_anything_runs():
    with pytest.raises(InputError, match="--points 7: Morris screening takes at least 8 trajectories"):
        sample_of(AXES, "morris", 7, seed=1)


def test_an_analysis_without_salib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib", None)
    monkeypatch.delitem(sys.modules, "SALib.sample", raising=False)
    with pytest.raises(UsageError, match=r"needs SALib, which is not installed: pip install 'casesim\[tradeoffs\]'"):
        sample_of(AXES, "morris", 8, seed=1)


def test_an_outcome_names_the_stages_that_get_more_than_they_can_serve_in_all_or_at_the_peak():
    """In four minutes 18 photos a second come, and four times as many in half a minute, where 26 can be checked: 95% in all."""
    calm = solve(task_of(plan({"p": pool(label="Model")}, constant(0.5), seconds=200), ["latency_mean_s"], 1, 2))
    busy = solve(task_of(plan({"p": pool(label="Model")}, constant(2.0), seconds=200), ["latency_mean_s"], 1, 2))
    surge = solve(task_of(storm(retries="none"), ["done_share"], 1, 2))
    assert (calm.overloaded, busy.overloaded, surge.overloaded) == ([], ["Model"], ["Photo check"])
    assert surge.growing == []


OPTIONS = {"data": ("all", "few", "many"), "model": ("small", "large"), "size": (1, 2, 3)}


@dataclass(frozen=True)
class Conflicting:
    """A request whose large model knows nothing but all of the data."""

    axes: list[Axis] = field(default_factory=lambda: [Axis(name, name.capitalize(), each) for name, each in OPTIONS.items()])
    picks: dict[str, str] = field(default_factory=dict)
    base: DesignPoint = field(default_factory=DesignPoint)
    seed: int = 1

    @property
    def scenario(self):
        return self

    def defaults(self):
        return {name: each[0] for name, each in OPTIONS.items()}

    def blamed(self, point):
        runs = point.picks.get("model", "small") == "small" or point.picks.get("data", "all") == "all"
        return [] if runs else [frozenset(axis.name for axis in self.axes)]


def test_the_option_that_fails_most_is_left_out_and_the_others_are_ranked():
    """The large model fails with two of three options of the data, each of these with one of two models."""
    made, left_out = runnable(Conflicting(), "morris", 12)
    assert [(axis.name, axis.picks) for axis in made.axes] == [("data", OPTIONS["data"]), ("size", OPTIONS["size"])]
    assert left_out == "These options cannot run beside the others, so this study leaves them out: Model (large)."
    for point in sample_of(made.axes, "morris", 12, 1).points(made.base):
        assert not made.blamed(point)


def test_an_option_of_the_design_at_hand_stays():
    made, left_out = runnable(Conflicting(picks={"model": "large"}), "morris", 12)
    assert [axis.name for axis in made.axes] == ["model", "size"]
    assert left_out == "These options cannot run beside the others, so this study leaves them out: Data (few, many)."


def test_where_every_design_runs_no_option_is_left_out():
    request = Conflicting([Axis("size", "Size", OPTIONS["size"])])
    assert runnable(request, "morris", 12) == (request, "")


def test_a_study_with_nothing_left_to_vary_says_why():
    request = Conflicting([Axis("data", "Data", OPTIONS["data"])], base=DesignPoint({"model": "large"}))
    with pytest.raises(
        InputError, match=r"nothing is left to vary. These options .*: Data \(few, many\)\. Vary another choice"
    ):
        runnable(request, "morris", 12)
