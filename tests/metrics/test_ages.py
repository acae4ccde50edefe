"""Age of information: hand-drawn saw teeth, and metrics with their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.ages import instants, known_from
from simulator.metrics.measures import measure
from simulator.metrics.summary import summarise
from tests.builders import assumed, end, exponential, figures, link, plan, pool, run_at
from tests.case.test_checks import messages
from tests.truths.age_of_information import mm1_age, mm1_age_above, mm1_age_quantile

AGED = {"done": end(age=True)}


def known(*pairs):
    sent, came = np.array(pairs, float).reshape(-1, 2).T
    return known_from(sent, came)


def test_the_age_grows_by_a_second_a_second_and_falls_to_the_delay_of_what_comes():
    """Sent at 1, 4, 8; come at 3, 5, 10. The teeth: 0 to 3, 2 to 4, 1 to 6, 2 to 4 at 12."""
    found = known((1, 3), (4, 5), (8, 10))
    assert found.peaks.tolist() == [4, 6]
    assert found.areas(np.array([0, 3, 5, 10, 12.0])).tolist() == pytest.approx([4.5, 6, 17.5, 6])


def test_what_comes_after_something_newer_tells_nothing():
    found = known((1, 9), (4, 5), (8, 10))
    assert (found.at.tolist(), found.sent.tolist()) == ([5, 10], [4, 8])


def test_of_what_comes_at_one_instant_the_newest_counts():
    found = known((1, 5), (4, 5), (3, 5))
    assert (found.at.tolist(), found.sent.tolist()) == ([5], [4])


def test_where_nothing_comes_the_age_grows_from_the_start():
    assert known().areas(np.array([0.0, 4, 6])).tolist() == pytest.approx([8, 10])
    assert known().peaks.tolist() == []


def test_at_an_instant_the_age_is_that_of_the_newest_that_has_come_by_then():
    assert known((1, 3), (4, 5), (8, 10)).ages(np.array([0, 2.5, 3, 4.5, 5, 9.5, 10, 12])).tolist() == pytest.approx(
        [0, 2.5, 2, 3.5, 1, 5.5, 2, 4]
    )


@pytest.mark.parametrize("hertz", [1, 10, 15, 30, 100])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_of_a_periodic_source_the_age_is_uniform_between_the_latency_and_a_period_more(hertz, share):
    """So its quantiles are known, and the instants meet every place of a period, 100 times a second included."""
    sent = np.arange(0, 61, 1 / hertz)
    found = known_from(sent, sent + 0.08).ages(instants(60.0)[200:])
    assert np.quantile(found, share) == pytest.approx(0.08 + share / hertz, abs=0.005 / hertz)


def test_instants_lie_one_in_each_stretch_and_are_not_more_in_a_day():
    assert np.floor(instants(60.0) / 0.01).tolist() == list(range(6_000))
    day = instants(86_400.0)
    assert (len(day), day[0], day[-1] < 86_400) == (100_000, 0.432, True)


def test_behind_mm1_the_age_has_the_quantiles_that_theory_knows():
    """Two requests a second, three are served: 99% of the time the age is below 5.5 s."""
    truths = {f"age_{short}_s.done": mm1_age_quantile(share, 2, 3) for short, share in (("p95", 0.95), ("p99", 0.99))}
    run = {"days": 2_000 / 86_400, "drain_days": 0.01, "replications": 2}
    made = plan({"p": pool()}, exponential(1 / 3), ends=AGED, rate=2, run=run)
    found = summarise(simulate(made, 1, replication) for replication in range(30))
    for name, truth in truths.items():
        assert found[name].low < truth < found[name].high
        assert found[name].high - found[name].low < 0.1 * truth


def test_the_distribution_behind_mm1_has_the_mean_that_is_known():
    for rate in (0.2, 0.5, 0.9):
        assert quad(mm1_age_above, 0, np.inf, args=(rate, 1.0))[0] == pytest.approx(mm1_age(rate, 1.0))
        assert mm1_age_above(mm1_age_quantile(0.99, rate, 1.0), rate, 1.0) == pytest.approx(0.01)


moments = st.integers(0, 80).map(lambda eighths: eighths / 8)


@given(st.lists(st.tuples(moments, moments).map(lambda pair: (pair[0], sum(pair))), max_size=20))
def test_the_integral_is_that_of_the_age_looked_at_instant_by_instant(pairs):
    """In steps of an eighth between which nothing comes, the age is linear: its middle times the step is exact."""
    middles = np.arange(0, 20, 0.125) + 0.0625
    newest = [max((sent for sent, came in pairs if came < at), default=0.0) for at in middles]
    assert known(*pairs).areas(np.array([0, 20.0])).sum() == pytest.approx(((middles - newest) * 0.125).sum())


def test_metrics_tell_the_age_at_an_end_while_requests_come():
    """Sent at 10, 40, 80 of 100 s and two seconds under way: teeth from 0 to 12, 2 to 32, 2 to 42, 2 to 20."""
    trace = run_at(plan({"l": link("done", 2)}, ends=AGED), [10, 40, 80])
    found = figures(trace)
    squares = [12**2, 32**2 - 2**2, 42**2 - 2**2, 20**2 - 2**2]
    assert found["age_mean_s.done"] == pytest.approx(sum(squares) / 2 / 100)
    assert found["age_peak_mean_s.done"] == pytest.approx(37)


def test_each_sensor_has_an_age_of_its_own():
    """A frame every two seconds and one every five, all a second under way; only ends that say so tell an age."""
    sensors = {"fast": {"label": "Fast", "rate_per_s": assumed(0.5)}, "slow": {"label": "Slow", "rate_per_s": assumed(0.2)}}
    arrivals = {"kind": "sensors", "sensors": sensors}
    made = plan({"l": link("done", 1)}, ends=AGED | {"away": end()}, arrivals=arrivals)
    found = figures(simulate(made))
    assert found["age_peak_mean_s.done.fast"] == pytest.approx(3)
    assert found["age_peak_mean_s.done.slow"] == pytest.approx(6)
    assert found["age_mean_s.done.slow"] == pytest.approx((6**2 + 18 * (6**2 - 1) + 5**2 - 1) / 2 / 100)
    assert found["age_mean_s.done"] < found["age_mean_s.done.fast"]
    assert not [name for name in found if "away" in name]


def test_an_objective_may_ask_for_an_age_and_a_wrong_name_is_answered_with_the_nearest():
    wrong = [{"metric": "age_mean_s.don", "label": "Fresh", "at_most": 1}]
    assert "did you mean 'age_mean_s.done'" in messages({"p": pool()}, ends=AGED, objectives=wrong)["objectives.0.metric"]
    right = [wrong[0] | {"metric": "age_peak_p95_s.done"}]
    made = plan({"p": pool()}, constant(0.1), ends=AGED, objectives=right, rate=5, seconds=400)
    found = summarise(simulate(made, 1, replication) for replication in range(4))
    for name in ("age_mean_s.done", "age_peak_mean_s.done", "age_peak_p95_s.done"):
        assert found[name].low < found[name].value < found[name].high


def test_a_warm_up_is_left_out_of_ages_too():
    run = {"days": 2_000 / 86_400, "drain_days": 0.1, "replications": 2, "warm_up": "mser5"}
    one = measure(simulate(plan({"p": pool()}, constant(0.1), ends=AGED, rate=5, run=run)))
    name = "age_mean_s.done"
    assert len(one.after(20).rates[name]) == 180
    assert one.after(20).rates[name].sum() == pytest.approx(one.rates[name][20:].sum())
    assert one.after(20).samples["age_peak.done"].count < one.samples["age_peak.done"].count
