"""What monitors say of files whose truth is known: as a whole, by slice, over time, with corrections and empty cells."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, false_discovery_control, ks_2samp

from simulator.limits import MONITORED_PARTS
from simulator.monitors import drift_sentences as sentences
from simulator.monitors.drift_report import (
    TOGETHER,
    DriftFinding,
    Monitored,
    MonitorError,
    ReportRequest,
    _check_windows,
    _windows,
    compare,
    correct,
)
from simulator.monitors.monitor_tables import MonitoredTable
from tests.monitors.worlds import ar1, scenes

PLAIN = ReportRequest(independent=True)


def rows(seed: int, count: int = 300, **changes: object) -> MonitoredTable:
    """Independent rows of a number, a count and a category."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "brightness": rng.normal(100, 20, count),
            "boxes": rng.poisson(3, count).astype(int),
            "weather": rng.choice(["clear", "fog"], count, p=[0.7, 0.3]),
        }
    )
    return MonitoredTable("a file", frame.assign(**changes))


def only(found: Monitored, column: str, part: str = "") -> DriftFinding:
    return next(one for one in found.findings if (one.column, one.part) == (column, part))


def test_plain_p_values_are_those_of_scipy() -> None:
    first, second = rows(0), rows(1, 200)
    found = compare(first, second, PLAIN)
    told = ks_2samp(first.rows["brightness"], second.rows["brightness"])
    answer = only(found, "brightness").answer
    assert (answer.statistic, answer.p) == pytest.approx((told.statistic, told.pvalue))
    counts = [table.rows["weather"].value_counts().sort_index() for table in (first, second)]
    assert only(found, "weather").answer.p == pytest.approx(chi2_contingency(counts, correction=False).pvalue)
    assert not found.differing and only(found, "brightness").rows == (300, 200)


@settings(max_examples=6)
@given(st.integers(0, 1000), st.permutations(range(60)))
def test_the_order_of_rows_changes_nothing_where_rows_are_independent(seed: int, order: list[int]) -> None:
    asked = ReportRequest(tests=("ks", "chi2", "psi", "wasserstein"), independent=True)
    production = rows(seed + 1, 60)
    mixed = MonitoredTable("mixed", production.rows.iloc[order].reset_index(drop=True))
    first, second = (compare(rows(seed, 50), one, asked).findings for one in (production, mixed))
    for one, other in zip(first, second, strict=True):
        assert (one.column, one.test, one.verdict) == (other.column, other.test, other.verdict)
        assert (one.answer.p, one.answer.statistic) == pytest.approx((other.answer.p, other.answer.statistic))
        assert vars(one.answer.effect.interval) == pytest.approx(vars(other.answer.effect.interval))


@settings(max_examples=4)
@given(st.integers(0, 1000), st.booleans())
def test_nothing_differs_between_identical_files(seed: int, independent: bool) -> None:
    asked = ReportRequest(tests=("ks", "chi2", "psi", "wasserstein", "mmd", "cusum"), independent=independent)
    found = compare(rows(seed, 80), rows(seed, 80), asked)
    assert not found.differing
    tests = ("ks", "chi2", "psi", "wasserstein")
    assert all(one.answer.p == 1 and one.answer.statistic == pytest.approx(0) for one in found.findings if one.test in tests)
    assert sentences.answer(found) == "No difference was seen in 3 columns."


def test_effects_are_told_with_intervals_that_hold_the_truth() -> None:
    """A shift of one standard deviation, and 30 points more fog: the largest change comes first."""
    rng = np.random.default_rng(9)
    changed = rows(3, 500, brightness=rng.normal(120, 20, 500), weather=rng.choice(["clear", "fog"], 500, p=[0.4, 0.6]))
    found = compare(rows(2, 500), changed)
    assert [one.column for one in found.differing] == ["brightness", "weather"]
    shift, share = only(found, "brightness").answer.effect, only(found, "weather").answer.effect
    assert shift.interval.low < 1 < shift.interval.high and shift.interval.high - shift.interval.low < 0.35
    assert abs(share.interval.value) == pytest.approx(0.3, abs=0.08) and share.interval.low * share.interval.high > 0
    assert sentences.answer(found).startswith("2 of 3 columns differ; the largest change is in 'brightness': mean +")


