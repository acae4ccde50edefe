"""Rows of several sources in one file, such as cameras that take turns: neighbours in the file hide how alike rows are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from simulator.monitors.blocks import Blocks, Codes, Floats
from simulator.monitors.monitor_tables import Column, MonitoredTable

#: A source has at least so many rows on average, and there are at most so many of them.
_ROWS, _SOURCES = 10, 500
#: The variance of the mean of a round of sources, in times that of independent ones, from which on they are not told apart.
_TOGETHER = 1.25
#: A source varies within itself from so many blocks on.
_BLOCKS = 2
#: Standard errors by which rows of one source resemble each other more than neighbours in the file do.
_CERTAIN = 4.0


@dataclass(frozen=True, eq=False)
class Interleaving:
    """The sources that rows of both files come from in turns.

    column: that names them; empty where only a period in the rows shows them
    codes, others: the source of each row of the reference and of production, as it stands in the file, shapes (n,) and (m,)
    within, beside: correlation of a row with the row before it from the same source, and with the row before it in the file
    of: the column whose correlation it is
    """

    column: str
    codes: Codes
    others: Codes
    within: float
    beside: float
    of: str

    @property
    def sentence(self) -> str:
        """Name the source, the reason, and what to do where no column names it."""
        count = int(self.codes.max()) + 1
        alike = f"('{self.of}': correlation {self.within:.2f}; with the row before in the file {self.beside:.2f})"
        why = f"A block is a stretch of one source, or of all {count:,} in a column that they share, such as the weather."
        if self.column:
            return f"'{self.column}' names the source of a row: rows of one source resemble each other {alike}. {why}"
        return (
            f"A row resembles the one {count:,} rows before it {alike}: {count:,} sources seem to take turns. {why} "
            "A column that names the source would make this certain."
        )


def interleaving_of(
    reference: MonitoredTable,
    production: MonitoredTable,
    columns: Sequence[Column],
    orders: tuple[Codes, Codes],
    apart: Sequence[str],
) -> Interleaving | None:
    """Return the sources that rows of the reference come from in turns; None where neighbours resemble each other most.

    columns: to be compared; orders: of the rows of both files in time, shapes (n,) and (m,); apart: columns that are no sources
    """
    order = orders[0]
    series = {column.name: _ranks(column) for column in columns if column.kind != "words"}
    series = series or {column.name: _ranks(column) for column in columns}
    certain = _CERTAIN / np.sqrt(len(order))
    beside = {name: _lag_one(values[order], np.zeros(len(order), np.int64)) for name, values in series.items()}
    found = [
        Interleaving(column, codes, others, within, beside[name], name)
        for column, codes, others in _candidates(reference, production, apart)
        for name, values in series.items()
        if name != column and (within := _lag_one(values[order], codes[order])) > max(beside[name], 0.0) + certain
    ]
    if found:
        return max(found, key=lambda interleaving: interleaving.within - max(interleaving.beside, 0.0))
    periods = [_period(name, values, orders, beside[name]) for name, values in series.items()]
    return max((period for period in periods if period), key=lambda period: period.within, default=None)


def _candidates(
    reference: MonitoredTable, production: MonitoredTable, apart: Sequence[str]
) -> Iterator[tuple[str, Codes, Codes]]:
    for name in map(str, reference.rows.columns):
        if name in apart or name not in production.rows.columns:
            continue
        values, others = (table.rows[name].reset_index(drop=True) for table in (reference, production))
        if values.isna().any() or (pd.api.types.is_float_dtype(values) and (values != values.round()).any()):
            continue
        first, second = values.astype(str), others.astype(str)
        count = first.nunique()
        if 2 <= count <= min(_SOURCES, len(values) / _ROWS) and second.isin(set(first)).mean() > 0.5:
            codes = pd.factorize(pd.concat([first, second]))[0].astype(np.int64)
            yield name, codes[: len(first)], codes[len(first) :]


def _period(name: str, values: Floats, orders: tuple[Codes, Codes], beside: float) -> Interleaving | None:
    """Return sources that take turns without a column that names them, from a peak in the autocorrelation."""
    ordered = values[orders[0]]
    centred = np.nan_to_num(ordered - np.nanmean(ordered))
    longest, certain = min(len(centred) // _ROWS, _SOURCES), _CERTAIN / np.sqrt(len(centred))
    if longest < 2 or not centred.any():
        return None
    products = scipy.signal.correlate(centred, centred, method="fft")[len(centred) - 1 :]
    alike = products / products[0]
    lag = int(alike[2 : longest + 1].argmax()) + 2
    again = alike[2 * lag] if 2 * lag < len(alike) else 0.0
    if alike[lag] < max(beside, 0.0) + certain or again < certain / 2:
        return None
    codes, others = (np.empty(len(order), np.int64) for order in orders)
    for each, order in zip((codes, others), orders, strict=True):
        each[order] = np.arange(len(order)) % lag
    return Interleaving("", codes, others, float(alike[lag]), beside, name)


def are_independent(values: Floats, codes: Codes) -> bool:
    """Return whether the mean over the sources varies from round to round as little as that of independent sources.

    values, codes: rows in time and their sources, shapes (n,). A round holds the next row of each source.
    """
    frame = pd.DataFrame({"value": values, "source": codes}).dropna()
    frame["value"] -= frame.groupby("source")["value"].transform("mean")
    rounds = frame.groupby(frame.groupby("source").cumcount())["value"].agg(["mean", "count"])
    full = rounds.loc[rounds["count"] == rounds["count"].max(), "mean"]
    alone = float((frame["value"] ** 2).mean()) / float(rounds["count"].max())
    return bool(alone > 0 and float((full**2).mean()) / alone < _TOGETHER)


def stretched(codes: Codes, others: Codes, length: int) -> Blocks:
    """Return blocks of one source each. codes, others: the source of each row of the two files, shapes (n,) and (m,).

    Where every source has its share of the blocks in both files, blocks change places within their source: that cameras see
    different things is then no reason to doubt a change. Elsewhere, blocks of all sources change places, so that another mix of
    sources is seen.
    """
    blocks = stretches(codes, length), stretches(others, length)
    firsts = (np.unique(block, return_index=True)[1] for block in blocks)
    sources = tuple(rows[first] for rows, first in zip((codes, others), firsts, strict=True))
    width = 1 + int(max(source.max() for source in sources))
    counts = [np.bincount(source, minlength=width) for source in sources]
    shares = [count / count.sum() for count in counts]
    balanced = np.abs(shares[0] - shares[1]).max() <= max(1 / count.sum() for count in counts)
    enough = min(int(count[count > 0].min()) for count in counts) >= _BLOCKS
    return Blocks(*blocks, length, (sources[0], sources[1]) if balanced and enough else None)


def stretches(codes: Codes, length: int) -> Codes:
    """Return the block of each row: a stretch of `length` rows of its source, or the rest of it, shape (n,)."""
    frame = pd.DataFrame({"source": codes})
    place = frame.groupby("source").cumcount().to_numpy()
    rows = frame.groupby("source")["source"].transform("size").to_numpy()
    last = np.maximum((rows / length + 0.5).astype(int), 1) - 1
    pairs = np.stack([codes, np.minimum(place // length, last)])
    return np.asarray(np.unique(pairs, axis=1, return_inverse=True)[1].ravel(), np.int64)


def _ranks(column: Column) -> Floats:
    """Return the ranks of a column of the reference by row of the file, or 1 at its commonest word; NaN where empty."""
    values = column.reference.sort_index()
    if column.kind == "words":
        return np.asarray(values == values.mode().iloc[0], float)
    return np.asarray(scipy.stats.rankdata(values, nan_policy="omit"), float)


def _lag_one(values: Floats, codes: NDArray[np.int64]) -> float:
    """Return the correlation of each row with the one before it of the same source, apart from the sources' own means."""
    order = np.argsort(codes, kind="stable")
    rows, of = values[order], codes[order]
    kept = np.isfinite(rows)
    rows, of = rows[kept], of[kept]
    counts = np.bincount(of)
    rows = rows - (np.bincount(of, rows) / np.maximum(counts, 1))[of]
    same = of[1:] == of[:-1]
    total = float((rows**2).sum())
    return float((rows[1:] * rows[:-1])[same].sum()) / total if total > 0 else 0.0
