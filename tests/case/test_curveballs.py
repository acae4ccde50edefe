"""Curveballs: each changes what it says, when it says, and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.special import expit, logit

from simulator.case.document import ScenarioError
from simulator.engine.compiled_plan import Conditions, surges
from simulator.engine.run import simulate
from simulator.engine.stages.assemble import sets_of
from simulator.evidence.latency_tables import LatencyTable, constant
from simulator.evidence.photo_checks import load_spoiled, score_changes
from simulator.metrics.measures import measure
from simulator.records.streams import Streams
from simulator.records.timetables import merged, steps
from tests.builders import (  # fmt: skip
    assemble,
    assumed,
    end,
    gate,
    link,
    people,
    plan,
    pool,
    population,
    run_at,
    scenario,
    score_table,
    sensors,
    spread,
)
from tests.engine.intervals import assert_agrees

CLIENT = {"kind": "category", "label": "Client", "shares": {"old": assumed(1)}}
SPEED = {"kind": "number", "label": "Speed", "value": spread(50, 0.5)}
TWO_CLASSES = {name: {"label": name, "share": assumed(0.5)} for name in ("one", "other")}
ALWAYS = ("00:00", "24:00", 1)


def ball(kind, at_s=None, **fields):
    return {"ball": {"kind": kind, "label": "Ball", "at_s": at_s} | fields}


def conditions(made):
    return Conditions(made, Streams(0))


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda span: (span[0], span[0] + span[1])), max_size=8)


@given(spans, st.integers(0, 120))
def test_a_time_lies_in_merged_spans_if_it_lies_in_any_and_they_are_apart(found, time):
    apart = merged(found)
    assert any(start <= time < end for start, end in apart) == any(start <= time < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(apart))


@given(spans, st.integers(0, 120))
def test_factors_that_overlap_multiply(found, time):
    made = steps(1.0, ((span, 2.0) for span in found), lambda before, by: before * by)
    assert made.at(time) == 2.0 ** sum(start <= time < end for start, end in found)
    assert made.at_all(np.array([float(time)]))[0] == made.at(time)


def test_a_number_that_changes_has_the_mean_of_its_stretches():
    assert steps(1.0, [((10, 30), 3.0)], lambda before, by: before * by).mean(100) == pytest.approx(1.4)


def test_a_curveball_that_does_not_strike_changes_nothing():
    usual, armed = plan({"p": pool()}), plan({"p": pool()}, curveballs=ball("replica_loss", stage="p", replicas=1))
    assert simulate(usual).digest == simulate(armed).digest


def test_traffic_multiplies_what_comes_while_it_lasts_and_leaves_what_came_before():
    made = {strike: plan({"p": pool()}, constant(0.01), rate=50, curveballs=ball("traffic", strike, times=3, lasts_s=20))
            for strike in (None, 40)}  # fmt: skip
    usual, more = ([simulate(made[strike], seed).columns.arrived for seed in range(20)] for strike in (None, 40))
    for before, after in zip(usual, more, strict=True):
        assert np.array_equal(before[before < 40], after[after < 40])
    assert_agrees([np.count_nonzero((times >= 40) & (times < 60)) for times in more], 50 * 3 * 20, checks=2)
    assert_agrees([np.count_nonzero(times >= 60) for times in more], 50 * 40, checks=2)


def test_a_network_that_is_slow_delays_what_is_sent_while_it_is_in_blocks_or_one_by_one():
    stages = {"up": link("down", 1), "down": link("done", 2)}
    made = plan(stages, curveballs=ball("network", 10, stage="up", times=5, lasts_s=10))
    trace = run_at(made, [5, 10, 19, 20])
    assert trace.requests["finished_s"].tolist() == pytest.approx([8, 17, 26, 23])
    visits = trace.visits[trace.visits["stage"] == "up"]
    assert (visits["left_s"] - visits["entered_s"]).tolist() == pytest.approx([1, 5, 5, 1])


@pytest.mark.parametrize(("share", "down"), [(0, 0), (0.3, 1), (0.5, 2), (0.7, 2), (1, 3)])
def test_a_zone_holds_its_share_of_however_many_replicas_there_are_rounded(share, down):
    made = plan({"p": pool(replicas=3)}, curveballs=ball("zone_loss", 10, share=share, lasts_s=5))
    lost = [conditions(made).outages("p", replica) for replica in range(3)]
    assert sum(bool(spans) for spans in lost) == down
    assert all(spans in ([], [(10, 15)]) for spans in lost)


def test_a_drift_changes_how_many_of_those_who_come_later_are_positive_and_no_other_draw():
    people_ = {"population": population(0.2), "rate": 50}
    usual = simulate(plan({"p": pool()}, constant(0.001), **people_))
    drifted = plan({"p": pool()}, constant(0.001), **people_, curveballs=ball("drift", 50, prevalence=0.6))
    late = usual.columns.arrived >= 50
    assert np.array_equal(usual.columns.arrived, simulate(drifted).columns.arrived)
    assert np.array_equal(usual.columns.positive[~late], simulate(drifted).columns.positive[~late])
    runs = [simulate(drifted, seed).columns for seed in range(10)]
    assert_agrees([columns.positive[columns.arrived >= 50].mean() for columns in runs], 0.6, checks=1)


def test_scores_shift_for_all_in_a_drift_and_for_positives_where_a_model_gets_worse():
    fields = {"service": constant(0.001), "scores": score_table([3.0], [1.0]), "population": population(0.5)}
    shifted = {
        "drift": ball("drift", 50, scores_shift=0.5),
        "accuracy_drop": ball("accuracy_drop", 50, stage="p", positives_shift=-2),
    }
    for kind, expected in {"drift": (3.5, 1.5), "accuracy_drop": (1.0, 1.0)}.items():
        columns = simulate(plan({"p": pool(scores="x")}, **fields, curveballs=shifted[kind])).columns
        late = columns.arrived >= 50
        assert set(columns.scores[0][columns.positive & ~late]) == {3.0}
        assert set(columns.scores[0][columns.positive & late]) == {expected[0]}
        assert set(columns.scores[0][~columns.positive & late]) == {expected[1]}


def test_spoiled_photos_change_the_logit_of_each_item_as_they_did_in_the_lab():
    positives, negatives = score_changes("efficientnet_lite0", "fp32")
    table = score_table([0.6] * positives.shape[1], [0.2] * negatives.shape[1])
    spoiled = ball("drift", 50, photos="jpeg.3")
    made = plan({"p": pool(scores="x")}, constant(0.001), scores=table, population=population(0.5), curveballs=spoiled)
    columns = simulate(made).columns
    late, place = columns.arrived >= 50, load_spoiled().about.place("jpeg.3")
    assert set(columns.scores[0][columns.positive & ~late].tolist()) == {np.float32(0.6)}
    added = np.concatenate([positives, negatives], axis=1)[place, columns.item[late]]
    before = np.where(columns.positive[late], 0.6, 0.2)
    assert columns.scores[0][late] == pytest.approx(expit(logit(before) + added), abs=1e-5)


def test_people_read_at_the_rates_of_the_time_at_which_they_read():
    reader = people(ALWAYS, minutes=0.5, positive_to="ill", negative_to="well")
    ends = {name: {"label": name, "escalated": False, "detected": assumed(0), "usd": assumed(0)} for name in ("ill", "well")}
    made = plan({"r": reader}, population=population(1), ends=ends,
                curveballs=ball("accuracy_drop", 60, stage="r", sensitivity=0))  # fmt: skip
    # The third begins to read at 60, though it came before.
    assert run_at(made, [0, 1, 2]).requests["end"].tolist() == ["ill", "ill", "well"]


#: Frames every two seconds and every second, from 0 on; each takes half a second on its way.
TWO = sensors(a={"rate_per_s": 0.5}, b={"rate_per_s": 1})


def frames(balls, seconds=8, stages=None, service=None, **fields):
    """When the frames of each sensor come in a run that is struck, with their numbers."""
    made = plan(stages or {"l": link("done", 0.5)}, service, arrivals=TWO, seconds=seconds, curveballs=balls, **fields)
    requests = simulate(made).requests
    return {
        sensor: [*zip(requests["frame"][requests["sensor"] == sensor], requests["arrived_s"][requests["sensor"] == sensor],
                      strict=True)]
        for sensor in "ab"
    }  # fmt: skip


def test_the_frames_of_a_sensor_that_is_lost_do_not_come_and_all_others_do():
    found = frames(ball("sensor_loss", 2, lasts_s=2, sensor="b"))
    assert found["a"] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert found["b"] == [(0, 0), (1, 1), (4, 4), (5, 5), (6, 6), (7, 7)]
    assert frames(ball("sensor_loss", 4, sensor="a"))["a"] == [(0, 0), (1, 2)]


def test_a_sensor_that_is_lost_shifts_no_draw_of_a_frame_that_comes():
    speed = {
        "attributes": {"speed": {"kind": "number", "label": "Speed", "value": spread(5, 1)}},
        "population": population(0.5),
    }
    service = LatencyTable(np.stack([np.zeros(4), np.array([0.1, 0.2, 0.3, 0.4])])[None].repeat(2, axis=0))
    made = [plan({"p": pool(replicas=4)}, service, arrivals=TWO, seconds=200, curveballs=ball("sensor_loss", at_s, lasts_s=50,
                 sensor="b"), classes=TWO_CLASSES, **speed) for at_s in (None, 20)]  # fmt: skip
    calm, struck = (simulate(one, 3) for one in made)
    columns = ["sensor", "frame", "arrived_s", "finished_s", "speed", "positive"]
    came = calm.requests[~((calm.requests["sensor"] == "b") & calm.requests["arrived_s"].between(20, 69.99))]
    assert len(came) == len(calm.requests) - 50
    assert_frame_equal(came[columns].reset_index(drop=True), struck.requests[columns])
    lost = came.index
    assert np.array_equal(calm.columns.kind[lost], struck.columns.kind)


def test_a_clock_that_jumps_moves_the_frames_that_come_from_then_on():
    late = frames(ball("clock_skew", 2, sensor="b", ms=300))
    assert late["a"] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert late["b"] == [(0, 0), (1, 1)] + [(number, pytest.approx(number + 0.3)) for number in range(2, 8)]
    early = frames(ball("clock_skew", 1.9, lasts_s=2, sensor="b", ms=-300))
    assert early["b"][:5] == [(0, 0), (1, 1), (2, 1.9), (3, pytest.approx(2.7)), (4, 4)]  # none before the strike


def test_a_clock_that_runs_off_moves_frames_further_and_further():
    """100,000 ppm slow: after 2 s a second of the clock takes 1 / 0.9 s."""
    slow = frames(ball("clock_skew", 2, sensor="b", ppm=-100_000))
    assert slow["b"] == [(0, 0), (1, 1), *((number, pytest.approx(2 + (number - 2) / 0.9)) for number in range(2, 8))]
    fast = frames(ball("clock_skew", 2, sensor="b", ppm=100_000))
    assert fast["b"][-1] == (7, pytest.approx(2 + 5 / 1.1))


def test_a_frame_that_would_come_after_the_last_one_may_is_lost():
    assert [number for number, _ in frames(ball("clock_skew", 2, sensor="b", ms=1500))["b"]] == [0, 1, 2, 3, 4, 5, 6]


def test_a_clock_that_jumps_spreads_the_frames_of_a_set():
    """A frame of a meets one of b of the same instant; from 20 on that comes a quarter later, and the one before is there."""
    made = plan({"s": assemble()}, arrivals=TWO, seconds=40, ends={name: end() for name in ("done", "rest", "old")},
                curveballs=ball("clock_skew", 20, sensor="b", ms=250))  # fmt: skip
    spread_s = sets_of(simulate(made), "s").spread
    assert spread_s.tolist() == pytest.approx([0] * 10 + [1] + [0.75] * 9)


@pytest.mark.parametrize(("fields", "expected"), [({"times": 3}, [5, 15, 150, 50]), ({"plus": 50}, [5, 55, 100, 50])])
def test_a_crowd_makes_a_number_larger_for_what_comes_while_it_lasts(fields, expected):
    spells = [{"for_s": 20} | assumed(5), {"for_s": 20} | assumed(50)]
    objects = {"objects": {"kind": "timetable", "label": "Objects", "spells": spells}}
    made = plan({"p": pool()}, attributes=objects, curveballs=ball("crowd", 10, lasts_s=20, attribute="objects", **fields))
    assert run_at(made, [0, 10, 29, 30]).requests["objects"].tolist() == expected


def test_a_crowd_changes_no_draw_and_nothing_before():
    number = {"objects": {"kind": "number", "label": "Objects", "value": spread(5, 1)}}
    calm, struck = (
        simulate(
            plan({"p": pool()}, constant(0.1), attributes=number, curveballs=ball("crowd", at_s, attribute="objects", times=2))
        )
        for at_s in (None, 50)
    )
    assert calm.digest == struck.digest
    late = calm.columns.arrived >= 50
    factor = struck.columns.attributes["objects"] / calm.columns.attributes["objects"]
    assert (set(factor[late]), set(factor[~late])) == ({2}, {1})


HOT = {"p": pool(to="q"), "q": pool(shares="soc"), "r": pool(shares="soc")}


@pytest.mark.parametrize(
    ("fields", "slow"),
    [({}, {"p", "q", "r"}), ({"stages": ["p", "r"]}, {"p", "r"}), ({"accelerator": "soc"}, {"q", "r"})],
)
def test_a_throttle_slows_every_replica_of_the_pools_that_it_strikes(fields, slow):
    stages = {"sort": gate("random", {"share": 0.5, "to": "p"}, {"to": "r"}), **HOT}
    soc = {"soc": {"label": "SoC", "slowdown": assumed(1)}}
    made = plan(stages, accelerators=soc, curveballs=ball("throttle", 10, lasts_s=5, times=2, **fields))
    for name in HOT:
        assert conditions(made).slowdown(name, 7).at(12) == (2 if name in slow else 1)
        assert conditions(made).slowdown(name, 0).at(15) == 1


def test_a_batch_that_begins_on_a_throttled_module_takes_as_long_and_one_that_has_begun_goes_on():
    made = plan({"p": pool(replicas=2)}, constant(4), curveballs=ball("throttle", 2, lasts_s=2, times=1.5))
    assert run_at(made, [1, 3, 5]).requests["finished_s"].tolist() == [5, 9, 9]


def test_a_price_is_paid_for_as_long_as_it_holds():
    usual, dearer = (measure(run_at(plan({"p": pool()}, curveballs=ball("price", at_s, times=3, lasts_s=25)), [0])).costs
                     for at_s in (None, 50))  # fmt: skip
    assert dearer["machines"].numerator == pytest.approx(usual["machines"].numerator * (75 + 3 * 25) / 100)


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (ball("replica_loss", 10, stage="r", replicas=1), "stage"),
        (ball("accuracy_drop", 10, stage="p", positives_shift=1), "positives_shift"),
        (ball("accuracy_drop", 10, stage="p", sensitivity=0.5), "stage"),
        (ball("drift", 10, prevalence=0.5), "prevalence"),
        (ball("drift", 10, scores_shift=0.5), "scores_shift"),
        (ball("drift", 10, photos="jpeg.3"), "photos"),
        (ball("traffic", 1e5, times=2), "at_s"),
        (ball("throttle", 10, times=2, stages=["p", "r"]), "stages.1"),
        (ball("throttle", 10, times=2, stages=["pp"]), "stages.0"),
        (ball("throttle", 10, times=2, accelerator="gpu"), "accelerator"),
        (ball("sensor_loss", 10, sensor="front"), "sensor"),
        (ball("clock_skew", 10, sensor="front", ms=5), "sensor"),
        (ball("crowd", 10, attribute="boxes", times=2), "attribute"),
        (ball("crowd", 10, attribute="client", times=2), "attribute"),
    ],
)
def test_a_curveball_that_cannot_strike_is_refused_at_its_place(made, field):
    with pytest.raises(ScenarioError) as caught:
        scenario({"p": pool(to="r"), "r": people(ALWAYS)}, curveballs=made, attributes={"client": CLIENT})
    assert {fault.field for fault in caught.value.faults} == {f"curveballs.ball.{field}"}


@pytest.mark.parametrize(
    "kind",
    [
        ball("traffic", 10, times=2),
        ball("drift", 10, prevalence=0.5),
        ball("crowd", 10, attribute="speed", plus=2),
    ],
)
def test_what_strikes_by_the_time_of_coming_needs_arrivals_that_do_not_wait_for_answers(kind):
    closed = {"kind": "closed", "clients": 2, "think_mean_s": assumed(1)}
    with pytest.raises(ScenarioError) as caught:
        scenario({"p": pool()}, arrivals=closed, curveballs=kind, population=population(0.5), attributes={"speed": SPEED})
    assert {fault.field for fault in caught.value.faults} == {"curveballs.ball.kind"}


def test_traffic_that_strikes_counts_towards_what_a_run_may_hold():
    made = plan({"p": pool()}, rate=10, curveballs=ball("traffic", 50, times=5, lasts_s=25))
    assert made.arrivals.expected == pytest.approx(1000)
    assert made.arrivals.expected_under(surges(made)) == pytest.approx(1000 + 4 * 10 * 25)