def test_a_step_in_production_is_not_taken_for_rows_that_resemble_each_other() -> None:
    rng = np.random.default_rng(6)
    stepped = np.concatenate([rng.normal(100, 20, 150), rng.normal(70, 20, 150)])
    found = compare(rows(5), rows(6, brightness=stepped), ReportRequest(tests=("ks", "cusum"), columns=("brightness",)))
    assert [one.verdict for one in found.findings] == ["differs", "differs"]
    assert 140 <= (found.findings[1].alarm or 0) <= 155


def test_a_slice_shows_what_the_whole_hides() -> None:
    rng = np.random.default_rng(7)
    site = np.repeat(["north", "south", "west"], 200)
    changed = np.where(site == "west", rng.normal(100, 55, 600), rng.normal(100, 20, 600))
    reference, production = rows(8, 600, site=site), rows(9, 600, site=site, brightness=changed)
    found = compare(reference, production, ReportRequest(by="site", columns=("brightness",), independent=True))
    assert [one.part for one in found.findings] == ["", "site = north", "site = south", "site = west"]
    assert only(found, "brightness", "site = west").verdict == "differs"
    assert only(found, "brightness", "site = north").verdict == only(found, "brightness", "site = south").verdict
    assert only(found, "brightness", "site = west").answer.p < 1e-3 * only(found, "brightness").answer.p


def test_a_slice_that_only_one_file_has_is_told() -> None:
    site = np.array(["north"] * 290 + ["new"] * 10)
    found = compare(rows(0, site="north"), rows(1, site=site), ReportRequest(by="site", independent=True))
    assert found.notes == ["site = new: 0 rows of the reference and 10 of production, fewer than 20: not compared"]


@pytest.mark.long
def test_windows_tell_when_it_began_however_the_rows_are_ordered() -> None:
    """The reference is shorter than two days, so that no course of the day is taken out: it would take part of the step."""
    stamps = pd.date_range("2026-01-01", periods=300, freq="5min").strftime("%Y-%m-%dT%H:%M").to_numpy()
    rng = np.random.default_rng(1)
    begun = np.where(np.arange(300) < 180, rng.normal(100, 20, 300), rng.normal(140, 20, 300))
    mixed = rng.permutation(300)
    production = MonitoredTable("late", rows(3, brightness=begun, seen=stamps).rows.iloc[mixed].reset_index(drop=True))
    asked = ReportRequest(tests=("ks", "cusum"), time="seen", window_h=7.5, columns=("brightness",))
    found = compare(rows(2, seen=stamps), production, asked)
    verdicts = {one.part: one.verdict for one in found.findings if one.test == "ks"}
    assert verdicts == {
        "": "differs",
        "hours 0 to 7.5": "no difference seen",
        "hours 7.5 to 15": "no difference seen",
        "hours 15 to 22.5": "differs",
        "hours 22.5 to 30": "differs",
    }
    alarm = next(one.alarm for one in found.findings if one.test == "cusum" and one.part == "")
    assert 175 <= mixed[alarm or 0] <= 185


def test_groups_stay_together_and_too_few_of_them_cannot_tell() -> None:
    """Two scenes against two: six ways to deal them, so no p lies below 1/6, however different they look."""
    four = np.repeat([0, 1], 50)
    reference, production = rows(0, 100, scene=four), rows(1, 100, scene=four, brightness=500.0 + np.arange(100))
    asked = ReportRequest(group="scene", columns=("brightness",))
    told = only(compare(reference, production, asked), "brightness")
    assert told.verdict == "cannot tell" and told.answer.p >= 1 / 6 and told.answer.least_p == pytest.approx(1 / 6)
    found = compare(reference, production, ReportRequest(independent=True, columns=("brightness",)))
    assert only(found, "brightness").verdict == "differs"
    assert sentences.answer(compare(reference, production, asked)).startswith("Cannot tell whether any of 1 column differs")


