"""Files in which several cameras take turns: the source is found and named, and quiet weeks stay quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from simulator.monitors.blocks import block_length, edge_of
from simulator.monitors.column_roles import stretched, stretches
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable
from tests.monitors.worlds import ar1, shuffled_cameras

CAMERAS, ROWS, PHI = 24, 600, 0.9


def cameras(rng: np.random.Generator, count: int = CAMERAS, shared: float = 0.0, rows: int = ROWS) -> np.ndarray:
    """A series a camera, shape (rows, count); `shared` is the part of the variance that all have in common."""
    own = np.stack([ar1(rng, rows, PHI) for _ in range(count)], axis=1)
    return np.sqrt(1 - shared) * own + np.sqrt(shared) * ar1(rng, rows, PHI)[:, None]


def in_turns(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"brightness": cameras(rng).ravel(), "camera": np.tile([f"c{i}" for i in range(CAMERAS)], ROWS)})


def unnamed(rng: np.random.Generator) -> pd.DataFrame:
    return in_turns(rng)[["brightness"]]


def in_any_order(rng: np.random.Generator) -> pd.DataFrame:
    order = rng.permuted(np.tile(np.arange(CAMERAS), (ROWS, 1)), axis=1)
    values = np.take_along_axis(cameras(rng), order, axis=1)
    return pd.DataFrame({"brightness": values.ravel(), "camera": order.ravel()})


def on_levels(rng: np.random.Generator) -> pd.DataFrame:
    """Each camera has a level of its own, the same in both files."""
    levels = 2 * np.random.default_rng(0).normal(size=CAMERAS)
    return in_turns(rng).assign(brightness=(cameras(rng) + levels).ravel())


def one_after_the_other(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"brightness": cameras(rng, 6, rows=1000).T.ravel(), "camera": np.repeat(list("abcdef"), 1000)})


def in_one_weather(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"brightness": cameras(rng, 12, 0.5).ravel(), "camera": np.tile(list("abcdefghijkl"), ROWS)})


def one_stream(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"brightness": ar1(rng, 4000, PHI)})


LAYOUTS = [in_turns, unnamed, in_any_order, on_levels, one_after_the_other, in_one_weather, one_stream]


def reported(layout, seed, shift=0.0):
    rng = np.random.default_rng([seed, 5])
    reference, production = (MonitoredTable(name, layout(rng)) for name in ("reference", "production"))
    production.rows["brightness"] += shift
    columns = ("brightness",) if "camera" in reference.rows else ()
    return compare(reference, production, ReportRequest(columns=columns))


@pytest.mark.parametrize(("layout", "told"), [
    (in_turns, "'camera' names the source of a row"),
    (in_any_order, "'camera' names the source of a row"),
    (unnamed, "24 sources seem to take turns"),
    (one_after_the_other, None),
    (one_stream, None),
])  # fmt: skip
def test_the_source_is_named_where_rows_of_several_take_turns(layout, told):
    notes = [note for note in reported(layout, 1).notes if "source" in note]
    assert [told in note for note in notes] == ([True] if told else [])


@pytest.mark.parametrize("levels", [0.0, 2.0])
def test_cameras_in_no_order_without_a_column_are_noted_and_blocks_hold_many_rounds(levels):
    rng = np.random.default_rng(6)
    week = [MonitoredTable("a week", pd.DataFrame({"brightness": shuffled_cameras(rng, levels)})) for _ in range(2)]
    found = compare(*week, ReportRequest())
    assert any("several sources in no order" in note for note in found.notes)
    assert not any("take turns" in note for note in found.notes)
    assert found.findings[0].block > 6 * 2 * PHI / (1 - PHI**2) * 6  # rows of a round times edges of a camera


def test_a_word_of_each_row_is_no_source():
    rng = np.random.default_rng(2)
    tables = [
        MonitoredTable(name, pd.DataFrame({"score": ar1(rng, 2000, 0.8), "weather": rng.choice(["fog", "sun"], 2000)}))
        for name in ("reference", "production")
    ]
    assert not [note for note in compare(*tables, ReportRequest(columns=("score",))).notes if "source" in note]


def test_a_block_holds_as_many_rows_of_each_source_as_one_source_alone_would_need():
    rng = np.random.default_rng(3)
    series, codes = cameras(rng, 4, rows=4000), np.tile(np.arange(4), 4000)
    alone = block_length([series[:, 0]], (4000, 4000))
    mixed = block_length([series.ravel()], (16_000, 16_000), codes)
    assert mixed == pytest.approx(4 * alone, rel=0.35)
    truth = 2 * PHI / (1 - PHI**2)
    assert truth < edge_of([series.ravel()], codes).rows < 1.8 * truth


def test_independent_cameras_are_blocks_of_their_own_and_those_of_one_weather_are_not():
    """A shift of half a standard deviation is seen by 24 independent cameras, and not in blocks of twelve in one weather."""
    [apart] = reported(in_turns, 4, shift=0.5).findings
    [together] = reported(in_one_weather, 4, shift=0.5).findings
    assert (apart.verdict, together.verdict) == ("differs", "no difference seen")
    assert apart.block < ROWS < together.block


def test_that_cameras_see_different_things_hides_no_shift_that_all_of_them_show():
    [found] = reported(on_levels, 4, shift=0.5).findings
    assert found.verdict == "differs"
    assert found.answer.effect.interval.low < 0.5 < found.answer.effect.interval.high  # in SD within a camera


def test_blocks_stay_with_their_source_only_where_both_files_have_the_same_mix():
    week, without = np.tile([0, 1, 2], 40), np.tile([0, 1], 60)
    same = stretched(week, week, 10)
    assert [one.tolist() for one in same.sources] == [[0] * 4 + [1] * 4 + [2] * 4] * 2
    assert stretched(week, without, 10).sources is None
    assert stretched(week, week, 40).sources is None  # one block of a source shows nothing of how it varies


def test_a_column_that_all_cameras_share_has_blocks_of_all_cameras_though_another_column_has_not():
    """Independent brightness, and one temperature for all: to take cameras for independent there would be a false alarm."""
    rng = np.random.default_rng(8)

    def week():
        own, common = cameras(rng, 12), cameras(rng, 12, shared=0.95)
        frame = {"brightness": own.ravel(), "temperature": common.ravel(), "camera": np.tile(list("abcdefghijkl"), ROWS)}
        return MonitoredTable("a week", pd.DataFrame(frame))

    found = {one.column: one for one in compare(week(), week(), ReportRequest(columns=("brightness", "temperature"))).findings}
    assert found["brightness"].block < ROWS < found["temperature"].block


def test_a_block_of_a_source_is_a_stretch_of_its_rows():
    codes = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 0])
    assert stretches(codes, 2).tolist() == [0, 3, 0, 3, 1, 4, 1, 4, 2, 2]


def test_a_window_is_compared_with_the_same_hours_of_the_day():
    """It is dark at night, in both files. Of a quiet week every night would differ from whole days."""
    rng = np.random.default_rng(6)

    def week():
        hours = np.arange(0, 7 * 24, 0.05)
        values = np.cos(2 * np.pi * hours / 24) + 0.3 * rng.normal(size=len(hours))
        return MonitoredTable("a week", pd.DataFrame({"seen": 3600 * hours, "brightness": values}))

    asked = ReportRequest(time="seen", window_h=6, columns=("brightness",), independent=True)
    assert not compare(week(), week(), asked).differing


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
def test_quiet_weeks_stay_quiet_however_rows_are_laid_out(layout):
    weeks = 200
    claims = sum(bool(reported(layout, seed).differing) for seed in range(weeks))
    print(f"{layout.__name__}: {claims} of {weeks}")
    assert claims <= binom.ppf(0.995, weeks, 0.05)
