"""One test of one column: its statistic, the effect with its interval, p, and the smallest effect that it would detect.

CUSUM, and ADWIN and Page-Hinkley of the library river, read production row by row after the reference: block means in units of
the standard deviation of the block means of the reference. Their guarantees hold for independent values only; p is therefore
the share of random orders of the blocks with an alarm as early.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
import scipy

from simulator.arrays import Codes, Floats
from simulator.intervals import LEVEL, Interval, corrected_interval, percentile_interval, pivotal_interval
from simulator.metrics import distances
from simulator.metrics.distances import Cells
from simulator.monitors.blocks import (
    KS_EFFICIENCY,
    POWER,
    BlockedKernel,
    Blocks,
    Resampling,
    Statistic,
    arrangements,
    block_sums,
    independent_rows,
    permutation_p,
    resampling,
    smallest_change,
    smallest_shift,
)
from simulator.monitors.monitor_tables import Kind

#: CUSUM is tuned to shifts of one standard deviation, half of which is its allowance, and alarms at 5 (Montgomery 2013,
#: Introduction to Statistical Quality Control, section 9.1).
ALLOWANCE, THRESHOLD = 0.5, 5.0
#: ADWIN's bound on false alarms, for independent values (Bifet and Gavalda 2007).
ADWIN_DELTA = 0.002
#: Blocks are joined down to MOST_BLOCKS a file, but not below FEW_BLOCKS of either file; fewer than LEAST_BLOCKS are not read.
MOST_BLOCKS, FEW_BLOCKS, LEAST_BLOCKS = 250, 20, 3
#: Random orders are tried until this many alarm as early: enough for p (Besag and Clifford 1991, Biometrika 78:301).
_ENOUGH = 20
_AT_ONCE = 1000


@dataclass(frozen=True)
class SequentialAlarm:
    """The result of a detector on production.

    statistic: CUSUM's highest sum, or the number of blocks of production before the alarm
    block: where the sum began to grow (CUSUM), or where the alarm came, from 0; None without an alarm
    p: the share of orders of all blocks that show as much, or alarm as early
    """

    statistic: float
    block: int | None
    p: float


def block_means(values: Floats, codes: Codes) -> Floats:
    return np.asarray(np.bincount(codes, values) / np.bincount(codes))


def joined(reference: Codes, production: Codes) -> tuple[Codes, Codes]:
    """Return the numbers of blocks in their order, neighbours joined until there are few enough; shapes (n,) and (m,)."""
    places = [np.argsort(np.argsort(np.unique(codes, return_index=True)[1]))[codes] for codes in (reference, production)]
    counts = [int(codes.max()) + 1 for codes in places]
    each = max(min(ceil(max(counts) / MOST_BLOCKS), min(counts) // FEW_BLOCKS), 1)
    first, second = (np.minimum(codes // each, max(count // each, 1) - 1) for codes, count in zip(places, counts, strict=True))
    return first, second


def cusum(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    """Run a two-sided tabular CUSUM of block means, shapes (n,) and (m,), with mean and deviation of the reference."""
    both, size = np.concatenate([reference, production]), len(reference)
    sums = cusum_sums(_standardised(both[None], size)[:, size:])[:, 0]
    side, highest = np.unravel_index(sums.argmax(), sums.shape)
    found, zeros = float(sums.max()), np.flatnonzero(sums[side, : highest + 1] == 0)
    rng = np.random.default_rng(seed)
    quiet = (
        cusum_sums(_standardised(rng.permuted(np.tile(both, (part, 1)), axis=1), size)[:, size:]).max(axis=(0, 2))
        for part in np.diff([*range(0, orders, _AT_ONCE), orders])
    )
    began = int(zeros[-1]) + 1 if len(zeros) else 0
    return SequentialAlarm(found, began if found > THRESHOLD else None, permutation_p(found, quiet))


def cusum_sums(standardised: Floats) -> Floats:
    """Return the sums up and down after each value, shape (2, streams, m)."""
    sums = np.zeros((2, *standardised.shape))
    now = np.zeros((2, len(standardised)))
    for place, values in enumerate(standardised.T):
        now = np.maximum(now + np.stack([values, -values]) - ALLOWANCE, 0)
        sums[:, :, place] = now
    return sums


def adwin(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    from river.drift import ADWIN

    return _first_alarm(lambda: ADWIN(delta=ADWIN_DELTA, clock=1), reference, production, orders, seed)


def page_hinkley(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    from river.drift import PageHinkley

    return _first_alarm(PageHinkley, reference, production, orders, seed)


def _first_alarm(make: Callable[[], Any], reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    both, size = np.concatenate([reference, production]), len(reference)
    found = _alarm(make(), _standardised(both, size), size, len(production))
    if found == len(production):
        return SequentialAlarm(float(found), None, 1.0)
    rng, early = np.random.default_rng(seed), 0
    for tried in range(1, orders + 1):
        early += _alarm(make(), _standardised(rng.permutation(both), size), size, found + 1) <= found
        if early == _ENOUGH:
            return SequentialAlarm(float(found), found, early / tried)
    return SequentialAlarm(float(found), found, (early + 1) / (orders + 1))


def _alarm(detector: Any, stream: Floats, size: int, until: int) -> int:
    for place, value in enumerate(stream[: size + until].tolist()):
        detector.update(value)
        if detector.drift_detected and place >= size:
            return place - size
    return until


def _standardised(streams: Floats, size: int) -> Floats:
    """Return streams in units of their reference's part, the first `size` values, shape (..., n + m)."""
    reference = streams[..., :size]
    spread = reference.std(axis=-1, ddof=1, keepdims=True)
    return np.asarray((streams - reference.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1.0))