def test_a_constant_column_that_moves_or_spreads_differs() -> None:
    """In standard deviations of both files, as the reference has none: half of the rows at 1, half at 2."""
    one = MonitoredTable("one", pd.DataFrame({"x": np.ones(40)}))
    moved = compare(
        one, MonitoredTable("two", pd.DataFrame({"x": np.full(40, 2.0)})), ReportRequest(tests=("wasserstein", "chi2"))
    )
    assert [finding.verdict for finding in moved.findings] == ["differs", "differs"]
    assert moved.findings[0].answer.effect.interval.value == pytest.approx(2)
    share = moved.findings[1].answer.effect.interval
    assert (share.value, share.high) == (-1, pytest.approx(3 / 40 - 1))  # rule of three, never a width of 0
    spread = compare(one, MonitoredTable("two", pd.DataFrame({"x": np.random.default_rng(0).normal(1, 1, 40)}))).findings[0]
    assert spread.verdict == "differs" and abs(spread.answer.effect.interval.high) < 1


def test_no_interval_is_told_of_two_groups() -> None:
    tables = [rows(seed, 100, scene=np.repeat([0, 1], 50)) for seed in (0, 1)]
    found = compare(*tables, ReportRequest(group="scene", tests=("ks", "psi", "chi2")))
    assert all(sentences.effect(one.answer.effect).endswith("[unknown]") for one in found.findings)
    assert all(np.isinf(one.answer.effect.interval.high) for one in found.findings)


def test_groups_that_are_too_short_are_told() -> None:
    frames = [
        pd.DataFrame({"brightness": ar1(np.random.default_rng(seed), 600, 0.95), "scene": np.arange(600) // 5})
        for seed in (0, 1)
    ]
    found = compare(MonitoredTable("one", frames[0]), MonitoredTable("other", frames[1]), ReportRequest(group="scene"))
    assert len(found.notes) == 1 and "neighbouring groups of the reference resemble each other" in found.notes[0]


def test_what_would_have_been_seen_grows_with_fewer_independent_rows() -> None:
    """Rows that are copies in tens tell as much as a tenth of them: the smallest shift is sqrt(10) times as large."""
    rng = np.random.default_rng(0)
    many = [np.repeat(rng.normal(size=200), 10) for _ in range(2)]
    tables = [MonitoredTable("copies", pd.DataFrame({"x": values, "scene": np.repeat(np.arange(200), 10)})) for values in many]
    grouped = compare(*tables, ReportRequest(group="scene")).findings[0].answer
    plain = compare(*tables, ReportRequest(independent=True, columns=("x",))).findings[0].answer
    assert grouped.independent == pytest.approx((200, 200), rel=0.02)
    assert (grouped.smallest or 0) / (plain.smallest or 1) == pytest.approx(np.sqrt(10), rel=0.02)


def test_empty_cells_are_left_out_and_their_share_is_a_column_of_its_own() -> None:
    holes = rows(1).rows["brightness"].where(np.arange(300) % 5 > 0)
    found = compare(rows(0), rows(1, brightness=holes), PLAIN)
    assert only(found, "brightness").rows == (300, 240)
    told = only(found, "brightness is empty")
    assert told.verdict == "differs" and abs(told.answer.effect.interval.value) == pytest.approx(0.2)
    assert found.notes[0].startswith("'brightness' has empty cells, 0 of 300 in the reference and 60 of 300 in production")


def test_mmd_sees_columns_that_change_together() -> None:
    rng = np.random.default_rng(0)
    pairs = [rng.multivariate_normal([0, 0], [[1, sign * 0.8], [sign * 0.8, 1]], 200) for sign in (1, -1)]
    tables = [MonitoredTable("pair", pd.DataFrame(pair, columns=["x", "y"])) for pair in pairs]
    found = compare(*tables, ReportRequest(tests=("ks", "mmd"), independent=True))
    assert [one.column for one in found.differing] == [TOGETHER]
    assert sentences.answer(found) == "The numbers together differ, but no difference was seen in any single column."


def test_scenes_are_compared_by_mmd_without_false_alarm() -> None:
    frames = []
    for seed in (0, 1):
        values, names = scenes(np.random.default_rng(seed), 60, 12)
        frames.append(pd.DataFrame({"x": values, "y": values**2, "scene": names}))
    tables = [MonitoredTable("scenes", frame) for frame in frames]
    assert not compare(*tables, ReportRequest(tests=("mmd",), group="scene")).differing
    assert compare(*tables, ReportRequest(tests=("mmd",), independent=True, columns=("x", "y"))).differing


def test_corrections() -> None:
    """Holm's own steps by hand: 4 x .01, 3 x .02 where 4 x .01 is less, 2 x .03, .04, none below the one before."""
    p = np.array([0.04, 0.01, 0.03, 0.02])
    assert correct(p, "holm") == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert correct(p, "bh") == pytest.approx(false_discovery_control(p)) and correct(p, "none") is p
    assert correct(np.array([0.5, 0.9]), "holm") == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tests": ("zzz",)}, "there is no test 'zzz'; expected one of: ks, chi2"),
        ({"tests": ("wasserstien",)}, "there is no test 'wasserstien'; did you mean 'wasserstein'?"),
        ({"level": 5}, "level: expected a number between 0 and 1, got 5"),
        ({"window_h": -1.0, "time": "t"}, "a window takes a number of hours above 0"),
        ({"group": "scene", "independent": True}, "rows are either independent or grouped by 'scene', not both"),
    ],
)
def test_questions_that_make_no_sense_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(MonitorError) as refused:
        ReportRequest(**wrong)  # type: ignore[arg-type]
    assert told in str(refused.value)


