"""What struck, in words, and from when on nothing has changed."""

import pytest

from simulator.metrics.strikes import clock, strikes_of, struck_spans, told, unchanged_since
from simulator.records.timetables import DAY_S
from tests.builders import plan, pool

BALLS = {
    "surge": {"kind": "traffic", "label": "A surge", "note": "three times as many", "times": 3, "lasts_s": 60},
    "gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "replicas": 1},
    "dear": {"kind": "price", "label": "Dear", "times": 2, "lasts_s": 100},
}


def struck(seconds=1000, **strikes):
    return plan({"p": pool(replicas=2)}, curveballs=BALLS, strikes=strikes, seconds=seconds)


def test_strikes_come_in_the_order_of_time_with_their_ends():
    found = strikes_of(struck(gone=300.0, surge=200.0))
    assert [(one.name, one.start_s, one.end_s, one.to_the_end) for one in found] == [
        ("surge", 200, 260, False),
        ("gone", 300, 11_000, True),
    ]


def test_a_strike_is_told_with_its_time_its_length_and_what_it_does():
    made = struck(seconds=500, surge=200.0)
    assert told(made, strikes_of(made)[0]) == (
        "“A surge” struck at 00:03:20 (3.33 min into the run) and lasted 60.0 s: three times as many."
    )


def test_a_long_run_is_told_by_the_clock_too():
    run = {"days": 2, "drain_days": 1, "replications": 2, "starts_at": "20:00"}
    made = plan({"p": pool()}, run=run).scenario
    assert clock(made, 16 * 3600) == "12:00 (16.0 h into the run)"
    assert clock(made, 0) == "20:00 (0 s into the run)"


@pytest.mark.parametrize(
    ("strikes", "since"),
    [({}, 0), ({"surge": 200.0}, 260), ({"gone": 300.0}, 300), ({"surge": 200.0, "gone": 100.0}, 260), ({"surge": 960.0}, 0),
     ({"dear": 500.0}, 0)],
)  # fmt: skip
def test_nothing_changes_any_more_since_the_last_strike_began_or_ended(strikes, since):
    """A strike that begins when almost no request is left to come says nothing; a price moves no load."""
    assert unchanged_since(struck(**strikes), daily=False) == pytest.approx(since)


def test_where_days_repeat_whole_days_are_compared():
    made = plan({"p": pool()}, curveballs=BALLS, strikes={"surge": 0.5 * DAY_S}, seconds=2 * DAY_S, rate=0.001)
    assert unchanged_since(made, daily=True) == pytest.approx(DAY_S)
    assert unchanged_since(made, daily=False) == pytest.approx(0.5 * DAY_S + 60)


def test_what_strikes_after_the_last_request_changes_no_load():
    assert struck_spans(struck(gone=2000.0)) == []