#: Times that each file is drawn again for an interval.
DRAWS = 999
#: Fewer rows or blocks of a file give no interval.
LEAST_UNITS = 3

Unit = Literal["sd", "share", "psi", "mmd"]


@dataclass(frozen=True)
class EffectSize:
    """The size of a change.

    name: of the category whose share changed most; size: roughly in standard deviations, to rank changes
    signed: True if it has a direction
    """

    interval: Interval
    unit: Unit
    name: str = ""
    size: float = 0.0
    signed: bool = False


@dataclass(frozen=True)
class ColumnTestResult:
    """The result of one test of one column in one part of the data.

    p: before any correction; least_p: the lowest possible p with this number of rows or blocks
    smallest: the smallest effect, in the effect's unit, that is detected in four cases of five; None without a formula
    independent: independent rows of the reference and of production
    alarm: the row of production where CUSUM's sum began to grow, or another detector's alarm came
    """

    statistic: float
    effect: EffectSize
    p: float
    least_p: float
    smallest: float | None
    independent: tuple[float, float]
    alarm: int | None = None


@dataclass(frozen=True, eq=False)
class ColumnSample:
    """One column of a part of both files, none of it empty: numbers or words, shapes (n,) and (m,).

    blocks: None where rows are independent; level: of one test, after the correction for many; times: permutations
    """

    kind: Kind
    reference: Floats
    production: Floats
    names: tuple[str, ...]
    blocks: Blocks | None
    level: float
    times: int
    seed: int

    @property
    def independent(self) -> tuple[float, float]:
        """Return the number of independent rows of either file, from the blocks of the reference."""
        sizes = (float(len(self.reference)), float(len(self.production)))
        if self.blocks is None:
            return sizes
        sources = self.blocks.sources[0] if self.blocks.sources else None
        first = independent_rows(self._ordered(self.reference), self.blocks.reference, sources)
        return first, max(first * sizes[1] / sizes[0], 1.0)

    def _ordered(self, values: Floats) -> Floats:
        if self.kind != "words":
            return np.asarray(scipy.stats.rankdata(values), float)
        return np.asarray(values == np.bincount(self.reference.astype(int)).argmax(), float)

    def resampled(self, cells: Cells) -> Resampling:
        return resampling((cells.reference, cells.production), len(cells.support), self.blocks)

    def permuted_p(self, found: float, rows: Resampling, statistic: Statistic) -> tuple[float, float]:
        p = permutation_p(found, rows.permuted(statistic, self.times, self.seed))
        return p, max(1 / (self.times + 1), 1 / rows.arrangements)

    def cells(self) -> Cells:
        if self.kind == "words":
            codes = (self.reference.astype(int), self.production.astype(int))
            return Cells(*codes, np.arange(len(self.names), dtype=float), self.names)
        return distances.cells_of_numbers(self.reference, self.production)


