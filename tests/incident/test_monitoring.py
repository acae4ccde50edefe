"""Monitors: each window worked out again by scipy, by another module and by hand, and how often quiet weeks ring."""

from functools import lru_cache
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from simulator.incident.frame_columns import ServedFrames
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.monitoring import WatchError, collected, ks, priced, rings, watched
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.watches import Watch
from simulator.intervals import mean_interval
from tests.incident.plays import ONSET, case, grid, secret_of, statistics_of, untouched

SPEC = case().incident
numbers = st.lists(st.integers(-20, 20).map(lambda value: value / 4), min_size=8, max_size=60).map(np.array)


@pytest.fixture(scope="module")
def foggy() -> FrameStatistics:
    return statistics_of(secret_of("fog_season", "abrupt"), served=grid(6000))


def windows_of(statistics: FrameStatistics, watch: Watch) -> tuple[np.ndarray, np.ndarray, int]:
    """Values, the window of each, and how many windows the reference has."""
    window = (statistics.frames.at_s // (watch.window_h * HOUR_S)).astype(int)
    return statistics.figure(watch.statistic), window, int(SPEC.reference_days * 24 / watch.window_h)


# Tests against scipy


@given(numbers, numbers)
def test_ks_is_the_largest_gap_with_the_p_of_as_many_rows_as_both_are_worth(first, second):
    gap = max(abs((first <= value).mean() - (second <= value).mean()) for value in np.concatenate([first, second]))
    rows = len(first) * len(second) / (len(first) + len(second))
    assert ks(first, second) == pytest.approx((gap, stats.kstwo.sf(gap, np.round(rows))), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("reference", ["first", "collected"])
def test_p_of_ks_is_scipys_in_each_window(foggy, reference):
    watch = Watch(statistic="contrast", test="ks", rings="p", at=0.01, reference=reference)
    values, window, first = windows_of(foggy, watch)
    [series] = watched(watch, foggy)
    known = collected(foggy, Watch(statistic="contrast")) if reference == "collected" else values[window < first]
    for place in range(first, 28):
        expected = stats.ks_2samp(known, values[window == place], method="asymp")
        assert (series.value[place], series.score[place]) == pytest.approx(
            (expected.statistic, expected.pvalue), rel=1e-6, abs=1e-12
        )
    assert np.array_equal(series.rings[first:], series.score[first:] < 0.01) and not series.rings[:first].any()


@pytest.mark.parametrize("test", ["psi", "chi2", "wasserstein"])
def test_distances_are_those_of_scipy_and_of_a_sum_by_hand(foggy, test):
    watch = Watch(statistic="sharpness", test=test, rings="p" if test == "chi2" else "spread", at=0.01 if test == "chi2" else 3)
    values, window, first = windows_of(foggy, watch)
    [series] = watched(watch, foggy)
    found = []
    for place in range(28):
        known = values[(window < first) & (window != place)]
        now = values[window == place]
        edges = np.unique(np.quantile(known, np.arange(1, 10) / 10))
        table = np.array([np.histogram(each, [-np.inf, *edges, np.inf])[0] for each in (known, now)], float)
        if test == "wasserstein":
            found.append(stats.wasserstein_distance(known, now) / known.std())
        elif test == "psi":
            q, p = (np.maximum(row, 0.5) / row.sum() for row in table)
            found.append(sum((one - other) * log(one / other) for one, other in zip(p, q, strict=True)))
        else:
            expected = stats.chi2_contingency(table, correction=False)
            found.append(expected.statistic)
            assert series.score[place] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-14)
    assert series.value == pytest.approx(found, rel=1e-6)
    if test != "chi2":
        known = np.array(found[:first])
        score = (np.array(found) - known.mean()) / known.std(ddof=1)
        assert series.score == pytest.approx(score, rel=1e-6)
        assert np.array_equal(series.rings[first:], score[first:] > 3)
        assert series.usual == pytest.approx((0, known.mean() + 3 * known.std(ddof=1)))


def test_mmd_is_the_unbiased_estimate_with_the_median_distance(foggy):
    [series] = watched(Watch(statistic="features", test="mmd", window_h=48, at=3), foggy)
    rows = read_scenes().features[foggy.frames.given, foggy.frames.scene].astype(float)
    window = (foggy.frames.at_s // (48 * HOUR_S)).astype(int)

    def thinned(mine):
        places = np.flatnonzero(mine)
        return rows[places[np.linspace(0, len(places) - 1, min(200, len(places))).astype(int)]]

    first, now = thinned(window < 3), thinned(window == 8)
    width = np.median(pdist(first))
    within = [np.exp(-(pdist(each) ** 2) / (2 * width**2)).mean() for each in (first, now)]
    squared = sum(within) - 2 * np.exp(-(cdist(first, now) ** 2) / (2 * width**2)).mean()
    assert series.value[8] == pytest.approx(np.sqrt(max(squared, 0)), abs=1e-9)


# Means


def test_means_of_windows_and_the_spread_of_those_of_the_reference(foggy):
    watch = Watch(statistic="found", by="site", at=3)
    values, window, first = windows_of(foggy, watch)
    for place, series in enumerate(watched(watch, foggy)):
        mine = foggy.frames.site == place
        means = np.array([values[mine & (window == each)].mean() for each in range(28)])
        known = means[:first]
        score = np.abs(means - known.mean()) / known.std(ddof=1)
        assert series.value == pytest.approx(means) and series.score == pytest.approx(score)
        assert np.array_equal(series.rings[first:], score[first:] > 3)
        assert series.usual == pytest.approx((known.mean() - 3 * known.std(ddof=1), known.mean() + 3 * known.std(ddof=1)))


def test_a_window_below_a_day_is_compared_with_the_same_time_of_other_days(foggy):
    """Four windows a day: deviations from four means, whose squares have 28 - 4 degrees of freedom."""
    watch = Watch(statistic="found", window_h=6, at=3)
    values, window, _ = windows_of(foggy, watch)
    means = np.array([values[window == each].mean() for each in range(112)]).reshape(28, 4)
    by_phase = means[:7].mean(axis=0)
    spread = np.sqrt(((means[:7] - by_phase) ** 2).sum() / (28 - 4))
    [series] = watched(watch, foggy)
    assert series.score == pytest.approx((np.abs(means - by_phase) / spread).ravel())


def test_p_of_a_mean_is_welchs_with_normal_tails(foggy):
    watch = Watch(statistic="brightness", rings="p", at=0.01)
    values, window, first = windows_of(foggy, watch)
    [series] = watched(watch, foggy)
    for place in range(first, 28):
        one, other = values[window == place], values[window < first]
        z = (one.mean() - other.mean()) / np.sqrt(one.var() / len(one) + other.var(ddof=1) / len(other))
        assert series.score[place] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-6, abs=1e-15)


def test_recall_of_a_window_is_what_was_found_of_what_was_there(foggy):
    [series] = watched(Watch(statistic="recall", rings="p", at=0.01), foggy)
    found, there = foggy.labelled()
    day, mine = (foggy.frames.at_s // DAY_S).astype(int), np.nan_to_num(there) > 0

    def ratio(rows):
        rest = found[rows] - found[rows].sum() / there[rows].sum() * there[rows]
        return found[rows].sum() / there[rows].sum(), np.sqrt((rest**2).sum()) / there[rows].sum()

    old, old_error = ratio(mine & (day < 7))
    for place in range(7, 28):
        new, error = ratio(mine & (day == place))
        assert series.value[place] == pytest.approx(new)
        assert series.score[place] == pytest.approx(
            2 * stats.norm.sf(abs(new - old) / np.hypot(error, old_error)), rel=0.02, abs=1e-9
        )


def test_labels_are_known_when_they_have_come(foggy):
    for statistic, late in (("recall", SPEC.labels.days_late * DAY_S), ("found", 0.0)):
        [series] = watched(Watch(statistic=statistic), foggy)
        assert series.known_s == pytest.approx((np.arange(28) + 1) * DAY_S + late)


def test_many_slices_are_corrected_for_if_that_is_asked(foggy):
    plain, corrected = (
        watched(Watch(statistic="found", by="site", test="ks", rings="p", at=0.01, correct=each), foggy)
        for each in (False, True)
    )
    for one, other in zip(plain, corrected, strict=True):
        assert np.array_equal(one.score, other.score)
        assert np.array_equal(one.rings[7:], one.score[7:] < 0.01)
        assert np.array_equal(other.rings[7:], one.score[7:] * len(plain) < 0.01)


def test_a_monitor_reads_the_share_of_the_frames_that_it_is_told_to(foggy):
    [some], [every] = (watched(Watch(statistic="found", sampled=each), foggy) for each in (0.1, 1.0))
    apart = some.value - every.value
    assert apart.any() and abs(apart.mean()) < 3 * apart.std() / np.sqrt(len(apart))
    [few] = watched(Watch(statistic="found", window_h=1, sampled=0.1), foggy)
    assert not few.rings.any()


def test_collected_images_are_those_of_the_reference_clear_and_tested(foggy):
    there = read_scenes()
    n, s = there.cell(("nanodet_m", "fp32"), ("clean", 0))
    mine = there.scenes["reference"].to_numpy(bool)
    watch = Watch(statistic="found", reference="collected", at=3)
    counted = there.tails[0][n, s, mine, there.best_bin(("nanodet_m", "fp32"))]
    assert collected(foggy, watch) == pytest.approx(counted)
    [series] = watched(watch, foggy)
    values = collected(foggy, watch)
    counts = np.bincount((foggy.frames.at_s // DAY_S).astype(int))
    assert series.score == pytest.approx(np.abs(series.value - values.mean()) / (values.std(ddof=1) / np.sqrt(counts)))


def test_each_statistic_is_paid_for_once_by_the_largest_share_that_is_read():
    watches = [
        Watch(statistic="found", sampled=0.1),
        Watch(statistic="found", by="site", sampled=0.5),
        Watch(statistic="bytes"),
    ]
    assert priced(watches, {"found": 10, "bytes": 5}) == pytest.approx(10)


# When it rings


def test_rings_come_in_order_and_from_their_time_on(foggy):
    series = [one for name in ("found", "contrast") for one in watched(Watch(statistic=name, by="site", at=2), foggy)]
    found = rings(series, 12 * DAY_S)
    assert [ring.at_s for ring in found] == sorted(ring.at_s for ring in found) and found[0].at_s >= 12 * DAY_S
    assert len(found) == sum(int((one.rings & (one.known_s >= 12 * DAY_S)).sum()) for one in series)


@pytest.mark.parametrize("cause", ["overload", "fog_season", "guideline"])
def test_what_a_monitor_says_does_not_hang_on_what_comes_later(cause):
    now, calm = untouched(cause, "abrupt").statistics(), untouched(None).statistics()
    for watch in (*SPEC.watches, Watch(statistic="latency", window_h=6), Watch(statistic="found", by="replica", window_h=6)):
        for one, other in zip(watched(watch, now), watched(watch, calm), strict=True):
            before = one.ends_s <= ONSET * DAY_S
            assert one.score[before] == pytest.approx(
                other.score[: len(before)][before[: len(other.score)]], rel=1e-6, abs=1e-9
            )


def test_a_reference_of_a_single_window_tells_no_spread_and_rings_for_nothing():
    for window_h, test in ((168, "mean"), (120, "mean"), (168, "psi"), (168, "wasserstein")):
        [series] = watched(Watch(statistic="found", window_h=window_h, test=test), statistics_of(secret_of(None)))
        assert not series.rings.any(), (window_h, test)


@lru_cache
def quiet_frames() -> FrameStatistics:
    return statistics_of(secret_of(None), served=grid(2800))


def noise(seed: int, monkeypatch, hours: float, at: float) -> np.ndarray:
    """Which windows after the reference ring, where each frame's figure is white noise, whatever the frame."""
    values = np.random.default_rng(seed).normal(size=2800)
    monkeypatch.setattr(FrameStatistics, "figure", lambda *_: values)
    [series] = watched(Watch(statistic="found", window_h=hours, at=at), quiet_frames())
    return series.rings[round(168 / hours) :]


@pytest.mark.parametrize(("hours", "freedom"), [(24, 6), (6, 24)])
def test_white_noise_rings_at_the_rate_of_students_t(monkeypatch, hours, freedom):
    """A window less the mean of seven, in deviations estimated with so many degrees of freedom."""
    at = 2.5
    shares = [noise(seed, monkeypatch, hours, at).mean() for seed in range(1, 101)]
    one, expected = mean_interval(shares), 2 * stats.t.sf(at / np.sqrt(1 + 1 / 7), freedom)
    assert one.low - 0.4 * (one.high - one.low) < expected < one.high + 0.4 * (one.high - one.low)


def test_quiet_weeks_ring_as_often_as_students_t_says_and_far_more_where_frames_are_taken_for_independent():
    """Scenes last, so that frames of a window resemble each other; the spread of windows knows that, p does not."""
    spread, p = Watch(statistic="found", at=2.5), Watch(statistic="found", test="ks", rings="p", at=0.05)
    rung = []
    for seed in range(1, 41):
        statistics = statistics_of(secret_of(None, seed=seed), served=grid(20_000))
        rung.append([watched(watch, statistics)[0].rings[7:].mean() for watch in (spread, p)])
    usual, independent = (mean_interval(column) for column in np.array(rung).T)
    expected = 2 * stats.t.sf(2.5 / np.sqrt(1 + 1 / 7), 6)
    assert usual.low - 0.4 * (usual.high - usual.low) < expected < usual.high + 0.4 * (usual.high - usual.low)
    assert independent.low > 3 * 0.05


# River


@pytest.mark.parametrize("hours", [6, 24])
@pytest.mark.parametrize("name", ["adwin", "page_hinkley"])
def test_rivers_detectors_are_fed_a_window_at_a_time(foggy, name, hours):
    drift = pytest.importorskip("river.drift")
    first = round(168 / hours)
    made = {
        "adwin": lambda: drift.ADWIN(delta=0.002, clock=1),
        "page_hinkley": lambda: drift.PageHinkley(threshold=4, min_instances=first),
    }
    [series] = watched(Watch(statistic="contrast", test=name, window_h=hours), foggy)
    detector, found = made[name](), []
    for score in series.score:
        detector.update(float(score))
        found.append(detector.drift_detected)
    assert series.rings[first:].tolist() == found[first:]
    assert any(found) or (name, hours) == ("adwin", 24)


def test_without_river_it_is_said_what_is_needed(foggy, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "river", None)
    with pytest.raises(WatchError, match=r"adwin: needs river, which is not installed: pip install 'casesim\[monitors\]'"):
        watched(Watch(statistic="found", test="adwin"), foggy)


def test_windows_with_few_rows_say_nothing(foggy):
    for watch, nothing in ((Watch(statistic="found", window_h=1, sampled=0.8, at=0.1), 0),
                           (Watch(statistic="found", window_h=1, sampled=0.8, test="ks", rings="p", at=1), 1)):  # fmt: skip
        [series] = watched(watch, foggy)
        few = (series.score == nothing) & ~series.rings
        assert 0.1 < few.mean() < 0.9 and series.rings[168:][~few[168:]].any()


def test_the_spread_of_a_counter_is_that_of_the_reference_alone():
    """A frame in a thousand is dropped; from the third week on ten times as many frames come."""
    sparse, dense = grid(6_000), grid(60_000)
    sparse.latency_s[::1000] = np.nan
    more = ServedFrames(*(np.concatenate([getattr(sparse, name)[:3000], getattr(dense, name)[30_000:]])
                    for name in ("arrived_s", "latency_s", "replica")), 3)  # fmt: skip
    watch = Watch(statistic="dropped", window_h=24)
    one, other = (watched(watch, statistics_of(secret_of(None), served=served))[0] for served in (sparse, more))
    assert one.score[:14] == pytest.approx(other.score[:14]) and one.score[:14].any()
