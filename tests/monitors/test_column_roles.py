"""Columns whose name and content show their role, and names whose content does not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.monitors.camera_weeks import camera_weeks
from simulator.monitors.column_roles import ColumnRoles, recognised
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable, times
from tests.monitors.worlds import ar1, scenes

STAMPS = pd.date_range("2026-01-01", periods=200, freq="h").strftime("%Y-%m-%dT%H:%M")


def roles(**columns: object) -> ColumnRoles:
    frame = pd.DataFrame({"score": np.random.default_rng(0).normal(size=200)} | columns)
    return recognised(MonitoredTable("one", frame), MonitoredTable("other", frame.copy()))


def test_the_columns_of_a_fleet_of_cameras_are_recognised():
    found = recognised(*camera_weeks())
    assert (found.time, found.source, found.place, found.group) == ("timestamp", "camera", "site", None)
    assert found.notes["time"] == "'timestamp' is taken as the time: every cell holds a time"
    assert found.notes["source"] == "'camera' is taken as the source of a row: 12 names, 504 rows of each on average"


@pytest.mark.parametrize("name", ["timestamp", "captured_at", "Time", "frameTime", "seen"])
@pytest.mark.parametrize("values", [STAMPS, 3600.0 * np.arange(200), 1_767_000_000_000 + 3_600_000 * np.arange(200)])
def test_a_time_is_recognised_by_its_name_and_its_content(name, values):
    assert roles(**{name: values}).time == name


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("timestamp", ["noon"] * 200),
        ("time", [5.0] * 200),
        ("made", STAMPS),
        ("seen", np.random.default_rng(0).permutation(200)),
    ],
)
def test_a_name_without_the_content_of_a_time_is_no_time(name, values):
    assert roles(**{name: values}).time is None


def test_milliseconds_since_1970_are_times():
    seconds, milliseconds = (MonitoredTable("a", pd.DataFrame({"t": [one, one]})) for one in (1_767_225_600, 1_767_225_600_000))
    assert times(milliseconds, "t").tolist() == times(seconds, "t").tolist()


def test_cameras_have_rows_of_their_own_and_names_of_rows_are_none():
    assert roles(camera=np.tile(np.arange(10), 20)).source == "camera"
    assert roles(camera_id=np.tile(list("abcd"), 50)).source == "camera_id"
    assert roles(camera=np.arange(200)).source is None
    assert roles(camera=np.full(200, 7)).source is None
    assert roles(device=np.linspace(0.1, 0.9, 200)).source is None


def test_scenes_that_are_independent_are_groups_and_scenes_that_resemble_their_neighbours_are_not():
    values, names = scenes(np.random.default_rng(1), 60, 12)
    apart = MonitoredTable("a", pd.DataFrame({"score": values, "scene": names}))
    assert recognised(apart, apart).group == "scene"
    alike = MonitoredTable("a", pd.DataFrame({"score": ar1(np.random.default_rng(0), 600, 0.95), "scene": np.arange(600) // 5}))
    assert recognised(alike, alike).group is None


def test_a_request_takes_what_it_does_not_name_unless_it_declines():
    found = ColumnRoles(time="timestamp", source="camera", group="scene")
    assert ReportRequest().with_roles(found).time == "timestamp"
    assert ReportRequest(time="seen").with_roles(found).time == "seen"
    assert ReportRequest().with_roles(found, ["time"]).time is None
    assert ReportRequest(independent=True).with_roles(found).group is None
    assert ReportRequest().with_roles(found).names == ("camera",)


def test_numbers_that_name_a_camera_are_compared_as_names():
    frames = [pd.DataFrame({"camera": np.tile(np.arange(1000, 1040), 20)}) for _ in range(2)]
    tables = [MonitoredTable("a", frame) for frame in frames]
    [found] = compare(*tables, ReportRequest(names=("camera",))).findings
    assert found.test == "chi2"