def ask_ks(sample: ColumnSample) -> ColumnTestResult:
    """Run Kolmogorov and Smirnov's test; the effect is the shift of the mean."""
    cells = sample.cells()
    rows = sample.resampled(cells)
    with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # where the exact p is out of reach, it says so
        test = scipy.stats.ks_2samp(sample.reference, sample.production, method="auto" if sample.blocks is None else "asymp")
    if sample.blocks is None:
        p, least = float(test.pvalue), 0.0
    else:
        p, least = sample.permuted_p(float(distances.ks(*rows.counted)[0]), rows, distances.ks)
    smallest = smallest_shift(sample.independent, sample.level, KS_EFFICIENCY)
    return ColumnTestResult(float(test.statistic), _shift(sample, cells, rows), p, least, smallest, sample.independent)


def ask_chi_squared(sample: ColumnSample) -> ColumnTestResult:
    """Run Pearson's test of the shares of all categories; the effect is the share that changed most.

    For independent rows, p comes from the chi-squared distribution if at least five rows are expected in each cell.
    """
    cells = sample.cells()
    rows = sample.resampled(cells)
    counts = np.concatenate(rows.counted)
    found = float(distances.chi_squared(counts[:1], counts[1:])[0])
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    if counts.shape[1] == 1:
        p, least = 1.0, 0.0
    elif sample.blocks is None and expected.min() >= 5:
        p, least = float(scipy.stats.chi2_contingency(counts, correction=False).pvalue), 0.0
    else:
        p, least = sample.permuted_p(found, rows, distances.chi_squared)
    effect = _changed_share(cells, rows, sample.independent)
    shares = counts.sum(axis=0) / counts.sum()
    middle = float(shares[np.abs(shares - 0.5).argmin()])
    return ColumnTestResult(
        found, effect, p, least, smallest_change(middle, sample.independent, sample.level), sample.independent
    )


def ask_wasserstein(sample: ColumnSample) -> ColumnTestResult:
    """Test Wasserstein's distance in standard deviations of the reference; the effect excludes what chance adds."""
    cells = sample.cells()
    deviation = distances.deviation(sample.reference, sample.production)
    rows, statistic = sample.resampled(cells), distances.wasserstein(cells.support, deviation)
    found = float(scipy.stats.wasserstein_distance(sample.reference, sample.production)) / deviation
    p, least = sample.permuted_p(float(statistic(*rows.counted)[0]), rows, statistic)
    effect = _beyond_chance(found, rows.drawn(statistic, DRAWS, sample.seed), "sd", rows.units)
    return ColumnTestResult(found, effect, p, least, smallest_shift(sample.independent, sample.level), sample.independent)


def ask_psi(sample: ColumnSample) -> ColumnTestResult:
    """Test the population stability index over tenths of the reference, or categories; the effect excludes what chance adds."""
    cells = sample.cells() if sample.kind != "numbers" else distances.psi_cells(sample.reference, sample.production)
    rows = sample.resampled(cells)
    found = float(distances.psi(*rows.counted)[0])
    p, least = sample.permuted_p(found, rows, distances.psi)
    effect = _beyond_chance(found, rows.drawn(distances.psi, DRAWS, sample.seed), "psi", rows.units)
    smallest = smallest_psi(len(cells.support), sample.independent, sample.level)
    return ColumnTestResult(found, effect, p, least, smallest, sample.independent)


def smallest_psi(bins: int, rows: tuple[float, float], level: float) -> float | None:
    """Return the index that is detected with a power of 80%.

    It is (1 / n + 1 / m) times a chi-squared variable of bins - 1 degrees of freedom (Yurdakul 2018, Statistical Properties of
    Population Stability Index), a non-central one where something differs.
    """
    if bins < 2:
        return None
    limit = scipy.stats.chi2.isf(level, bins - 1)
    beyond = scipy.optimize.brentq(lambda off: float(scipy.stats.ncx2.sf(limit, bins - 1, off)) - POWER, 1e-6, 1e4)
    return float(beyond) * (1 / rows[0] + 1 / rows[1])


