"""Columns with a role, recognised by name and content: time, source, place, scene; and sources that take turns in one file.

Where rows of several sources take turns, such as cameras, neighbours in the file hide how alike rows of one source are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from simulator.arrays import Codes, Floats
from simulator.monitors.blocks import Blocks, neighbours_alike
from simulator.monitors.monitor_tables import MOST_WORDS, Column, MonitoredTable, TableError, Tables, times
from simulator.phrases import phrase

Role = Literal["time", "source", "place", "group"]

#: The words in a column's name that show its role, the surest first.
_NAMES: dict[Role, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "captured", "seen", "date", "ts", "at", "seconds"),
    "source": ("camera", "cam", "device", "sensor", "stream", "channel", "source", "station", "machine"),
    "place": ("site", "location", "place", "zone", "region", "store", "plant", "line", "room"),
    "group": ("scene", "clip", "sequence", "video", "session", "episode", "track", "burst"),
}
#: A source and a place have at most this many names, and this many rows for each name on average.
_SOURCES, _ROWS = 500, 10
#: Groups count as independent from this many on.
_GROUPS = 20
_WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True)
class ColumnRoles:
    """The recognised columns; None where the files have none. notes: a sentence for each role."""

    time: str | None = None
    source: str | None = None
    place: str | None = None
    group: str | None = None
    notes: Mapping[Role, str] = field(default_factory=dict)

    @property
    def slices(self) -> str | None:
        """Return the column that divides a heat map: the place, or else the camera."""
        return self.place or self.source


#: Checks the content of a column in both files, and returns the reason in words, or "" if the content does not fit.
_Check = Callable[[MonitoredTable, MonitoredTable, str], str]


def recognised(reference: MonitoredTable, production: MonitoredTable) -> ColumnRoles:
    """Return the columns of both files whose name and content show their role."""
    found: dict[Role, tuple[str, str]] = {}
    for role, check in _CHECKS.items():
        taken = {name for name, _ in found.values()}
        fitting = (
            (name, why)
            for name in _candidates(reference, production, role)
            if name not in taken and (why := check(reference, production, name))
        )
        if (first := next(fitting, None)) is not None:
            found[role] = first
    notes = {role: phrase("columns.role", column=name, role=_ROLE_WORDS[role], why=why) for role, (name, why) in found.items()}
    return ColumnRoles(**{role: name for role, (name, _) in found.items()}, notes=notes)


_ROLE_WORDS: dict[Role, str] = {"time": "time", "source": "source of a row", "place": "place", "group": "group of a row"}


def _candidates(reference: MonitoredTable, production: MonitoredTable, role: Role) -> Iterator[str]:
    """Yield the columns of both files with a word of this role in their name, the surest word first."""
    shared = [str(name) for name in reference.rows.columns if name in production.rows.columns]
    words = {name: _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) for name in shared}
    for word in _NAMES[role]:
        yield from (name for name in shared if word in words[name])


def _is_time(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    for table in (reference, production):
        values = table.rows[name]
        if values.nunique() < _ROWS or pd.api.types.is_bool_dtype(values):
            return ""
        try:
            hours = times(table, name)
        except TableError:
            return ""
        stamps = not pd.api.types.is_numeric_dtype(values)
        if not stamps and not (np.diff(hours) >= 0).mean() > 0.99 and name.lower() in ("at", "seen", "seconds", "date"):
            return ""
    return "every cell holds a time" if stamps else "every cell holds a number of seconds"


def _names_rows(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    values, others = reference.rows[name], production.rows[name]
    if _unnamed(others) or not _are_sources(values, others):
        return ""
    count = values.nunique()
    return phrase("columns.names", names=count, rows=len(values) / count)


def _are_sources(values: pd.Series, others: pd.Series) -> bool:
    """Return whether a column names sources: few, with rows enough of each, and most of them in production too."""
    if _unnamed(values):
        return False
    known = others.astype(str).isin(set(values.astype(str))).mean()
    return bool(2 <= values.nunique() <= min(_SOURCES, len(values) / _ROWS) and known > 0.5)


def _is_place(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    return _names_rows(reference, production, name) if reference.rows[name].nunique() <= MOST_WORDS else ""


def _is_group(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    """Accept groups of two rows and more that are many, and whose neighbours do not resemble each other."""
    counts = []
    for table in (reference, production):
        if _unnamed(table.rows[name]):
            return ""
        counts.append(table.rows[name].nunique())
    if min(counts) < _GROUPS or counts[0] > len(reference.rows) / 2:
        return ""
    codes = pd.factorize(reference.rows[name])[0].astype(np.int64)
    for other in reference.rows.select_dtypes("number").columns:
        values = reference.rows[other].to_numpy(float)
        if other != name and np.isfinite(values).all() and neighbours_alike(values, codes) > 0:
            return ""
    return phrase("columns.groups", groups=counts[0], rows=len(reference.rows) / counts[0])


def _unnamed(values: pd.Series) -> bool:
    """Return whether a column holds fractions or empty cells: no names of anything."""
    return bool(values.isna().any() or (pd.api.types.is_float_dtype(values) and (values != values.round()).any()))


_CHECKS: dict[Role, _Check] = {"time": _is_time, "source": _names_rows, "place": _is_place, "group": _is_group}


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
        sources = int(self.codes.max()) + 1
        alike = phrase("columns.correlation", column=self.of, within=self.within, beside=self.beside)
        block = phrase("columns.block", sources=sources)
        key = "columns.sources" if self.column else "columns.turns"
        return phrase(key, column=self.column, sources=sources, alike=alike, block=block)


def interleaving_of(
    tables: Tables, columns: Sequence[Column], orders: tuple[Codes, Codes], apart: Sequence[str]
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
        for column, codes, others in _source_codes(tables, apart)
        for name, values in series.items()
        if name != column and (within := _lag_one(values[order], codes[order])) > max(beside[name], 0.0) + certain
    ]
    if found:
        return max(found, key=lambda interleaving: interleaving.within - max(interleaving.beside, 0.0))
    periods = [_period(name, values, orders, beside[name]) for name, values in series.items()]
    return max((period for period in periods if period), key=lambda period: period.within, default=None)


def _source_codes(tables: Tables, apart: Sequence[str]) -> Iterator[tuple[str, Codes, Codes]]:
    """Yield each column that names sources, with the source of each row of both files."""
    reference, production = (table.rows for table in tables)
    for name in map(str, reference.columns):
        if name not in apart and name in production and _are_sources(values := reference[name], others := production[name]):
            codes = pd.factorize(pd.concat([values.astype(str), others.astype(str)]))[0].astype(np.int64)
            yield name, codes[: len(values)], codes[len(values) :]


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
    # Sources in no order make all lags alike, and chance the highest of them: a period stands out from its neighbours.
    around = max(alike[lag - 1], alike[lag + 1], 0.0)
    if alike[lag] < around + certain or again < certain / 2:
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
