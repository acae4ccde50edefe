"""Sets of frames: schedules worked out by hand, and what their metrics say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.run import simulate
from simulator.engine.stages.assemble import sets_of
from simulator.evidence.latency_tables import constant
from simulator.theory.loads import visit_ratios
from tests.builders import assemble, end, figures, fork, join, link, plan, pool, sensors
from tests.case.test_checks import messages

ENDS = {"done": end(age=True), "rest": end(), "old": end(), "lacks": end()}

#: A frame every two seconds and one every four, a second later: at 0, 2, 4, 6, 8, 10 and at 1, 5, 9.
TWO = sensors(a={"rate_per_s": 0.5}, b={"rate_per_s": 0.25, "skew_ms": 1000})


def run(arrivals=TWO, seconds=12, **fields):
    return simulate(plan({"s": assemble(**fields)}, arrivals=arrivals, seconds=seconds, ends=ENDS))


def sets(trace):
    """When each set went on, of which frames: `a0` is the first one of the sensor a; the first one carries the set."""
    rows = trace.requests
    found = sets_of(trace, "s")
    names = [f"{rows['sensor'][row]}{rows['frame'][row]}" for row in found.frame]
    return [(at, [name for name, since in zip(names, found.since, strict=True) if since == at]) for at in found.at.tolist()]


def ways(trace):
    return {f"{row.sensor}{row.frame}": (row.end, row.outcome, row.finished_s) for row in trace.requests.itertuples()}


def test_a_set_waits_for_a_frame_of_every_sensor_and_takes_the_freshest():
    trace = run()
    assert sets(trace) == [(1, ["a0", "b0"]), (5, ["a2", "b1"]), (9, ["a4", "b2"])]
    found = ways(trace)
    assert found["a0"] == ("done", "done", 1)
    assert found["b0"] == ("rest", "done", 1)
    assert found["a1"] == ("old", "shed", 4)
    assert trace.requests["outcome"].eq("unfinished").sum() == 1  # the last frame of a waits for company


def test_the_sensor_that_is_named_first_carries_the_set():
    trace = run(sensors=["b", "a"])
    assert sets(trace)[0] == (1, ["b0", "a0"])
    assert ways(trace)["b0"] == ("done", "done", 1)


def test_at_the_deadline_a_set_goes_with_what_there_is():
    """From the first frame on half a second: a alone at 0.5, b alone at 1.5, and so on."""
    found = sets(run(waits_for="deadline", deadline_ms=500, seconds=6))
    assert found == [
        (pytest.approx(at), [frame]) for at, frame in ((0.5, "a0"), (1.5, "b0"), (2.5, "a1"), (4.5, "a2"), (5.5, "b1"))
    ]


def test_a_frame_that_comes_at_the_very_deadline_is_in_time():
    assert sets(run(waits_for="deadline", deadline_ms=1000, seconds=6)) == [
        (1, ["a0", "b0"]),
        (pytest.approx(3), ["a1"]),
        (5, ["a2", "b1"]),
    ]


def test_a_set_that_lacks_a_frame_may_have_a_way_of_its_own():
    trace = run(waits_for="deadline", deadline_ms=1000, on_incomplete="lacks", seconds=6)
    assert ways(trace)["a1"] == ("lacks", "timed_out", pytest.approx(3))
    assert figures(trace)["incomplete_share.s"] == pytest.approx(1 / 3)


def test_without_waiting_each_frame_of_the_first_sensor_takes_along_what_has_come():
    assert sets(run(waits_for="none")) == [
        (0, ["a0"]),
        (2, ["a1", "b0"]),
        (4, ["a2"]),
        (6, ["a3", "b1"]),
        (8, ["a4"]),
        (10, ["a5", "b2"]),
    ]


def test_paced_by_the_slower_one_the_faster_one_gives_its_freshest():
    assert sets(run(waits_for="none", sensors=["b", "a"])) == [(1, ["b0", "a0"]), (5, ["b1", "a2"]), (9, ["b2", "a4"])]


def test_a_frame_that_is_held_stands_in_until_a_newer_one_comes():
    trace = run(waits_for="none", holds=True)
    assert [frames for _, frames in sets(trace)] == [
        ["a0"],
        ["a1", "b0"],
        ["a2", "b0"],
        ["a3", "b1"],
        ["a4", "b1"],
        ["a5", "b2"],
    ]
    assert figures(trace)["incomplete_share.s"] == pytest.approx(1 / 6)
    assert ways(trace)["b0"] == ("rest", "done", 2)


def test_frames_of_one_instant_make_one_set():
    same = sensors(a={"rate_per_s": 0.5}, b={"rate_per_s": 0.5})
    assert sets(run(same, waits_for="none", seconds=4)) == [(0, ["a0", "b0"]), (2, ["a1", "b1"])]


def test_a_sensor_that_no_set_is_made_of_passes_by():
    trace = run(sensors=["a"])
    assert sets(trace)[:2] == [(0, ["a0"]), (2, ["a1"])]
    assert ways(trace)["b0"] == ("rest", "done", 1)


def test_what_is_older_than_what_has_gone_on_is_turned_away():
    """A frame each half second, a second each, the newest first: what was passed over is served when no more come."""
    stages = {"p": pool(to="s", order="freshest"), "s": assemble(sensors=["a"])}
    trace = simulate(plan(stages, constant(1.0), arrivals=sensors(a={"rate_per_s": 2}), seconds=4, ends=ENDS))
    found = ways(trace)
    assert [found[f"a{number}"][0] for number in range(8)] == ["done", "old", "done", "old", "done", "old", "done", "done"]
    assert found["a5"] == ("old", "shed", 6)


def test_metrics_tell_how_old_and_how_far_apart_the_frames_of_a_set_are():
    """Sets of a0 b0, a2 b1, a4 b2 at the time of b: a second between their frames, and a second old."""
    found = figures(run())
    assert found["set_spread_mean_s.s"] == found["set_age_mean_s.s"] == pytest.approx(1)
    assert found["set_age_p95_s.s"] == pytest.approx(1)
    assert found["sets_per_s.s"] == pytest.approx(3 / 12)
    assert found["incomplete_share.s"] == 0


def test_the_age_at_an_end_behind_sets_knows_all_their_frames():
    """Sent at 0, 4, 8 and at 1, 5, 9, come at 1, 5, 9: the teeth of a are 0 to 5, 1 to 5, 1 to 4."""
    found = figures(run())
    assert found["age_mean_s.done.a"] == pytest.approx((5**2 + 5**2 - 1 + 4**2 - 1) / 2 / 12)
    assert found["age_mean_s.done.b"] == pytest.approx((1**2 + 4**2 + 4**2 + 3**2) / 2 / 12)
    assert found["age_peak_mean_s.done.b"] == pytest.approx(4)


def test_the_metrics_of_an_assembly_are_those_of_the_scenario():
    trace = run()
    assert figures(trace).keys() <= set(trace.plan.scenario.metrics)


def test_theory_counts_as_many_sets_as_the_slowest_sensor_has_frames():
    stages = {"s": assemble("p", rest_to="q"), "p": pool(), "q": link("rest", 1)}
    trace_of = plan(stages, constant(0.1), arrivals=TWO, seconds=1200, ends=ENDS)
    assert visit_ratios(trace_of) == pytest.approx({"s": 1, "p": 1 / 3, "q": 1 / 3}, abs=1e-6)
    assert len(simulate(trace_of).logs["p"]) == 300


def test_a_deadline_that_is_changed_holds_for_the_set_that_waits():
    """Half a second at first, so that a alone would go at 0.5; three seconds from 0.25 on, so that b comes in time."""
    short, long = (
        plan({"s": assemble(waits_for="deadline", deadline_ms=limit)}, arrivals=TWO, seconds=4, ends=ENDS)
        for limit in (500, 3000)
    )
    assert sets(simulate(short))[0] == (pytest.approx(0.5), ["a0"])
    assert sets(simulate(replace(short, later=((0.25, long),))))[0] == (1, ["a0", "b0"])


def test_frames_of_a_sensor_that_no_set_is_made_of_any_more_pass_by():
    both, one = (plan({"s": assemble(sensors=which)}, arrivals=TWO, seconds=4, ends=ENDS) for which in (["b", "a"], ["b"]))
    trace = simulate(replace(both, later=((0.5, one),)))
    assert ways(trace)["a0"] == ("rest", "done", 0.5)
    assert ways(trace)["b0"] == ("done", "done", 1)


@given(
    rates=st.tuples(st.sampled_from([0.5, 1, 2]), st.sampled_from([0.7, 1.3])),
    policy=st.sampled_from([{}, {"waits_for": "none"}, {"waits_for": "none", "holds": True},
                            {"waits_for": "deadline", "deadline_ms": 400}, {"waits_for": "deadline", "deadline_ms": 3000}]),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_every_frame_is_in_one_set_or_replaced_or_waits_and_sets_never_go_back(rates, policy, seed):
    arrivals = sensors(a={"rate_per_s": rates[0], "jitter_normal_ms": 100}, b={"rate_per_s": rates[1], "jitter_normal_ms": 100})
    stages = {"w": link("s", 0) | {"payload_mb": {"exponential_mean": {"value": 0.1, "assumed": "a test"}},
                                  "bandwidth_mbps": {"constant": {"value": 1, "assumed": "a test"}}},
              "s": assemble(**policy)}  # fmt: skip
    trace = simulate(plan(stages, arrivals=arrivals, seconds=30, ends=ENDS), seed)
    found = sets_of(trace, "s")
    wanted = trace.visits[(trace.visits["stage"] == "s") & trace.visits["wanted"]]
    assert not wanted["request"].duplicated().any()
    assert np.array_equal(np.sort(wanted["request"]), np.arange(trace.columns.n))
    taken = wanted["request"][wanted["started_s"].notna()]
    assert set(taken) <= set(found.frame)
    assert set(trace.requests["end"][taken]) <= {"done", "rest"}
    for sensor in (0, 1):
        mine = trace.columns.sensor[found.frame] == sensor
        assert np.all(np.diff(trace.columns.arrived[found.frame[mine]]) >= 0)
    assert len(np.unique(found.at)) == len(found.at) == (trace.requests["end"] == "done").sum()


@pytest.mark.parametrize(
    ("fields", "place", "says"),
    [
        ({"sensors": ["a", "a"]}, "stages.s", "is named twice"),
        ({"sensors": ["a", "bb"]}, "stages.s.sensors.1", "did you mean 'b'"),
        ({"waits_for": "deadline"}, "stages.s", "need each other"),
        ({"deadline_ms": 5}, "stages.s", "need each other"),
        ({"holds": True}, "stages.s", "leave holds out"),
        ({"on_incomplete": "lacks"}, "stages.s", "leave on_incomplete out"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, place, says):
    assert says in messages({"s": assemble(**fields)}, arrivals=TWO, ends=ENDS)[place]


def test_sets_need_sensors():
    assert "arrivals of the kind sensors" in messages({"s": assemble()}, ends=ENDS)["stages.s.kind"]


def test_no_set_is_made_within_a_branch():
    stages = {"f": fork("s", "l"), "s": assemble("j", rest_to="j", on_replaced="j"), "l": link("j", 1), "j": join()}
    assert "cannot be between" in messages(stages, arrivals=TWO, ends=ENDS)["stages.s.kind"]
