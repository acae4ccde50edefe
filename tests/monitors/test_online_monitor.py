"""Monitors that read rows as they come: what they raise, when, in any pieces, and from a file that grows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from simulator.intervals import share_interval
from simulator.monitors import OnlineMonitor, OnlineSettings
from simulator.monitors.camera_weeks import OUT_OF_FOCUS, camera_weeks
from simulator.monitors.drift_report import MonitorError
from simulator.monitors.monitor_tables import MonitoredTable, TableError
from simulator.monitors.online_monitor import GrowingFile, followed

SHARP = OnlineSettings(columns=("sharpness",))


@pytest.fixture(scope="module")
def weeks():
    return camera_weeks(5, OUT_OF_FOCUS)


def alarms_of(monitor, rows, piece):
    found = [alarm for at in range(0, len(rows), piece) for alarm in monitor.add(rows.iloc[at : at + piece])]
    return found + monitor.finish()


def test_a_fault_rings_within_half_a_day_at_its_place_and_not_before(weeks):
    monitor = OnlineMonitor.learn(weeks[0], SHARP)
    found = alarms_of(monitor, weeks[1].rows, 1200)
    assert {alarm.place for alarm in found} == {"", "Office"}
    first = min(found, key=lambda alarm: alarm.end_h)
    assert pd.Timestamp("2026-01-14 09:00") < pd.Timestamp(first.end_h * 3600, unit="s") < pd.Timestamp("2026-01-14 21:00")
    usual = r"mean of sharpness \(Office\) [\d.]+, usually [\d.]+ to [\d.]+; 27 rows"
    assert re.fullmatch(rf"2026-01-14 \d\d:00 to 2026-01-14 \d\d:00: {usual}", first.sentence())
    assert first.value < first.low < first.high


def test_alarms_do_not_depend_on_the_pieces_in_that_rows_come(weeks):
    asked = OnlineSettings(columns=("sharpness", "weather"), window_h=6)
    rows = weeks[1].rows.iloc[:3600]
    whole, pieces = (alarms_of(OnlineMonitor.learn(weeks[0], asked), rows, piece) for piece in (3600, 77))
    assert whole == pieces


def test_the_promise_is_shared_by_all_windows_of_30_days(weeks):
    """Mean of sharpness at four sites and overall, in 240 windows: 1 in 1200 each."""
    monitor = OnlineMonitor.learn(weeks[0], SHARP)
    assert (len(monitor.watched), monitor.level) == (5, pytest.approx(1 / 1200))


def test_a_row_that_comes_after_its_window_is_counted_and_left_out(weeks):
    monitor = OnlineMonitor.learn(weeks[0], SHARP)
    monitor.add(weeks[1].rows.iloc[:600])
    monitor.add(weeks[1].rows.iloc[:12])
    assert (monitor.late, monitor.seen) == (12, 612)


def test_weather_that_rarely_changes_has_no_band(weeks):
    """A week of mostly clear sky says little of fog: a band from it would ring at the first change of weather."""
    monitor = OnlineMonitor.learn(weeks[0], OnlineSettings(columns=("sharpness", "weather")))
    assert {one.figure.column for one in monitor.watched} == {"sharpness"}


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        ({"drop": "timestamp"}, SHARP, "reference: no column holds the time of each row; name it with --time"),
        ({}, OnlineSettings(columns=("sharpnes",)), "reference: there is no column 'sharpnes'; did you mean 'sharpness'?"),
        ({"rows": 300}, SHARP, "reference: in windows of 3 h, no column has 20 chunks that vary"),
    ],
)
def test_a_reference_that_teaches_nothing_is_refused(weeks, change, settings, said):
    frame = weeks[0].rows.drop(columns=change.get("drop", [])).iloc[: change.get("rows", 10_000)]
    with pytest.raises((MonitorError, TableError)) as refused:
        OnlineMonitor.learn(MonitoredTable("reference", frame), settings)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("wrong", "said"), [
    ({"window_h": 0}, "window: expected hours above 0 and up to 720, got 0"),
    ({"false_alarms": -1}, "false alarms: expected a number above 0 in 30 days, got -1"),
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(MonitorError, match=said):
        OnlineSettings(**wrong)


@pytest.mark.long
def test_quiet_weeks_ring_as_rarely_as_promised():
    """One false alarm in 30 days: 28 in 120 weeks. Alarms come in clusters where cameras share the weather."""
    columns = ("brightness", "sharpness", "boxes", "confidence", "weather")
    counts = []
    for seed in range(120):
        reference, quiet = camera_weeks(seed, ())
        counts.append(len(alarms_of(OnlineMonitor.learn(reference, OnlineSettings(columns=columns)), quiet.rows, 2000)))
    print(f"{sum(counts)} alarms in {len(counts)} weeks, {np.count_nonzero(counts)} weeks with any")
    assert sum(counts) / 28 <= 2
    assert share_interval(np.count_nonzero(counts), len(counts)).low <= 1 - np.exp(-7 / 30)


# A file that grows


def test_a_growing_file_gives_whole_lines_once(tmp_path):
    file = tmp_path / "live.csv"
    file.write_bytes(b"t,x\n")
    growing = GrowingFile(file)
    assert growing.new_rows() is None
    with file.open("ab") as out:
        out.write(b"1,2\n3,")
    first = growing.new_rows()
    assert (first.rows.to_numpy().tolist(), first.first) == ([[1, 2]], 2)
    with file.open("ab") as out:
        out.write(b"4\n")
    second = growing.new_rows()
    assert (second.rows.to_numpy().tolist(), second.at(0)) == ([[3, 4]], "live.csv, line 3")


def test_following_ends_after_a_silence_with_the_alarms_of_the_whole_file(weeks, tmp_path):
    file, rows = tmp_path / "live.csv", weeks[1].rows
    rows.iloc[:3000].to_csv(file, index=False)
    rest = [rows.iloc[3000:3600], None]

    def sleep(_: float) -> None:
        part = rest.pop(0) if rest else None
        if part is not None:
            part.to_csv(file, mode="a", header=False, index=False)

    found = [*followed(file, OnlineMonitor.learn(weeks[0], SHARP), 1.0, sleep)]
    assert found == alarms_of(OnlineMonitor.learn(weeks[0], SHARP), rows.iloc[:3600], 3600)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"timestamp,site,sharpness\n2026-01-12T00:00,Office,1,9\n",
            "live.csv, lines 2 to 2: a line has more cells than the header",
        ),
        (
            b"timestamp,site,sharpness\n2026-01-12T00:00,Office,much\n",
            "live.csv, line 2, column 'sharpness': expected a number",
        ),
        (b"timestamp,site,sharpness\nnoon,Office,1\n", "live.csv, line 2, column 'timestamp': expected seconds, or a time"),
        (b"timestamp,sharpness\n2026-01-12T00:00,1\n", "live.csv: there is no column 'site'"),
        (b"timestamp,site,sharpness\n2026-01-12T00:00,Offic\xe9,1\n", "live.csv, lines 2 to 2: cannot be read: 'utf-8' codec"),
    ],
)
def test_a_wrong_line_of_a_growing_file_is_named(weeks, tmp_path, content, said):
    file = tmp_path / "live.csv"
    file.write_bytes(content)
    with pytest.raises(TableError) as refused:
        [*followed(file, OnlineMonitor.learn(weeks[0], SHARP), 0.5, lambda _: None)]
    assert str(refused.value).startswith(said)


def test_files_that_cannot_be_followed_are_refused(tmp_path):
    with pytest.raises(TableError, match=r"live\.parquet: expected a CSV file to follow"):
        GrowingFile(tmp_path / "live.parquet")
    with pytest.raises(TableError, match=r"live\.csv: there is no such file"):
        GrowingFile(tmp_path / "live.csv")
    file = tmp_path / "live.csv"
    file.write_bytes(b"t,x\n1,2\n")
    growing = GrowingFile(file)
    growing.new_rows()
    file.write_bytes(b"t")
    with pytest.raises(TableError, match=r"live\.csv: is shorter than before \(1 of 8 bytes\): start again"):
        growing.new_rows()