def test_a_window_without_a_time_is_refused() -> None:
    with pytest.raises(MonitorError, match="a window takes a number of hours above 0, and --time"):
        compare(rows(0), rows(1), ReportRequest(window_h=6.0))


def test_a_test_that_fits_no_column_is_told() -> None:
    with pytest.raises(MonitorError, match="none of the tests ks fits any of the columns: 'weather' holds words"):
        compare(rows(0), rows(1), ReportRequest(tests=("ks",), columns=("weather",)))


@pytest.mark.parametrize(
    ("window_h", "last_s", "said", "would_do"),
    [
        (1, 1e13, "'seen' spans 2.77778e+09 h, 2,777,777,778 windows of 1 h;", "at least 2,900,000 h"),
        (1e-9, 3600, "'seen' spans 1 h, 1,000,000,000 windows of 1e-09 h;", "at least 0.0011 h"),
        (1e-300, 1e90, "endlessly many windows of 1e-300 h;", "at least 2.9e+83 h"),
    ],
)
def test_more_windows_than_are_compared_are_refused_with_a_width_that_would_do(
    window_h: float, last_s: float, said: str, would_do: str
) -> None:
    table = rows(0, 60, seen=[*map(float, range(59)), last_s])
    with pytest.raises(MonitorError) as refused:
        compare(table, table, ReportRequest(time="seen", window_h=window_h))
    assert str(refused.value).startswith("a file: 'seen' spans ")
    assert f"{said} at most 1,000 are compared: make the window {would_do}, or correct the times" in str(refused.value)


@settings(max_examples=50)
@given(st.floats(1e-6, 1e9), st.floats(1e-9, 1e6))
def test_the_width_that_is_named_would_do(span_h: float, window_h: float) -> None:
    table, hours = rows(0, 30), np.linspace(0, span_h, 30)
    try:
        _check_windows(table, "seen", hours, window_h)
    except MonitorError as error:
        assert span_h / window_h >= MONITORED_PARTS.most
        named = str(error).split("make the window at least ")[1].split(" h")[0]
        _check_windows(table, "seen", hours, float(named.replace(",", "")))
        assert float(named.replace(",", "")) < 1.2 * span_h / MONITORED_PARTS.most
    else:
        assert np.unique(hours // window_h).size <= MONITORED_PARTS.most


def test_windows_take_no_memory_before_their_turn() -> None:
    """A thousand windows of a hundred thousand rows would take 200 MB at once."""
    count = 100_000
    table = MonitoredTable("a file", pd.DataFrame({"seen": 36.0 * np.arange(count), "score": np.tile([0.0, 1.0], count // 2)}))
    tracemalloc.start()
    parts = _windows(table, table, "seen", 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(parts), parts[7].sizes[1]] == [1000, 100]
    assert 41 * 99 <= parts[7].sizes[0] <= 42 * 100  # the same hour of each of 42 days
    assert peak < 20e6


def test_more_slices_than_are_compared_are_refused() -> None:
    table = rows(0, 1100, image=[f"i{number}" for number in range(1100)])
    with pytest.raises(
        MonitorError, match="a file: 'image' has 1,100 different words, a slice each; at most 1,000 are compared"
    ):
        compare(table, table, ReportRequest(by="image"))