def _detector(
    run: Callable[[Floats, Floats, int, int], SequentialAlarm],
) -> Callable[[ColumnSample], ColumnTestResult]:
    def ask(sample: ColumnSample) -> ColumnTestResult:
        cells = sample.cells()
        rows = sample.resampled(cells)
        codes = joined(*_codes(sample))
        means = [block_means(*part) for part in zip((sample.reference, sample.production), codes, strict=True)]
        least = max(1 / (sample.times + 1), 1 / arrangements((len(means[0]), len(means[1]))))
        effect, smallest = _shift(sample, cells, rows), smallest_shift(sample.independent, sample.level)
        if min(map(len, means)) < LEAST_BLOCKS:
            return ColumnTestResult(float("nan"), effect, 1.0, 1.0, None, sample.independent)
        alarm = run(means[0], means[1], sample.times, sample.seed)
        row = None if alarm.block is None else int((codes[1] == alarm.block).argmax())
        return ColumnTestResult(alarm.statistic, effect, alarm.p, least, smallest, sample.independent, row)

    return ask


def _codes(sample: ColumnSample) -> tuple[Codes, Codes]:
    if sample.blocks is None:
        return np.arange(len(sample.reference)), np.arange(len(sample.production))
    return sample.blocks.reference, sample.blocks.production


#: The function of each test, and the kinds of columns that it fits.
TESTS: dict[str, tuple[Callable[[ColumnSample], ColumnTestResult], tuple[Kind, ...]]] = {
    "ks": (ask_ks, ("numbers", "counts")),
    "chi2": (ask_chi_squared, ("counts", "words")),
    "wasserstein": (ask_wasserstein, ("numbers", "counts")),
    "psi": (ask_psi, ("numbers", "counts", "words")),
    "cusum": (_detector(cusum), ("numbers", "counts")),
    "adwin": (_detector(adwin), ("numbers", "counts")),
    "page_hinkley": (_detector(page_hinkley), ("numbers", "counts")),
}
#: All columns of numbers together.
MMD = "mmd"
#: The name of each test in a sentence.
NAMES = {
    "ks": "KS",
    "chi2": "chi-squared",
    "wasserstein": "Wasserstein",
    "psi": "PSI",
    "cusum": "CUSUM",
    "adwin": "ADWIN",
    "page_hinkley": "Page-Hinkley",
    MMD: "MMD",
}


def ask_mmd(samples: list[ColumnSample], blocks: Blocks | None) -> ColumnTestResult:
    """Test whether columns of numbers differ together, each in standard deviations of the reference.

    blocks: of rows before thinning; the effect is the squared discrepancy, without what chance adds to it
    """
    first = samples[0]
    both = [np.column_stack([_scaled(sample)[part] for sample in samples]) for part in (0, 1)]
    codes = _codes(first) if blocks is None else (blocks.reference, blocks.production)
    rows_kept = [np.unique(np.linspace(0, len(rows) - 1, min(len(rows), distances.MOST_ROWS)).astype(int)) for rows in both]
    features = (both[0][rows_kept[0]], both[1][rows_kept[1]])
    left, thinned = zip(
        *(np.unique(code[keep], return_inverse=True) for code, keep in zip(codes, rows_kept, strict=True)), strict=True
    )
    width = distances.bandwidth(np.concatenate(features))
    sources = (blocks.sources[0][left[0]], blocks.sources[1][left[1]]) if blocks and blocks.sources else None
    kernel = BlockedKernel(features, (thinned[0], thinned[1]), width, sources)
    p = permutation_p(kernel.found(), kernel.permuted(first.times, first.seed))
    effect = _beyond_chance(kernel.found(), kernel.drawn(DRAWS, first.seed), "mmd", kernel.sizes)
    least = max(1 / (first.times + 1), 1 / arrangements(kernel.sizes, sources))
    smallest = min((sample.independent for sample in samples), key=min)
    return ColumnTestResult(distances.mmd_squared(*features, width), effect, p, least, None, smallest)


