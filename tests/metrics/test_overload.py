"""What is asked and what is served over time, against a schedule worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from simulator.case.scenario_parts import Noun
from simulator.charts.queue_charts import _overload_takeaway, goodput_over_time
from simulator.evidence.latency_tables import constant
from simulator.metrics.overload import MOST_STEPS, capacity_per_s, goodput, rush_of, trouble
from tests.builders import end, link, plan, pool, retry, run_at

WAYS = {"done": end(), "gave_up": end()}


def server(times, seconds=20, **fields):
    """One server that takes 4 s, a place for one who waits; who is refused comes back after 3 s, once."""
    again = retry("p", backoff_ms=3000, max_tries=2, on_exhausted="gave_up")
    run = {"days": seconds / 86400, "drain_days": 20 / 86400, "replications": 2}
    stages = {"p": pool(max_queue=1, on_full="again"), "again": again} | fields
    return run_at(plan(stages, constant(4.0), ends=WAYS, run=run), times)


def test_requests_retries_and_answers_are_counted_in_steps_of_five_seconds():
    """0 is served from 0 to 4, 1 from 4 to 8. 2 is refused at 2 and at 5; 3 at 3, is back at 6 and served from 8 to 12."""
    found = goodput(server([0, 1, 2, 3.5, 12]))
    assert found["time_s"].tolist() == [5 * step for step in range(8)]
    assert (5 * found["fresh"]).tolist()[:4] == pytest.approx([4, 0, 1, 0])
    assert (5 * found["retries"]).tolist()[:4] == pytest.approx([0, 2, 0, 0])
    assert (5 * found["useful"]).tolist()[:4] == pytest.approx([1, 1, 1, 1])
    assert found["served_share"].tolist()[:3] == pytest.approx([0.75, np.nan, 1], nan_ok=True)


def test_a_long_run_has_longer_steps():
    found = goodput(server([0], seconds=86_400))
    assert len(found) <= MOST_STEPS + 1
    assert found["time_s"].diff().dropna().nunique() == 1


def test_the_capacity_is_that_of_the_pool_that_gets_the_retries():
    again = retry("p", on_exhausted="gave_up")
    made = plan({"p": pool(max_queue=1, on_full="again", replicas=3), "again": again}, constant(4.0), ends=WAYS)
    assert capacity_per_s(made) == pytest.approx(3 / 4)
    batched = plan({"p": pool(max_queue=9, max_batch=3, on_full="again"), "again": again}, constant(1, 1.6, 3.9), ends=WAYS)
    assert capacity_per_s(batched) == pytest.approx(3 / 3.9)  # in threes, though twos would do more
    wired = plan({"up": link("p", 1), "p": pool(max_queue=1, on_full="a"), "a": retry("up", on_exhausted="gave_up")}, ends=WAYS)
    assert capacity_per_s(wired) is None


def frame(shares, fresh=None):
    count = len(shares)
    return pd.DataFrame({"time_s": 5.0 * np.arange(count), "fresh": fresh or [20.0] * count, "retries": [10.0] * count,
                         "useful": 0.0, "served_share": shares})  # fmt: skip


def test_trouble_lasts_from_the_first_step_in_which_too_few_are_served_to_the_last():
    found = trouble(frame([1, 1, 0.5, 0.95, 0.2, 1, np.nan]))
    assert (found.started, found.ended, found.over) == (10, 25, True)
    assert found.tries == 1.5
    assert trouble(frame([1, 0.95, 1])) is None
    assert not trouble(frame([1, 0.95, 0.3, np.nan])).over


def test_the_share_since_the_rush_is_not_that_of_the_last_requests_behind_which_none_come():
    """100, 50 and 50 requests come after the rush: 10, none and 25 of them are served."""
    down = trouble(frame([1, 0.5, 0.1, 0, 0.5, np.nan], [20.0, 80.0, 20.0, 10.0, 10.0, 20.0]))
    assert (down.over, down.rush_ended) == (False, 10)
    assert down.share_since == pytest.approx(35 / 200)
    steady = trouble(frame([1, 0.5, 0, 0.25, np.nan]))
    assert steady.share_since == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([1, 0.5, 0, 0, 0, 0], "yet none of the photos after it are served"),
        ([1, 0.5, 0, 0, 0, 0.4], "yet 10.0% of the photos after it are served"),
        ([1, 0.5, 1, 1, 1, 1], "recovers at 10, as soon as the surge ends."),
        ([1, 0.5, 0.5, 1, 1, 1], "recovers at 15, 5 s after the surge."),
    ],
)
def test_the_end_of_an_overload_in_plain_words(shares, words):
    found = trouble(frame(shares, [20.0, 80.0, 20.0, 20.0, 20.0, 20.0]))
    assert words in _overload_takeaway(found, Noun(one="photo", many="photos"), lambda seconds: f"{seconds:g}")


@pytest.mark.parametrize(("end", "words"), [(1, "until 95."), (0, "to the end.")])
def test_a_service_that_served_well_for_a_minute_has_recovered_and_fails_again(end, words):
    """It recovers at 10; thirteen steps of 5 s later, at 75, a replica is gone."""
    shares = [1, 0.5, *[1] * 13, 0, 0, 0, 0, end]
    found = trouble(frame(shares, [20.0, 80.0, *[20.0] * 18]))
    assert (found.started, found.ended, found.over, found.again) == (5, 10, True, (75, 95 if end else None))
    said = _overload_takeaway(found, Noun(one="photo", many="photos"), lambda seconds: f"{seconds:g}")
    assert said.endswith(f"recovers at 10, as soon as the surge ends. It fails again from 75 on, {words}")


def test_a_rush_is_far_more_than_usual_and_more_than_chance_explains():
    assert rush_of(frame([1] * 6, [20, 21, 80, 79, 20, 22])) == (10, 20)
    assert rush_of(frame([1] * 12, [20, 21, 80, 20, 79, 22, 20, 21, 19, 20, 80, 21])) == (10, 25)
    assert rush_of(frame([1] * 6, [20, 21, 24, 19, 20, 22])) is None
    assert rush_of(frame([1] * 6, [0.2, 0.2, 0.4, 0.2, 0.2, 0.2])) is None


def test_the_sentence_tells_whether_it_ended_and_how_long_after_the_rush():
    slow = goodput_over_time(server([*range(20)]))
    share = 100 * slow.table["share of the requests served"].dropna().mean()  # five requests come in each step
    assert slow.takeaway == (
        "From 00:00:00 on, fewer than nine requests in ten are served, and the service does not recover within the run: "
        f"{share:.1f}% of the requests from then on are served, "
        f"and each request is sent {1 + slow.table['retries (1/s)'][:4].sum() / 4:.1f} times."
    )
    quick = goodput_over_time(server([0, 5, 10]))
    assert quick.takeaway == "At every point of this run, at least nine requests in ten were served."
