"""A simulated stream of frames, fed constant latencies, makes answers as late as the table of lateness holds them to be."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.run import simulate
from simulator.evidence.drive_tables import load_drives
from simulator.metrics.ages import arrived_at, known_from
from simulator.paths import DRIVES
from tests.builders import pool
from tests.encounters import vehicle_plan


def lags(latency_s):
    """By how many frames the newest answer is late at the instant of each frame of a stream at 10 Hz, shape (frames,)."""
    trace = simulate(vehicle_plan(latency_s=latency_s, seconds=40, stages={"look": pool(to="planner", replicas=8)}), 1)
    rows, came = arrived_at(trace, "planner")
    known = known_from(trace.columns.arrived[rows], came)
    frames = np.arange(50, 350)
    return frames - np.round(10 * (frames / 10 - known.ages(frames / 10 + 1e-9))).astype(int)


@pytest.mark.parametrize(("latency_s", "found"), [(0.1, 0.605), (0.2, 0.467), (0.3, 0.376), (0.5, 0.312)])
def test_a_constant_latency_loses_what_the_drives_say(latency_s, found):
    late = lags(latency_s)
    assert (late == late[0]).all()
    table = load_drives(DRIVES).lateness
    row = table[(table["seen_by"] == "kitti.yolox_x") & (table["by"] == "all") & (table["iou"] == 0.5) & ~table["predicted"]]
    assert row.loc[row["late_frames"] == late[0], "found"].item() == pytest.approx(found, abs=5e-4)


def test_a_little_more_than_a_frame_is_as_late_as_two():
    assert (lags(0.11) == 2).all()
