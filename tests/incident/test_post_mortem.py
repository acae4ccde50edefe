"""The post-mortem is written from the log, and its earlier monitors ring when a recount says so."""

from functools import partial

from simulator.incident.incident_score import score
from simulator.incident.monitoring import rings, watched
from simulator.incident.post_mortem import earlier_monitors, post_mortem
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.watches import Watch
from simulator.incident.wording import hours, moment
from tests.incident.plays import ONSET, case, fix, look, play, wait

ACTIONS = (
    {"kind": "watch", "watches": []},
    {"kind": "wait"},
    look("counters"),
    fix("technician"),
    {"kind": "diagnose", "cause": "blurred_camera", "confidence": 0.8},
    wait(24),
)


def test_every_line_of_the_log_is_in_it_with_the_monitors_that_ring_before_the_customer():
    made = play("blurred_camera", *ACTIONS, shape="abrupt")
    earlier = earlier_monitors(made)
    text = post_mortem(made, score(made), partial(moment, case()), earlier)
    assert text.startswith("# Post-mortem: The cameras of one site are out of focus")
    assert f"It began on {moment(case(), ONSET * DAY_S)}, all at once." in text
    assert "“The cameras of one site are out of focus”, 80% sure: right." in text
    page = made.notes[1]
    assert text.count(f"* First page: {moment(case(), page.until_s)}. {page.outcome(made.spec)}") == 1
    happened = text.split("## What happened")[1].split("## ")[0]
    assert happened.count("\n* ") == len(made.notes) and "80% sure" in happened
    assert f"\n* {moment(case(), page.until_s)}, after " in happened, "a wait stands at its end, as in the notebook"
    assert happened.count("Send a technician") == 1 and ", 8 h, 5,400 USD: Send a technician" in happened
    page_h = (made.notes[1].until_s / DAY_S - ONSET) * 24
    named = text.split("## What would have rung earlier")[1].split("## ")[0]
    quick = [pair for pair in earlier if pair[1] < page_h]
    assert (
        quick
        and named.count("\n* ") == min(len(quick), 5)
        and f"{quick[0][0].line()}: {hours(quick[0][1] * HOUR_S)} after" in named
    )


def test_a_diagnosis_that_was_replaced_is_left_out_and_prevention_is_to_be_filled_in():
    first = {"kind": "diagnose", "cause": "novel_objects", "confidence": 0.6}
    made = play("blurred_camera", *ACTIONS[:4], first, *ACTIONS[4:], shape="abrupt")
    text = post_mortem(made, score(made), partial(moment, case()), [])
    happened = text.split("## What happened")[1].split("## ")[0]
    assert "60% sure" not in text and happened.count("Diagnosis. ") == 1 and "80% sure" in happened
    assert happened.count("\n* ") == len(made.notes) - 1
    head, *rows = [line for line in text.split("## Prevention")[1].splitlines() if line.startswith("|")]
    assert head == "| step | owner | due |" and rows[1:] == ["|  |  |  |"] * 3


def test_without_a_fault_no_time_after_its_begin_is_told_and_no_monitor_should_have_rung():
    made = play("nothing", *ACTIONS[:2])
    text = post_mortem(made, score(made), partial(moment, case()), earlier_monitors(made))
    assert "* Nothing to detect or mitigate: no fault." in text and "* No monitor should have rung." in text
    assert "after the begin" not in text and "It began" not in text


def test_the_hours_of_an_earlier_monitor_are_those_of_its_first_alarm():
    made = play("blurred_camera", shape="abrupt")
    found = {(watch.statistic, watch.by): after for watch, after in earlier_monitors(made)}
    alarms = rings(watched(Watch(statistic="bytes", by="site", at=6), made.statistics()), ONSET * DAY_S)
    assert found["bytes", "site"] == (alarms[0].at_s - ONSET * DAY_S) / HOUR_S
    assert list(found.values()) == sorted(found.values())
