"""The score of detection: pages, harm and money of sets of monitors, counted by hand on the stream without any action."""

import pytest

from simulator.incident.incident_score import DetectionTrial
from simulator.incident.monitoring import rings, watched
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.watches import Watch
from tests.incident.plays import ONSET, fix, play, untouched, wait

BYTES = Watch(statistic="bytes", by="site", at=6)


def test_a_monitor_is_scored_by_its_first_alarm_the_harm_until_then_and_its_price():
    made = untouched("blurred_camera", "abrupt")
    found, spec = DetectionTrial(made).of([BYTES]), made.spec
    alarms = [ring for ring in rings(watched(BYTES, made.statistics()), made.start_s + 1) if ring.at_s <= made.end_s]
    page_s = min(ring.at_s for ring in alarms if ring.at_s >= ONSET * DAY_S)
    assert found.rang and found.paged_h == pytest.approx((page_s - ONSET * DAY_S) / HOUR_S)
    statistics = made.statistics()
    harm = statistics.excess[statistics.frames.at_s < page_s].sum() * spec.harm.usd.value
    assert found.harm_usd == pytest.approx(float(harm))
    weeks = (page_s - made.start_s) / (7 * DAY_S)
    pages = (1 + found.false_alarms) * spec.page_usd.value
    assert found.spent_usd == pytest.approx(spec.usd_a_week["bytes"].value * weeks + pages)


def test_without_monitors_a_customer_asks_and_nothing_is_paid():
    made = untouched("fog_season", "abrupt")
    found = DetectionTrial(made).of([])
    assert not found.rang and found.false_alarms == 0 and found.spent_usd == 0
    assert found.paged_h == pytest.approx((made.unpaged_complaint_s() - ONSET * DAY_S) / HOUR_S)
    assert 12 * made.spec.complaint_days <= found.paged_h <= 24 * made.spec.complaint_days


def test_no_single_monitor_that_is_tried_beats_the_best():
    trial = DetectionTrial(untouched("blurred_camera", "abrupt"))
    best = trial.best()
    assert len(best.watches) <= 1 and best.total_usd <= min(trial.of([BYTES]).total_usd, trial.of([]).total_usd)


def test_own_monitors_are_those_in_force_at_the_page_and_no_fix_moves_their_score():
    watch = {"kind": "watch", "watches": [BYTES.model_dump(mode="json")]}
    made = play("blurred_camera", watch, wait(24 * 2), fix("technician"), wait(24 * 4), shape="abrupt")
    assert DetectionTrial(made).own() == DetectionTrial(untouched("blurred_camera", "abrupt")).of([BYTES])
