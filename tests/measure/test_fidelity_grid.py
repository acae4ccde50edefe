"""A few points from end to end: a model that only waits, served for real, in process and over HTTP."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from simulator.measure import fidelity_grid as grids
from simulator.measure.fidelity_grid import FULL, QUICK, STRETCHES, Grid, Policy, measure, until_judged
from simulator.measure.forecast import outcome
from tests.evidence.test_fidelity_reports import GOOD, NOISY

TINY = Grid(
    models=(("sleeper", "fp32"),), policies=(Policy(1), Policy(4, 1.0)), loads=(0.3,), stretch_s=0.1, probe_s=0.1, run_s=0.2
)


class Sleeper:
    """Takes a millisecond for each sample."""

    def compute(self, samples):
        time.sleep(0.001 * len(samples))


def test_what_an_outcome_counts():
    scheduled = np.arange(100.0)
    found = outcome(scheduled, scheduled + np.arange(1, 101), objective_s=80)
    assert (found.p50_s, found.goodput) == (50.5, 0.8)
    assert found.throughput_per_s == 100 / 199


@pytest.mark.long
def test_every_point_is_predicted_run_twice_and_replayed():
    points = list(measure(TINY, lambda model, precision: Sleeper()))
    assert [point.policy for point in points] == ["one at a time", "up to 4, waits 1x"]
    for point in points:
        assert point.replayed is not None
        assert point.replayed.throughput_per_s == pytest.approx(point.real[0].throughput_per_s, rel=0.02)
        assert point.real[0].p50_s > 0.001
        assert len(point.speeds) == STRETCHES + 1
        assert 0 <= point.others_share <= 1
        assert point.low.p50_s <= point.predicted.p50_s <= point.high.p50_s
        assert 0 < point.predicted.p50_s < point.predicted.p95_s <= point.predicted.p99_s


class Wandering:
    """Points of a machine on a clock of its own: each agrees from some attempt on, and takes 10 s."""

    def __init__(self, *agrees_at):
        self.now, self.agrees_at, self.log = 0.0, agrees_at, []

    def measurements(self):
        return [partial(self.measure, number) for number in range(len(self.agrees_at))]

    def measure(self, number):
        self.log.append(number)
        self.now += 10.0
        agrees = self.log.count(number) >= self.agrees_at[number]
        return (GOOD if agrees else NOISY).model_copy(update={"policy": f"policy {number}"})

    def points(self, minutes):
        return list(until_judged(self.measurements(), minutes, lambda: self.now))


NEVER = 10**9


def test_without_time_each_point_is_measured_once():
    machine = Wandering(1, 2, NEVER)
    assert [point.attempt for point in machine.points(0)] == [1, 1, 1]
    assert machine.log == [0, 1, 2]


def test_points_that_differ_are_measured_again_in_turn_until_all_agree():
    machine = Wandering(1, 3, 2, 4)
    points = machine.points(60)
    assert machine.log == [0, 1, 2, 3, 1, 2, 3, 1, 3, 3]
    assert [point.attempt for point in points] == [1, 1, 1, 1, 2, 2, 2, 3, 3, 4]
    assert sum(point.repeats for point in points) == 4
    assert {point.seconds for point in points} == {10.0}


def test_points_are_measured_again_until_the_time_is_over():
    """A minute after the first pass of 30 s: six measurements of 10 s."""
    machine = Wandering(1, NEVER, NEVER)
    machine.points(1)
    assert machine.log == [0, 1, 2, 1, 2, 1, 2, 1, 2]
    assert machine.now == 90.0


def test_what_was_measured_is_there_when_the_next_measurement_is_interrupted():
    machine = Wandering(NEVER, NEVER)
    going = until_judged(machine.measurements(), 60, lambda: machine.now)
    assert [next(going).attempt for _ in range(3)] == [1, 1, 2]


def test_the_grids_are_as_large_as_they_should_be():
    here = replace(FULL, over_http=None)
    assert len(here.models) == 10 and len(here.policies) == 3 and len(here.loads) == 4
    assert here.points == 120
    assert QUICK.seconds < 5 * 60


@pytest.mark.long
def test_the_command_prints_one_object_and_keeps_the_report(casesim, monkeypatch, tmp_path):
    monkeypatch.setattr(grids, "QUICK", TINY)
    monkeypatch.setattr("simulator.measure.fidelity_grid.ready", lambda model, precision: Sleeper())
    result = casesim("fidelity", "--quick", "--json", "--out", tmp_path / "new" / "report.json")
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert told["points"] == 2
    assert told["forecast"][-1]["runs"] == 4
    assert told["forecast"][-1]["load"] is None
    assert {"points_judged", "all_points_p50_error_median", "all_points_noise_p99_median", "report"} <= told.keys()
    assert json.loads((tmp_path / "new" / "report.json").read_text())["points"] == told["report"]["points"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(casesim, tmp_path):
    (tmp_path / "file").write_text("")
    result = casesim("fidelity", "--quick", "--out", tmp_path / "file" / "report.json")
    assert result.status == 2
    assert "file" in result.err and "Traceback" not in result.err