def _scaled(sample: ColumnSample) -> tuple[Floats, Floats]:
    centre, spread = sample.reference.mean(), distances.deviation(sample.reference, sample.production)
    return (sample.reference - centre) / spread, (sample.production - centre) / spread


def _shift(sample: ColumnSample, cells: Cells, rows: Resampling) -> EffectSize:
    deviation = distances.deviation(sample.reference, sample.production)
    value = float(sample.production.mean() - sample.reference.mean()) / deviation
    if sample.blocks is None:
        statistic, sums = distances.mean_shift(cells.support, deviation), rows
    else:
        statistic, sums = _difference_of_means(deviation), block_sums(sample.reference, sample.production, sample.blocks)
    off = sums.drawn(statistic, DRAWS, sample.seed) - statistic(*sums.counted)[0]
    interval = percentile_interval(value, value + _widening(rows.units) * off)
    return EffectSize(_bounded(interval, rows.units), "sd", size=abs(value), signed=True)


def _difference_of_means(deviation: float) -> Statistic:
    """Return the shift from the rows of a file and the sum of their values, shapes (..., 2): quicker than from every cell."""

    def shift(reference: Floats, production: Floats) -> Floats:
        return np.asarray((production[:, 1] / production[:, 0] - reference[:, 1] / reference[:, 0]) / deviation)

    return shift


def _widening(units: tuple[int, int]) -> float:
    """Return by how much Student's t exceeds the normal quantile: the spread of few rows or blocks is uncertain itself."""
    freedom = max(sum(units) - 2, 1)
    return float(scipy.special.stdtrit(freedom, (1 + LEVEL) / 2) / scipy.special.ndtri((1 + LEVEL) / 2))


def _bounded(interval: Interval, units: tuple[int, int]) -> Interval:
    return interval if min(units) >= LEAST_UNITS else Interval(interval.value, -np.inf, np.inf)


def _beyond_chance(found: float, drawn: Floats, unit: Unit, units: tuple[int, int]) -> EffectSize:
    """Subtract the mean effect of resampling from a distance, at least 0.

    The interval covers both the mirrored one, which reaches 0 where nothing differs, and the bias-corrected percentile one,
    which is right where much differs: either alone misses too often.
    """
    mirrored, corrected = pivotal_interval(found, drawn, least=0.0), corrected_interval(found, drawn)
    low, high = min(mirrored.low, corrected.low), max(mirrored.high, corrected.high)
    value = min(max(2 * found - float(np.mean(drawn)), low), high)
    interval = _bounded(Interval(value, low, high), units)
    return EffectSize(interval, unit, size=value if unit == "sd" else float(np.sqrt(value)))


def _changed_share(cells: Cells, rows: Resampling, independent: tuple[float, float]) -> EffectSize:
    """Return the share that changed most. Its interval holds for all categories at once.

    Where a file has none of the category, or nothing else, the share may still be 3 / (independent rows) (rule of three).
    """
    found = distances.share_change(*rows.counted)[0]
    most = int(np.abs(found).argmax())
    off = np.abs(rows.drawn(distances.share_change, DRAWS, 0) - found).max(axis=1)
    within = [float((part[0] / part.sum())[most]) for part in rows.counted]
    certain = [3 / size for share, size in zip(within, independent, strict=True) if share in (0.0, 1.0)]
    half = max(_widening(rows.units) * float(np.quantile(off, LEVEL)), *certain, 0.0)
    name = cells.names[most] if cells.names else f"{cells.support[most]:g}"
    counts = np.concatenate(rows.counted).sum(axis=0)
    share = counts[most] / counts.sum()
    spread = float(np.sqrt(share * (1 - share))) or 1.0
    value = float(found[most])
    bounds = Interval(value, max(value - half, -1.0), min(value + half, 1.0))
    return EffectSize(_bounded(bounds, rows.units), "share", name, abs(value) / spread, signed=True)
